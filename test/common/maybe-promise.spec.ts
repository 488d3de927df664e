import { describe, expect, test } from 'vitest';
import { andThen, isPromise, orReject } from '../../lib/common/maybe-promise.js';

describe('a value that is already there', () => {
  test('a value that is already there is used at once', () => {
    expect(andThen(1, (value) => value + 1)).toBe(2);
    expect(andThen(undefined, () => 'next')).toBe('next');
  });

  test('a value that is already there is not a promise, whatever it is', () => {
    const withThen: unknown = JSON.parse('{"then":1}');
    for (const value of [undefined, null, 0, '', 'then', {}, [], withThen, () => undefined]) {
      expect(isPromise<unknown>(value)).toBe(false);
    }
  });
});

describe('a value that is still to come', () => {
  test('a value that is still to come is waited for', async () => {
    expect(await andThen(Promise.resolve(1), (value) => value + 1)).toBe(2);
  });

  test('INV1: a promise is recognised by its then, because a package may have replaced the global Promise', async () => {
    const native = Promise;
    class Replaced<T> extends native<T> {}
    const fromAsyncFunction = (async () => 1)();
    globalThis.Promise = Replaced;
    try {
      expect(fromAsyncFunction instanceof Promise).toBe(false);
      expect(await andThen(fromAsyncFunction, (value) => value + 1)).toBe(2);
    } finally {
      globalThis.Promise = native;
    }
  });
});

test('an error that is thrown at once becomes a rejection as well', async () => {
  const fault = new Error('fault');
  await expect(
    orReject(() => {
      throw fault;
    }),
  ).rejects.toBe(fault);
  expect(orReject(() => 'value')).toBe('value');
});
