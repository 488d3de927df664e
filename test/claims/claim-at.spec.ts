import { expect, test } from 'vitest';
import { claimAt } from '../../lib/claims/claim-at.js';
import type { JsonObject } from '../../lib/jose/json-object.js';

test.each<[string | readonly string[], JsonObject, unknown]>([
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
  [['a', 'b.c'], { a: { 'b.c': 'd' } }, 'd'],
  [['a', 'b.c'], { a: { b: { c: 'd' } } }, undefined],
  [['a.b'], { 'a.b': 'c', a: { b: 'no' } }, 'c'],
  [['a.b'], { a: { b: 'no' } }, undefined],
  [['a'], { a: null }, null],
  [['a', 'b'], { a: null }, undefined],
  [['a', '0'], { a: ['x'] }, undefined],
  [['constructor', 'name'], {}, undefined],
  [['__proto__', 'a'], JSON.parse('{"__proto__":{"a":"own"}}') as JsonObject, 'own'],
  [['__proto__', 'a'], Object.create({ a: 'inherited' }) as JsonObject, undefined],
])('the claim at %j of %j is %j', (path, claims, value) => {
  expect(claimAt(claims, path)).toBe(value);
});
