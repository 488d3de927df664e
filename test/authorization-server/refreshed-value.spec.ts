import { Logger } from '@nestjs/common';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { RefreshedValue, type RefreshRules } from '../../lib/authorization-server/refreshed-value.js';
import { outage } from '../../lib/challenge/oauth-error.js';
import { RecordingLogger } from '../support/recording-logger.js';

const NOW = 1_800_000_000_000;
const RULES: RefreshRules = { refreshAfter: 300, maxAge: 600, staleIfError: 0 };
const DOWN = outage('authorization_server_unreachable', { detail: 'down' });

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'], now: NOW });
  vi.spyOn(Math, 'random').mockReturnValue(1);
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const at = (seconds: number): unknown => vi.setSystemTime(NOW + seconds * 1000);

/** A value that is the number of its fetch, whose fetches succeed, fail or hang as the test says. */
function start(rules: Partial<RefreshRules> = {}) {
  const source = { fetches: 0, down: false, previous: [] as (number | undefined)[] };
  const value = new RefreshedValue<number>(
    'a value',
    async (previous) => {
      source.fetches += 1;
      source.previous.push(previous);
      if (source.down) throw DOWN;
      return source.fetches;
    },
    { ...RULES, ...rules },
  );
  return { value, source };
}

describe('a value that is refreshed', () => {
  test('a value is fetched once for everyone who needs it together, and is then there at once', async () => {
    const { value, source } = start();
    expect(await Promise.all([value.get(), value.get()])).toEqual([1, 1]);
    expect([value.get(), value.known, source.fetches, source.previous]).toEqual([1, 1, 1, [undefined]]);
  });

  test('a value is not known before its first fetch, and is waited for only during a fetch', async () => {
    const { value, source } = start();
    expect([value.known, await value.underWay(), source.fetches]).toEqual([undefined, undefined, 0]);
    const needed = value.get();
    expect([value.known, await value.underWay(), await needed]).toEqual([undefined, 1, 1]);
    expect([value.known, await value.underWay(), source.fetches]).toEqual([1, undefined, 1]);
  });

  test('a value that is no longer young still serves while it is fetched once in the background', async () => {
    const { value, source } = start();
    await value.get();
    at(299.999);
    expect([value.get(), source.fetches]).toEqual([1, 1]);
    at(300);
    expect([value.get(), value.get(), source.fetches]).toEqual([1, 1, 2]);
    await vi.waitFor(() => expect(value.get()).toBe(2));
    expect(source.previous).toEqual([undefined, 1]);
  });

  test('a value stops serving at the ceiling, and whoever needs it waits for the next one', async () => {
    const { value } = start();
    await value.get();
    at(600);
    const next = value.get();
    expect(next).toBeInstanceOf(Promise);
    expect(await next).toBe(2);
  });

  test('a value counts as old when the clock has been set back', async () => {
    const { value } = start();
    await value.get();
    at(-1);
    expect(await value.get()).toBe(2);
  });

  test('a value that could not be refreshed serves up to the ceiling, and not beyond', async () => {
    const { value, source } = start();
    await value.get();
    source.down = true;
    for (const seconds of [300, 599.999]) {
      at(seconds);
      expect(value.get()).toBe(1);
    }
    at(600);
    await expect(value.get()).rejects.toBe(DOWN);
    source.down = false;
    at(700);
    expect(await value.get()).toBe(source.fetches);
  });

  test('a value that may be stale serves while fetching fails, up to staleIfError and not beyond', async () => {
    const { value, source } = start({ staleIfError: 60 });
    await value.get();
    source.down = true;
    at(600);
    expect(await value.get()).toBe(1);
    expect(value.health()).toMatchObject({
      state: 'stale',
      age: 600,
      lastFailure: 'authorization_server_unreachable',
    });
    at(659.999);
    expect(value.get()).toBe(1);
    await vi.waitFor(() => expect(source.fetches).toBe(3));
    at(670);
    await expect(value.get()).rejects.toBe(DOWN);
    expect(value.health().state).toBe('unavailable');
  });

  test('a value that may be stale is fetched when it can be', async () => {
    const { value } = start({ staleIfError: 3_600 });
    await value.get();
    at(600);
    expect(await value.get()).toBe(2);
  });
});

describe('what happens after a failed fetch', () => {
  test('the pause begins after the second failure in a row, and doubles each time up to ten seconds', async () => {
    const { value, source } = start();
    source.down = true;
    await expect(value.get()).rejects.toBe(DOWN);
    let now = NOW;
    for (const pause of [100, 200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000]) {
      const { fetches } = source;
      await expect(value.get()).rejects.toBe(DOWN);
      expect(source.fetches).toBe(fetches + 1);
      vi.setSystemTime(now + pause - 1);
      await expect(value.get()).rejects.toBe(DOWN);
      expect(source.fetches).toBe(fetches + 1);
      now += pause;
      vi.setSystemTime(now);
    }
    source.down = false;
    expect(await value.get()).toBe(source.fetches);
    source.down = true;
    vi.setSystemTime(now + 600_000);
    const { fetches } = source;
    for (const expected of [fetches + 1, fetches + 2, fetches + 2]) {
      await expect(value.get()).rejects.toBe(DOWN);
      expect(source.fetches).toBe(expected);
    }
  });

  test('the pause is random, between half of its length and the whole', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(0);
    const { value, source } = start();
    source.down = true;
    await expect(value.get()).rejects.toBe(DOWN);
    await expect(value.get()).rejects.toBe(DOWN);
    vi.setSystemTime(NOW + 49);
    await expect(value.get()).rejects.toBe(DOWN);
    expect(source.fetches).toBe(2);
    vi.setSystemTime(NOW + 50);
    await expect(value.get()).rejects.toBe(DOWN);
    expect(source.fetches).toBe(3);
  });

  test('no pause is endless when the clock has been set back', async () => {
    const { value, source } = start();
    source.down = true;
    for (const _ of [1, 2, 3]) await expect(value.get()).rejects.toBe(DOWN);
    source.down = false;
    at(-3_600);
    expect(await value.get()).toBe(source.fetches);
  });

  test('INV3: an unexpected error is an outage as well', async () => {
    const cause = new RangeError('too deep');
    const value = new RefreshedValue<number>('a value', async () => Promise.reject(cause), RULES);
    await expect(value.get()).rejects.toMatchObject({
      refusal: { status: 503 },
      reason: 'authorization_server_answer_invalid',
      detail: 'too deep',
      cause,
    });
  });

  test('nobody waits to learn whether a value may serve, and no failed fetch becomes an unhandled rejection', async () => {
    const { value, source } = start();
    expect([value.serve(), source.fetches]).toEqual([false, 0]);
    await value.get();
    expect(value.serve()).toBe(true);
    source.down = true;
    at(300);
    expect([value.serve(), source.fetches]).toEqual([true, 2]);
    at(600);
    expect(value.serve()).toBe(false);
    await new Promise(setImmediate);
    expect(source.fetches).toBe(2);
  });

  test('fetchNow() fetches at once, whatever the pause', async () => {
    const { value, source } = start();
    source.down = true;
    await expect(value.get()).rejects.toBe(DOWN);
    source.down = false;
    expect(await value.fetchNow()).toBe(2);
    expect(value.get()).toBe(2);
  });

  test('the log reports failures in the background once, and once that they are over', async () => {
    const { value, source } = start();
    await value.get();
    const logger = new RecordingLogger();
    Logger.overrideLogger(logger);
    source.down = true;
    for (const seconds of [300, 301, 302]) {
      at(seconds);
      value.serve();
      await vi.waitFor(() => expect(value.health().lastFailure).toBe('authorization_server_unreachable'));
      await new Promise(setImmediate);
    }
    source.down = false;
    at(303);
    value.serve();
    await vi.waitFor(() => expect(value.health().lastFailure).toBeUndefined());
    expect(logger.ours.map(({ level, text }) => `${level} ${text}`)).toEqual([
      'warn a value: could not be refreshed: authorization_server_unreachable: down',
      `log a value: fetched again after ${source.fetches - 2} failures`,
    ]);
  });
});

test('a fetch that operations ask for begins after they have asked', async () => {
  const answers: ((value: number) => void)[] = [];
  const value = new RefreshedValue<number>(
    'a value',
    async () => new Promise<number>((resolve) => answers.push(resolve)),
    RULES,
  );
  const first = value.get();
  const asked = value.fetchNow();
  answers[0]?.(1);
  expect(await first).toBe(1);
  await vi.waitFor(() => expect(answers).toHaveLength(2));
  answers[1]?.(2);
  expect(await asked).toBe(2);
});

describe('the health of a value', () => {
  test('the health of a value shows whether it was never needed, serves, or cannot serve', async () => {
    const { value, source } = start();
    expect(value.health()).toEqual({ state: 'not-fetched', age: undefined, lastFailure: undefined });
    source.down = true;
    await expect(value.get()).rejects.toBe(DOWN);
    at(9.999);
    expect(value.health()).toEqual({
      state: 'unavailable',
      age: undefined,
      lastFailure: 'authorization_server_unreachable',
    });
    at(10);
    expect(value.health()).toEqual({
      state: 'not-fetched',
      age: undefined,
      lastFailure: 'authorization_server_unreachable',
    });
    at(0);
    source.down = false;
    await value.fetchNow();
    at(42.9);
    expect(value.health()).toEqual({ state: 'fresh', age: 42, lastFailure: undefined });
    at(600);
    expect(value.health()).toEqual({ state: 'not-fetched', age: 600, lastFailure: undefined });
  });
});
