import 'reflect-metadata';
import { getMetadataStorage, type ValidationError, validateSync } from 'class-validator';
import { isJsonObject, type JsonObject } from '../jose/json-object.js';
import { type ConfigurationProblem, problem } from './configuration-error.js';

/**
 * A class that declares options: each property is one, its decorators are what is checked, its initialiser is the
 * default. An instance that has been checked is what the app is configured by.
 */
export type Declaration<Settings extends object = object> = new () => Settings;

/** Lets the compiler refuse a class that declares an option which its documented type does not have. */
export function Declares<Options>(): <Settings extends object>(
  declaration: Declaration<Settings> &
    (Exclude<keyof Settings, keyof Options> extends never ? unknown : UndocumentedOption),
) => void {
  return () => undefined;
}

/** What a class must have, and has not, that declares an option which nobody has documented. */
interface UndocumentedOption {
  readonly undocumentedOption: never;
}

/** Options as they were when they were checked, and what is wrong with them. */
export interface CheckedOptions<Settings> {
  /** Only to be used without problems. */
  readonly settings: Settings;
  readonly problems: readonly ConfigurationProblem[];
}

/**
 * Checks every option by itself, and that there is no other. What is checked is a copy with every default filled in, and
 * the copy is what is used: getters, and what changes later, have no say.
 * @param at the path of the options, as `dpop.` and nothing for all
 */
export function checkDeclared<Settings extends object>(
  declaration: Declaration<Settings>,
  given: JsonObject,
  at = '',
): CheckedOptions<Settings> {
  const settings = settingsOf(declaration, given);
  const errors = validateSync(settings, {
    whitelist: true,
    forbidNonWhitelisted: true,
    forbidUnknownValues: true,
    stopAtFirstError: true,
  });
  return { settings, problems: errors.flatMap((error) => problemsOf(error, at)) };
}

/**
 * The settings that some options stand for. Every own field is taken over, and every field that is declared, wherever it
 * comes from: an object of a class may have getters. Made by hand: class-transformer clones keys.
 */
function settingsOf<Settings extends object>(
  declaration: Declaration<Settings>,
  given: JsonObject,
): Settings {
  const settings = new declaration();
  const declared = optionsOf(declaration);
  const names = new Set([...Object.keys(given), ...declared.filter((name) => name in given)]);
  for (const name of names) {
    const value = copyOf(given[name], given);
    // Where an option says nothing, its default holds; what is no option is refused even so.
    if (value !== undefined || !declared.includes(name)) {
      Object.assign(settings, { [name]: withGroups(declaration, name, value) });
    }
  }
  return settings;
}

function optionsOf(declaration: Declaration): readonly string[] {
  const metadata = getMetadataStorage().getTargetValidationMetadatas(declaration, '', true, false);
  return metadata.map(({ propertyName }) => propertyName);
}

/** Functions keep their owner, lists and bytes are copied; keys and stores stay what they are. */
function copyOf(value: unknown, owner: JsonObject): unknown {
  if (Array.isArray(value)) return [...(value as readonly unknown[])];
  if (Buffer.isBuffer(value)) return Buffer.from(value);
  if (value instanceof Uint8Array) return new Uint8Array(value);
  return typeof value === 'function' ? (value.bind(owner) as unknown) : value;
}

/** Which declaration an option's own options have, by what is given. */
export type GroupOf = (given: JsonObject) => Declaration;

const GROUP = Symbol('group of options');
const LIST = Symbol('list of groups of options');

/** Marks an option as a group of options, or as a list of such, that has a declaration of its own. */
export function hasOptions(kind: 'group' | 'list', declarationOf: GroupOf): PropertyDecorator {
  return (target, name) =>
    Reflect.defineMetadata(kind === 'list' ? LIST : GROUP, declarationOf, target, name);
}

function withGroups(declaration: Declaration, name: string, value: unknown): unknown {
  const group = groupOf(GROUP, declaration, name);
  if (group !== undefined) return isJsonObject(value) ? settingsOf(group(value), value) : value;
  const member = groupOf(LIST, declaration, name);
  if (member === undefined || !Array.isArray(value)) return value;
  return value.map((item: unknown) => (isJsonObject(item) ? settingsOf(member(item), item) : item));
}

function groupOf(kind: symbol, declaration: Declaration, name: string): GroupOf | undefined {
  return Reflect.getMetadata(kind, declaration.prototype as object, name) as GroupOf | undefined;
}

/** Lists what is wrong with the value at a path. */
export type ProblemsOf = (value: unknown, path: string) => readonly ConfigurationProblem[];

function problemsOf(error: ValidationError, parent: string): readonly ConfigurationProblem[] {
  const path = pathOf(parent, error.property);
  const own = Object.entries(error.constraints ?? {}).flatMap(([constraint, message]) => {
    if (constraint === 'whitelistValidation') return [problem(path, error.value, 'there is no such option')];
    const listed = (error.contexts as Readonly<Record<string, ProblemsOf>> | undefined)?.[constraint];
    return listed === undefined ? [problem(path, error.value, message)] : listed(error.value, path);
  });
  return [...own, ...(error.children ?? []).flatMap((child) => problemsOf(child, `${path}.`))];
}

function pathOf(parent: string, property: string): string {
  return /^\d+$/.test(property) ? `${parent.slice(0, -1)}[${property}]` : `${parent}${property}`;
}
