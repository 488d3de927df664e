import type { AuthorizationServerOptions } from '../cert-bound-auth.options.js';
import { isJsonObject, type JsonObject } from '../jose/json-object.js';

/** What a preset says: where a server's tokens differ from RFC 9068. */
export type PresetSettings = Readonly<Required<Pick<AuthorizationServerOptions, 'jwt' | 'claims'>>>;

/**
 * The settings of one kind of authorization server: a function that completes the options of a server, and the settings
 * themselves, which can be spread.
 */
export interface AuthorizationServerPreset<Settings extends PresetSettings = PresetSettings> {
  readonly jwt: Settings['jwt'];
  readonly claims: Settings['claims'];
  /**
   * Makes the options of a server. What is given counts for more than what the preset says: groups of options are merged,
   * however deep; anything else, lists as well, replaces. What is given as `undefined` is not given.
   * @param given the `issuer`, and every other option of the server: a plain object
   * @throws TypeError for anything else
   */
  <Given extends AuthorizationServerOptions>(
    given: Given & OnlyKnown<Given, AuthorizationServerOptions>,
  ): Merged<Settings, Given>;
}

/** What a preset makes of the options that it is given: each keeps its type. */
export type Merged<Base, Given> = {
  readonly [Name in keyof Base as Name extends keyof Given ? never : Name]: Base[Name];
} & {
  readonly [Name in keyof Given]: Name extends keyof Base
    ? MergedOption<Base[Name], Given[Name]>
    : Given[Name];
};

type MergedOption<Base, Given> = undefined extends Given
  ? Base | Exclude<Given, undefined>
  : [Base, Given] extends [Group, Group]
    ? Merged<Base, Given>
    : Given;

/** Lets the compiler refuse a misspelled option, which a type parameter would admit. */
export type OnlyKnown<Given, Known> = Given extends Group
  ? {
      readonly [Name in keyof Given]: Name extends NamesOf<Known>
        ? OnlyKnown<Given[Name], OptionOf<Known, Name>>
        : never;
    }
  : Given;

/** Options of options. A list, a function and bytes are none. */
type Group = object & {
  readonly length?: never;
  readonly byteLength?: never;
  readonly call?: never;
};

/** The names of every member of a union. */
type NamesOf<Union> = Union extends unknown ? keyof Union : never;

type OptionOf<Union, Name> = Union extends unknown ? (Name extends keyof Union ? Union[Name] : never) : never;

/** Makes a preset of its settings. */
export function presetOf<const Settings extends PresetSettings>(
  settings: Settings,
): AuthorizationServerPreset<Settings> {
  // What it makes has the type that its caller sees; no check of this one could tell.
  const complete = (given: unknown): never => {
    if (!isPlain(given)) throw new TypeError('give the options of the server as a plain object: { issuer }');
    return merged(settings, given) as never;
  };
  return Object.assign(complete, settings);
}

/** `Object.fromEntries` makes own members only, even of `__proto__`. */
function merged(base: object, given: JsonObject): JsonObject {
  const changes = Object.entries(given)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => [
      name,
      mergedOption(Object.hasOwn(base, name) ? (base as JsonObject)[name] : undefined, value),
    ]);
  return Object.fromEntries([...Object.entries(base), ...changes]) as JsonObject;
}

function mergedOption(base: unknown, given: unknown): unknown {
  return isPlain(base) && isPlain(given) ? merged(base, given) : given;
}

/** An object of a class may have getters, which would be lost: as a whole it replaces what the preset says. */
function isPlain(value: unknown): value is JsonObject {
  if (!isJsonObject(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
