import { Logger } from '@nestjs/common';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { RefreshedValue } from '../../lib/authorization-server/refreshed-value.js';
import { outage } from '../../lib/challenge/oauth-error.js';
import { RecordingLogger } from '../support/recording-logger.js';

const NOW = 1_800_000_000_000;
const DOWN = outage('authorization_server_unreachable', { detail: 'down' });

let logger: RecordingLogger;
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'], now: NOW });
  vi.spyOn(Math, 'random').mockReturnValue(1);
  logger = new RecordingLogger();
  Logger.overrideLogger(logger);
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const at = (seconds: number): unknown => vi.setSystemTime(NOW + seconds * 1000);

/** A value whose fetches end as the test says; they are counted. */
function start(...outcomes: readonly ('right' | 'down' | Promise<number>)[]) {
  const source = { fetches: 0 };
  const value = new RefreshedValue<number>(
    'a value',
    async () => {
      const outcome = outcomes[source.fetches] ?? 'right';
      source.fetches += 1;
      if (outcome === 'down') throw DOWN;
      return outcome === 'right' ? source.fetches : outcome;
    },
    { refreshAfter: 300, maxAge: 600, staleIfError: 0 },
  );
  return { value, source };
}

describe('what the refresh of a value logs', () => {
  test('the log says nothing about a value that is fetched and refreshed without a failure', async () => {
    const { value } = start();
    await value.get();
    at(300);
    expect(value.get()).toBe(1);
    await vi.waitFor(() => expect(value.known).toBe(2));
    expect(logger.ours).toEqual([]);
  });

  test('the log says nothing when the first fetch fails, because whoever waits for the value says so', async () => {
    const { value } = start('down', 'right');
    await expect(value.get()).rejects.toBe(DOWN);
    expect(await value.get()).toBe(2);
    expect(logger.ours).toEqual([]);
  });
});

test('nothing is fetched in the background during the pause after failures', async () => {
  const { value, source } = start('right', 'down', 'down', 'right');
  await value.get();
  at(300);
  for (const expected of [2, 3, 3, 3]) {
    expect(value.get()).toBe(1);
    await new Promise(setImmediate);
    expect(source.fetches).toBe(expected);
  }
  vi.setSystemTime(NOW + 300_099);
  expect([value.get(), source.fetches]).toEqual([1, 3]);
  vi.setSystemTime(NOW + 300_100);
  expect([value.get(), source.fetches]).toEqual([1, 4]);
});

test('a caller during the pause waits for the fetch that operations have asked for', async () => {
  let answer: (value: number) => void = () => undefined;
  const hanging = new Promise<number>((resolve) => {
    answer = resolve;
  });
  const { value, source } = start('down', 'down', hanging);
  for (const attempt of [1, 2, 2]) {
    await expect(value.get()).rejects.toBe(DOWN);
    expect(source.fetches).toBe(attempt);
  }
  const asked = value.fetchNow();
  // Not by waitFor, which would move the clock beyond the pause.
  await new Promise(setImmediate);
  expect(source.fetches).toBe(3);
  const needed = value.get();
  answer(7);
  expect(await Promise.all([asked, needed])).toEqual([7, 7]);
  expect(source.fetches).toBe(3);
});
