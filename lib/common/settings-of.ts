/**
 * What documented options have become once they are checked: one setting for each option. The compiler refuses a class
 * that implements this type and forgets an option.
 * @typeParam WithoutDefault options that are `undefined` where they are not given
 * @typeParam Groups what the options that are themselves groups of options have become
 */
export type SettingsOf<Options, WithoutDefault extends keyof Options = never, Groups = unknown> = {
  readonly [Name in Extract<keyof Options, string>]: Name extends keyof Groups
    ? Groups[Name]
    : Name extends WithoutDefault
      ? Options[Name] | undefined
      : Exclude<Options[Name], undefined>;
};
