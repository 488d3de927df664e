import { describe, expect, test } from 'vitest';
import type { JsonObject } from '../../lib/jose/json-object.js';
import { withoutEmptyMembers } from '../../lib/claims/without-empty-members.js';

describe('invariant 15: claims that say nothing', () => {
  test.each<readonly [JsonObject, readonly (string | readonly string[])[], JsonObject]>([
    [{ sub: null, aud: [], iss: '', exp: 1 }, ['sub', 'aud', 'iss'], { exp: 1 }],
    [{ sub: 'user', aud: ['api'], nbf: 0 }, ['sub', 'aud', 'nbf'], { sub: 'user', aud: ['api'], nbf: 0 }],
    [{ sub: null }, ['aud'], { sub: null }],
    [{ sub: [null], aud: {} }, ['sub', 'aud'], { sub: [null], aud: {} }],
    [{ 'a.b': null, a: { b: null } }, ['a.b'], { a: { b: null } }],
    [{ a: { b: { c: null, d: 1 } }, e: 1 }, ['a.b.c'], { a: { b: { d: 1 } }, e: 1 }],
    [{ a: { b: null } }, ['a.c'], { a: { b: null } }],
    [{ a: { 'b.c': null, b: { c: null } } }, [['a', 'b.c']], { a: { b: { c: null } } }],
    [{ a: { 'b.c': null } }, [['a', 'b', 'c']], { a: { 'b.c': null } }],
  ])(
    'claims that say nothing are left out: of %j, by the paths %j, there remains %j',
    (claims, paths, expected) => {
      expect(withoutEmptyMembers(claims, paths)).toEqual(expected);
    },
  );

  test('claims that say nothing are never cnf nor exp, nor anything in them', () => {
    const claims = { cnf: null, exp: null };
    expect(withoutEmptyMembers(claims, ['cnf', 'exp'])).toBe(claims);
    const bound = { cnf: { 'x5t#S256': '' } };
    expect(withoutEmptyMembers(bound, ['cnf.x5t#S256', ['cnf', 'x5t#S256'], ['cnf']])).toBe(bound);
  });

  test('claims that say nothing are left out of a copy', () => {
    const claims = { sub: null, a: { b: null } };
    expect(withoutEmptyMembers(claims, ['sub', 'a.b'])).toEqual({ a: {} });
    expect(claims).toEqual({ sub: null, a: { b: null } });
  });
});
