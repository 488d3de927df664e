import { describe, expect, test } from 'vitest';
import { andThen, andThenWith, isPromise, orReject } from '../../lib/common/maybe-promise.js';

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

describe('a step with andThenWith', () => {
  const joined = (value: string, one: string, other?: string): string => [value, one, other].join(' ');

  test('goes on at once with a value that is there, and hands on what it was given', () => {
    expect(andThenWith('a', joined, 'b')).toBe('a b ');
    expect(andThenWith('a', joined, 'b', 'c')).toBe('a b c');
  });

  test('goes on later with a value that will be there, and hands on what it was given', async () => {
    const later = andThenWith(Promise.resolve('a'), joined, 'b', 'c');
    expect(later).toBeInstanceOf(Promise);
    expect(await later).toBe('a b c');
  });

  test('rejects with what the next step throws on a value that was not there', async () => {
    const fail = (value: string, one: string): never => {
      throw new Error(`${value} ${one}`);
    };
    await expect(andThenWith(Promise.resolve('a'), fail, 'b')).rejects.toThrow('a b');
    expect(() => andThenWith('a', fail, 'b')).toThrow('a b');
  });
});
