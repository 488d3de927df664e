import { expect, test } from 'vitest';
import { claimAt } from '../../lib/claims/claim-at.js';
import type { JsonObject } from '../../lib/jose/json-object.js';

test.each<[string, JsonObject, unknown]>([
  ['scope', { scope: 'a' }, 'a'],
  ['scope', {}, undefined],
  ['scope', { scop: { scope: 'a' } }, undefined],
  ['a.b', { a: { b: 'c' } }, 'c'],
  ['a.b', { 'a.b': 'own', a: { b: 'inner' } }, 'own'],
  ['a.b.c', { a: { 'b.c': 'd' } }, 'd'],
  ['a.b.c', { a: { b: { c: 'd' } } }, 'd'],
  ['a.b', { a: 'text' }, undefined],
  ['a.b', { a: null }, undefined],
  ['a.0', { a: ['x'] }, undefined],
  ['a.', { a: { '': 'x' } }, 'x'],
  ['.a', { '': { a: 'x' } }, 'x'],
  ['toString', {}, undefined],
  ['constructor.name', {}, undefined],
  ['a.b', Object.create({ a: { b: 'inherited' } }) as JsonObject, undefined],
])('the claim at %s of %j is %j', (path, claims, value) => {
  expect(claimAt(claims, path)).toBe(value);
});
