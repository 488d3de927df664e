import { Allow } from 'class-validator';
import { describe, expect, test } from 'vitest';
import type { SettingsOf } from '../../lib/common/settings-of.js';
import { checkDeclared, Declares, hasOptions, parentOf } from '../../lib/options/declared-options.js';
import { Given, HasNoProblems, IsGroup, IsText } from '../../lib/options/option-checks.js';

/** Options as an interface documents them. */
interface Documented {
  readonly name: string;
  readonly size?: number;
}

@Declares<Documented>()
class Declared implements SettingsOf<Documented> {
  @IsText('give a name') readonly name!: string;
  @Allow() readonly size: number = 7;
}

// The compiler checks what follows: `npm run typecheck` fails where one of these lines is no error.
// @ts-expect-error: it forgets `size`
class Forgetful implements SettingsOf<Documented> {
  readonly name = '';
}

// @ts-expect-error: nobody has documented `colour`
@Declares<Documented>()
class Inventive extends Declared {
  readonly colour = 'red';
}

class Undecided implements SettingsOf<Documented> {
  readonly name = '';
  // @ts-expect-error: it has neither a default nor a word that it needs none
  readonly size: number | undefined;
}

class Group {
  @Given() @IsGroup('give { name }', () => Declared) readonly group: unknown;
  @Given() @hasOptions('list', () => Declared) @Allow() readonly list: unknown;
  @Allow() readonly bytes: unknown;
  @Allow() readonly call: unknown;
  @Given()
  @HasNoProblems((value, path) => (value === 'x' ? [] : [{ path: `${path}.x`, found: 'y', remedy: 'z' }]))
  readonly listed: unknown;
}

describe('the declared options', () => {
  test('options are compared with their documented type by the compiler', () => {
    expect([Forgetful, Inventive, Undecided]).toHaveLength(3);
  });

  test('options have their default where nothing, or undefined, is given', () => {
    expect(checkDeclared(Declared, { name: 'a' }).settings).toEqual({ name: 'a', size: 7 });
    expect(checkDeclared(Declared, { name: 'a', size: undefined }).settings).toEqual({ name: 'a', size: 7 });
    expect(checkDeclared(Declared, { name: 'a', size: null }).settings).toEqual({ name: 'a', size: null });
  });

  test.each(['colour', 'toString', 'constructor', '__proto__'])(
    'do not hold %s, which is refused',
    (name) => {
      const given = Object.fromEntries([['name', 'a'] as const, [name, undefined] as const]);
      expect(checkDeclared(Declared, given).problems).toEqual([
        { path: name, found: 'undefined', remedy: 'there is no such option' },
      ]);
    },
  );

  test('options are instances of the class of their group, which knows what it stands in', () => {
    const { settings } = checkDeclared(Group, { group: { name: 'a' }, list: [{ name: 'b' }, 7] });
    expect(settings.group).toBeInstanceOf(Declared);
    expect(settings.list).toEqual(
      [new Declared(), 7].map((item) => (item === 7 ? 7 : { name: 'b', size: 7 })),
    );
    expect(parentOf(settings.group as object)).toMatchObject({ group: { name: 'a' } });
    expect(parentOf({})).toEqual({});
  });

  test('options are copies: of lists and bytes nothing that changes later counts, and functions keep their owner', () => {
    const given = {
      bytes: new Uint8Array([1]),
      list: [1],
      seven: 7,
      call(): number {
        return this.seven;
      },
    };
    const { settings } = checkDeclared(Group, given);
    given.bytes[0] = 2;
    given.list.push(2);
    expect(settings.bytes).toEqual(new Uint8Array([1]));
    expect(settings.list).toEqual([1]);
    expect((settings.call as () => number)()).toBe(7);
    const buffer = Buffer.from('a');
    const { bytes } = checkDeclared(Group, { bytes: buffer }).settings;
    expect(Buffer.isBuffer(bytes)).toBe(true);
    expect(bytes).not.toBe(buffer);
  });

  test('name the problems that a check of theirs has listed', () => {
    expect(checkDeclared(Group, { listed: 'x' }).problems).toEqual([]);
    expect(checkDeclared(Group, { listed: 'y' }).problems).toEqual([
      { path: 'listed.x', found: 'y', remedy: 'z' },
    ]);
  });
});
