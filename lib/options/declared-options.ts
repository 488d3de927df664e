import 'reflect-metadata';
import { getMetadataStorage, type ValidationError, Validator } from './class-validator.js';
import { isJsonObject, type JsonObject } from '../jose/json-object.js';
import { type ConfigurationProblem, problem } from './configuration-error.js';
import { noSuchOption } from './no-such-option.js';

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
 */
export function checkDeclared<Settings extends object>(
  declaration: Declaration<Settings>,
  given: JsonObject,
  unknown: UnknownOptions = {},
): CheckedOptions<Settings> {
  const settings = settingsOf(declaration, given);
  return { settings, problems: problemsOfSettings(settings, '', unknown) };
}

/** What can be said of options that do not exist. */
export interface UnknownOptions {
  /** What to do about one of them, by its path, where there is more to say of it. */
  readonly remedyOf?: (path: string) => string | undefined;
  /** The names of what stands beside the options, and is taken from there before they are checked. */
  readonly besides?: readonly string[];
}

/** What is wrong with an instance of a declaration. @param at what its options' paths begin with, as `dpop.` */
export function problemsOfSettings(
  settings: object,
  at: string,
  unknown: UnknownOptions = {},
): readonly ConfigurationProblem[] {
  const errors = new Validator().validateSync(settings, {
    whitelist: true,
    forbidNonWhitelisted: true,
    forbidUnknownValues: true,
    stopAtFirstError: true,
  });
  if (errors.length === 0) return [];
  const elsewhere = pathsIn(settings.constructor as Declaration);
  return errors.flatMap((error) => problemsOf(error, { parent: at, unknown, elsewhere }));
}

/**
 * The settings that some options stand for. Every own field is taken over, and every field that is declared, wherever it
 * comes from: an object of a class may have getters. Made by hand: class-transformer clones keys.
 */
function settingsOf<Settings extends object>(
  declaration: Declaration<Settings>,
  given: JsonObject,
  parent?: object,
): Settings {
  const settings = new declaration();
  if (parent !== undefined) parents.set(settings, parent);
  const declared = optionsOf(declaration);
  const names = new Set([...Object.keys(given), ...declared.filter((name) => name in given)]);
  for (const name of names) {
    const isOption = declared.includes(name);
    const value = copyOf(given[name], given);
    // Where an option says nothing, its default holds; what is no option is refused even so.
    if (isOption && value === undefined) continue;
    Object.assign(settings, { [isOption ? name : NO_OPTION + name]: withGroups(settings, name, value) });
  }
  return settings;
}

/** Before the name of what is no option: `constructor`, as it is, would be the class of the settings. */
const NO_OPTION = '\0';

/** What a group stands in. */
const parents = new WeakMap<object, object>();

/** The settings that a group of options stands in, for a check that needs more than the group. */
export function parentOf(group: object): JsonObject {
  return { ...parents.get(group) };
}

/** The names of the options that a class declares. */
export function optionsOf(declaration: Declaration): readonly string[] {
  const metadata = getMetadataStorage().getTargetValidationMetadatas(declaration, '', true, false);
  return [...new Set(metadata.map(({ propertyName }) => propertyName))];
}

/** Functions keep their owner, lists and bytes are copied; keys and stores stay what they are. */
function copyOf(value: unknown, owner: JsonObject): unknown {
  if (Array.isArray(value))
    return value.map((item: unknown) => (Array.isArray(item) ? [...(item as readonly unknown[])] : item));
  if (Buffer.isBuffer(value)) return Buffer.from(value);
  if (value instanceof Uint8Array) return new Uint8Array(value);
  return typeof value === 'function' ? (value.bind(owner) as unknown) : value;
}

/** Which declaration an option's own options have, by what is given; `undefined` where that is wrong as a whole. */
export type GroupOf = (given: JsonObject) => Declaration | undefined;

const GROUP = Symbol('group of options');
const LIST = Symbol('list of groups of options');

/** Marks an option as a group of options, or as a list of such, that has a declaration of its own. */
export function hasOptions(kind: 'group' | 'list', declarationOf: GroupOf): PropertyDecorator {
  return (target, name) =>
    Reflect.defineMetadata(kind === 'list' ? LIST : GROUP, declarationOf, target, name);
}

function withGroups(settings: object, name: string, value: unknown): unknown {
  const group = groupOf(GROUP, settings, name);
  if (group !== undefined) return asGroup(group, value, settings);
  const member = groupOf(LIST, settings, name);
  if (member === undefined || !Array.isArray(value)) return value;
  return value.map((item: unknown) => asGroup(member, item, settings));
}

function asGroup(declarationOf: GroupOf, value: unknown, parent: object): unknown {
  const declaration = isJsonObject(value) ? declarationOf(value) : undefined;
  return declaration === undefined ? value : settingsOf(declaration, value as JsonObject, parent);
}

function groupOf(kind: symbol, settings: object, name: string): GroupOf | undefined {
  return Reflect.getMetadata(kind, settings, name) as GroupOf | undefined;
}

/** Lists what is wrong with the value at a path. @param owner the settings that it is one of */
export type ProblemsOf = (value: unknown, path: string, owner: JsonObject) => readonly ConfigurationProblem[];

/** The name that class-validator knows a check by which lists problems itself. */
export const LISTED = 'listed';
const LISTS = Symbol('list of problems');

/** Keeps what lists the problems of an option, where the check by the name {@link LISTED} has failed. */
export function listsProblems(problemsIn: ProblemsOf): PropertyDecorator {
  return (target, name) => Reflect.defineMetadata(LISTS, problemsIn, target, name);
}

/** Where a problem is, and what can be said of an option that is none. */
interface Place {
  readonly parent: string;
  readonly unknown: UnknownOptions;
  /** The paths of all options. */
  readonly elsewhere: readonly string[];
}

function problemsOf(error: ValidationError, place: Place): readonly ConfigurationProblem[] {
  const { parent, unknown, elsewhere } = place;
  // Of a value that is no object of ours, class-validator names no property, whatever its type says.
  const property: unknown = error.property;
  const path = pathOf(parent, String(property));
  const own = Object.entries(error.constraints ?? {}).flatMap(([constraint, message]) => {
    if (constraint === LISTED) return listedProblems(error, path);
    if (constraint !== 'whitelistValidation') return [problem(path, error.value, message)];
    // Another member of the same union may have it: then it is not elsewhere.
    const others = elsewhere.filter((other) => other !== path.replaceAll(/\[\d+\]/g, '[]'));
    const here = [...optionsBeside(error), ...(unknown.besides ?? [])];
    const remedy = unknown.remedyOf?.(path) ?? noSuchOption(plainName(property), here, others);
    return [problem(path, error.value, remedy)];
  });
  const below = { ...place, parent: `${path}.`, unknown: { ...unknown, besides: [] } };
  return [...own, ...(error.children ?? []).flatMap((child) => problemsOf(child, below))];
}

function listedProblems(
  { target = {}, property, value }: ValidationError,
  path: string,
): readonly ConfigurationProblem[] {
  const problemsIn = Reflect.getMetadata(LISTS, target, property) as ProblemsOf;
  return problemsIn(value, path, target as JsonObject);
}

function optionsBeside({ target }: ValidationError): readonly string[] {
  return target === undefined ? [] : optionsOf(target.constructor as Declaration);
}

/** The paths of a declaration's options and of those of its groups; of a group that may be one of several, none. */
function pathsIn(declaration: Declaration, parent = ''): readonly string[] {
  const settings = new declaration();
  return optionsOf(declaration).flatMap((name) => {
    const group = groupOf(GROUP, settings, name);
    const member = groupOf(LIST, settings, name);
    const path = `${parent}${name}`;
    const inner = (group ?? member)?.({});
    const below = inner === undefined ? [] : pathsIn(inner, `${path}${member === undefined ? '' : '[]'}.`);
    return [path, ...below];
  });
}

function plainName(property: unknown): string {
  const name = String(property);
  return name.startsWith(NO_OPTION) ? name.slice(NO_OPTION.length) : name;
}

function pathOf(parent: string, property: string): string {
  const name = plainName(property);
  return /^\d+$/.test(name) ? `${parent.slice(0, -1)}[${name}]` : `${parent}${name}`;
}
