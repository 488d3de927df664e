import { describe, expect, test } from 'vitest';
import { copyOfJson, isShallow, type JsonObject, parseJsonObject } from '../../lib/jose/json-object.js';

describe('the parsing of a JSON object', () => {
  test.each(['', '{', 'null', '[]', '"{}"', '7'])('the text %j is not parsed as an object', (text) => {
    expect(parseJsonObject(text)).toBeUndefined();
  });

  test('an object is parsed as an object', () => {
    expect(parseJsonObject('{"a":[1]}')).toEqual({ a: [1] });
  });
});

describe('how deep a value is nested', () => {
  const nested = (levels: number, within: (inner: unknown) => unknown): unknown => {
    let value: unknown = 'leaf';
    for (let level = 0; level < levels; level += 1) value = within(value);
    return value;
  };
  const beside = (inner: unknown): unknown => ({ a: 1, b: inner, c: null });

  test.each<readonly [string, (inner: unknown) => unknown]>([
    ['objects', (inner) => ({ inner })],
    ['arrays', (inner) => [inner]],
    ['objects in arrays', (inner) => [1, inner]],
    ['objects beside others', beside],
  ])('INV5: a nesting of 64 levels of %s is shallow, and of 65 is not', (_, within) => {
    expect(isShallow(nested(64, within))).toBe(true);
    expect(isShallow(nested(65, within))).toBe(false);
  });

  test.each([null, undefined, 7, 'text', true, {}, []])('the value %j is shallow', (value) => {
    expect(isShallow(value)).toBe(true);
  });
});

describe('INV9: the copy of a value', () => {
  test('a copy is equal, and shares nothing that could be changed', () => {
    const original = { text: 'a', nothing: null, list: [1, { b: [2] }, null], inner: { c: { d: true } } };
    const copy = copyOfJson(original) as typeof original;
    expect(copy).toEqual(original);
    copy.list.push(3);
    (copy.list[1] as { b: number[] }).b.push(4);
    copy.inner.c.d = false;
    expect(original).toEqual({
      text: 'a',
      nothing: null,
      list: [1, { b: [2] }, null],
      inner: { c: { d: true } },
    });
  });

  test('a copy keeps a member __proto__ as a member, and gets no prototype from it', () => {
    const original = JSON.parse('{"__proto__":{"admin":[true]},"a":1}') as JsonObject;
    const copy = copyOfJson(original);
    expect(Object.getPrototypeOf(copy)).toBe(Object.prototype);
    expect('admin' in copy).toBe(false);
    expect(JSON.stringify(copy)).toBe('{"__proto__":{"admin":[true]},"a":1}');
    const own = Object.getOwnPropertyDescriptor(copy, '__proto__');
    expect(own).toEqual({ value: { admin: [true] }, writable: true, enumerable: true, configurable: true });
    expect(own?.value).not.toBe(Object.getOwnPropertyDescriptor(original, '__proto__')?.value);
  });
});
