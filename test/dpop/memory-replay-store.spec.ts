import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { MemoryReplayStore, type MemoryReplayStoreOptions, TooManyProofsError } from 'nestjs-cert-bound-auth';

/** A store with a clock that stands still until it is told otherwise. */
interface Watched {
  readonly store: MemoryReplayStore;
  /** Sets the clock, in seconds since the start. */
  readonly at: (seconds: number) => void;
}

const START = Date.UTC(2026, 0, 1);

function watched(limits: Omit<MemoryReplayStoreOptions, 'now'> = {}): Watched {
  let now = START;
  return {
    store: new MemoryReplayStore({ ...limits, now: () => now }),
    at: (seconds) => {
      now = START + seconds * 1000;
    },
  };
}

afterEach(() => {
  vi.useRealTimers();
});

describe('RFC9449-8: a proof is used once', () => {
  test('a proof is new once, until its time is over', async () => {
    const { store, at } = watched();
    expect(await store.addIfAbsent('client.proof', 80)).toBe(true);
    expect(await store.addIfAbsent('client.proof', 80)).toBe(false);
    at(79.999);
    expect(await store.addIfAbsent('client.proof', 80)).toBe(false);
    at(80);
    expect(await store.addIfAbsent('client.proof', 80)).toBe(true);
    expect(await store.addIfAbsent('client.proof', 80)).toBe(false);
  });

  test('exactly one of many simultaneous calls resolves to true', async () => {
    const { store } = watched();
    const calls = Array.from({ length: 200 }, async () => store.addIfAbsent('client.proof', 80));
    expect((await Promise.all(calls)).filter(Boolean)).toEqual([true]);
  });

  test('a refused copy does not make a proof last longer', async () => {
    const { store, at } = watched();
    await store.addIfAbsent('client.proof', 10);
    at(9);
    expect(await store.addIfAbsent('client.proof', 10)).toBe(false);
    at(10);
    expect(await store.addIfAbsent('client.proof', 10)).toBe(true);
  });

  test('times are rounded up to whole seconds, so nothing is forgotten too early', async () => {
    const { store, at } = watched();
    at(0.5);
    await store.addIfAbsent('client.proof', 1);
    at(1.5);
    expect(await store.addIfAbsent('client.proof', 1)).toBe(false);
    at(2);
    expect(await store.addIfAbsent('client.proof', 1)).toBe(true);
  });

  test('one jti of two clients means two proofs, and so do two jti of one client', async () => {
    const { store } = watched();
    for (const key of ['a.proof', 'b.proof', 'a.other', 'a', 'a.', 'ab.c', 'a.b.c', 'a.b']) {
      expect(await store.addIfAbsent(key, 80)).toBe(key !== 'a.');
    }
  });

  test('each proof has a time of its own, in whatever order they were added', async () => {
    const { store, at } = watched();
    await store.addIfAbsent('a.long', 3600);
    await store.addIfAbsent('a.short', 10);
    await store.addIfAbsent('b.middle', 60);
    const used = async (): Promise<readonly boolean[]> =>
      Promise.all(
        ['a.long', 'a.short', 'b.middle'].map(async (key) => !(await store.addIfAbsent(key, 10_000))),
      );
    at(9.999);
    expect(await used()).toEqual([true, true, true]);
    at(10);
    expect(await used()).toEqual([true, false, true]);
    at(60);
    expect(await used()).toEqual([true, true, false]);
    at(3599);
    expect(await used()).toEqual([true, true, true]);
    at(3600);
    expect(await used()).toEqual([false, true, true]);
  });

  test('a clock that is set back forgets nothing, and what is added then is forgotten in time', async () => {
    const { store, at } = watched({ maxEntries: 2 });
    at(7200);
    await store.addIfAbsent('a.before', 10);
    at(0);
    expect(await store.addIfAbsent('a.before', 10)).toBe(false);
    await store.addIfAbsent('a.after', 10);
    at(10);
    expect(await store.addIfAbsent('a.after', 10)).toBe(true);
    expect(await store.addIfAbsent('a.before', 10)).toBe(false);
  });

  test('the time of day is used when no clock is given', async () => {
    vi.useFakeTimers({ now: START });
    const store = new MemoryReplayStore();
    expect(await store.addIfAbsent('client.proof', 80)).toBe(true);
    vi.setSystemTime(START + 79_999);
    expect(await store.addIfAbsent('client.proof', 80)).toBe(false);
    vi.setSystemTime(START + 80_000);
    expect(await store.addIfAbsent('client.proof', 80)).toBe(true);
  });
});

describe('invariant 5: the store is bounded, and nothing unexpired is evicted', () => {
  const add = async (store: MemoryReplayStore, client: string, count: number, ttl = 80): Promise<void> => {
    for (let index = 0; index < count; index += 1) {
      expect(await store.addIfAbsent(`${client}.${index}`, ttl)).toBe(true);
    }
  };

  test('a client that has used its share is told so, and the other clients are left alone', async () => {
    const { store } = watched({ maxEntriesPerKey: 3 });
    await add(store, 'client-1', 3);
    const refused = await rejection(store.addIfAbsent('client-1.new', 80));
    expect(refused).toBeInstanceOf(TooManyProofsError);
    expect(String(refused)).toMatch(/^TooManyProofsError: .* 3 unexpired proofs.*maxEntriesPerKey/);
    expect(await store.addIfAbsent('client-1.0', 80)).toBe(false);
    await add(store, 'client-2', 3);
  });

  test('a client that has used its share may go on as its proofs expire', async () => {
    const { store, at } = watched({ maxEntriesPerKey: 2 });
    await store.addIfAbsent('a.1', 10);
    await store.addIfAbsent('a.2', 20);
    at(10);
    expect(await store.addIfAbsent('a.3', 10)).toBe(true);
    await expect(store.addIfAbsent('a.4', 10)).rejects.toThrow(TooManyProofsError);
    at(20);
    await add(store, 'a', 2);
  });

  test('a full store takes nothing new from anybody, and is itself to blame', async () => {
    const { store } = watched({ maxEntries: 3 });
    await add(store, 'a', 2);
    await add(store, 'b', 1);
    const refused = await rejection(store.addIfAbsent('c.0', 80));
    expect(refused).toBeInstanceOf(Error);
    expect(refused).not.toBeInstanceOf(TooManyProofsError);
    expect(String(refused)).toMatch(/full: it has 3 unexpired proofs.*maxEntries/);
    for (const key of ['a.0', 'a.1', 'b.0']) expect(await store.addIfAbsent(key, 80)).toBe(false);
  });

  test('the store forgets in portions of ten thousand after a pause, the latest first', async () => {
    const { store, at } = watched();
    await add(store, 'a', 25_000, 10);
    at(100);
    expect(await store.addIfAbsent('b.0', 80)).toBe(true);
    expect(await store.addIfAbsent('a.0', 80)).toBe(false);
    expect(await store.addIfAbsent('a.5000', 80)).toBe(true);
  });

  test('the store forgets all that it can at once when the share of a client is used up', async () => {
    const { store, at } = watched({ maxEntriesPerKey: 20_000 });
    await add(store, 'a', 20_000, 10);
    await add(store, 'b', 15_000, 10);
    at(100);
    // The first portion is of the other client.
    expect(await store.addIfAbsent('a.new', 80)).toBe(true);
    await add(store, 'a', 19_999);
    await expect(store.addIfAbsent('a.other', 80)).rejects.toThrow(TooManyProofsError);
  });

  test('the store forgets all that it can at once when the whole store is full', async () => {
    const { store, at } = watched({ maxEntries: 25_000 });
    await add(store, 'a', 25_000, 10);
    at(100);
    await add(store, 'b', 25_000);
    await expect(store.addIfAbsent('c.new', 80)).rejects.toThrow(/full/);
  });

  test('a clock that is set back while the store forgets keeps the rest until that time is over again', async () => {
    const { store, at } = watched({ maxEntries: 30_001 });
    await add(store, 'a', 20_000, 20);
    await add(store, 'b', 10_000, 10);
    at(30);
    await store.addIfAbsent('c.0', 1000);
    at(15);
    expect(await store.addIfAbsent('a.19999', 20)).toBe(false);
    at(20);
    expect(await store.addIfAbsent('a.19999', 20)).toBe(true);
    expect(await store.addIfAbsent('a.9999', 20)).toBe(true);
    at(1_000_000);
    await add(store, 'd', 30_001);
    await expect(store.addIfAbsent('e.0', 80)).rejects.toThrow(/full/);
  });

  test('a clock that is set back to where the store forgets lets it go on forgetting', async () => {
    const { store, at } = watched({ maxEntries: 30_001 });
    await add(store, 'a', 20_000, 20);
    await add(store, 'b', 10_000, 10);
    at(30);
    await store.addIfAbsent('c.0', 1000);
    at(20);
    await add(store, 'd', 30_000);
    await expect(store.addIfAbsent('e.0', 80)).rejects.toThrow(/full/);
  });

  test('a second that is partly forgotten before a long pause is found once', async () => {
    const { store, at } = watched({ maxEntries: 30_000 });
    await add(store, 'a', 30_000, 20);
    at(20);
    expect(await store.addIfAbsent('a.29999', 20)).toBe(true);
    at(1_000_000);
    await add(store, 'b', 30_000);
    await expect(store.addIfAbsent('c.0', 80)).rejects.toThrow(/full/);
  });

  test('a full store takes as many new proofs as have expired', async () => {
    const { store, at } = watched({ maxEntries: 3 });
    await add(store, 'a', 2, 10);
    await add(store, 'b', 1, 20);
    at(10);
    await add(store, 'c', 2, 10);
    await expect(store.addIfAbsent('d.0', 10)).rejects.toThrow(/full/);
    at(20);
    await add(store, 'd', 3);
  });

  test('expired proofs are forgotten second by second in a short pause', async () => {
    const { store, at } = watched({ maxEntries: 100 });
    for (let second = 0; second < 100; second += 1) {
      at(second);
      await store.addIfAbsent(`a.${second}`, 100);
    }
    at(149);
    for (const second of [50, 99]) expect(await store.addIfAbsent(`a.${second}`, 100)).toBe(false);
    await add(store, 'b', 50);
    await expect(store.addIfAbsent('c.0', 80)).rejects.toThrow(/full/);
  });

  test('expired proofs are all forgotten after a long pause too', async () => {
    const { store, at } = watched({ maxEntries: 100 });
    for (let second = 0; second < 100; second += 1) {
      at(second);
      await store.addIfAbsent(`a.${second}`, 200);
    }
    at(1_000_000);
    await add(store, 'b', 100);
  });

  test('the defaults are a million proofs, and a hundred thousand for one client', async () => {
    const { store } = watched();
    for (let index = 0; index < 100_000; index += 1) await store.addIfAbsent(`a.${index}`, 80);
    await expect(store.addIfAbsent('a.new', 80)).rejects.toThrow(/100000 unexpired/);
    for (let index = 100_000; index < 1_000_000; index += 1) {
      await store.addIfAbsent(`${index % 10_000}.${index}`, 80);
    }
    await expect(store.addIfAbsent('b.new', 80)).rejects.toThrow(/1000000 unexpired/);
  });

  test('memory does not grow over a day', async () => {
    const { store, at } = watched();
    const hour = async (first: number): Promise<number> => {
      for (let second = first; second < first + 3600; second += 1) {
        at(second);
        // Two clients that come and go, and one that stays.
        for (const client of [`${second}a`, `${second}b`, 'c'])
          await store.addIfAbsent(`${client}.${second}`, 80);
      }
      return heapUsed();
    };
    const afterOneHour = await hour(0);
    let afterAll = 0;
    for (let first = 3600; first < 86_400; first += 3600) afterAll = await hour(first);
    // What is remembered of 240 proofs, against some 70 MB for those of a day.
    expect(afterAll - afterOneHour).toBeLessThan(5_000_000);
    expect(await store.addIfAbsent('c.86399', 80)).toBe(false);
  });

  test('adding costs the same however many seconds there are proofs for', async () => {
    const { store, at } = watched();
    const started = performance.now();
    for (let second = 0; second < 60_000; second += 1) {
      at(second);
      await store.addIfAbsent(`a.${second}`, 100_000);
    }
    at(1_000_000);
    for (let index = 0; index < 10; index += 1) await store.addIfAbsent(`b.${index}`, 80);
    // To look at every one of these seconds each time would take half a minute; this takes a tenth of a second.
    expect(performance.now() - started).toBeLessThan(5000);
  });

  test.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, '10' as never, null as never])(
    'a limit of %s is refused with the remedy',
    (limit) => {
      for (const name of ['maxEntries', 'maxEntriesPerKey'] as const) {
        const make = (): unknown => new MemoryReplayStore({ [name]: limit });
        expect(make).toThrow(RangeError);
        expect(make).toThrow(
          `MemoryReplayStore: ${name} is ${String(limit)}; give a whole number of at least 1`,
        );
      }
    },
  );

  test('a limit of 1 is accepted', async () => {
    const { store, at } = watched({ maxEntries: 1, maxEntriesPerKey: 1 });
    await add(store, 'a', 1, 10);
    await expect(store.addIfAbsent('b.0', 10)).rejects.toThrow(/full/);
    at(10);
    await add(store, 'b', 1);
  });
});

/** Resolves to what a promise was rejected with. */
async function rejection(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    (value) => {
      throw new Error(`not rejected: ${String(value)}`);
    },
    (error: unknown) => error,
  );
}

/** Bytes in use after the garbage is gone. */
function heapUsed(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  return process.memoryUsage().heapUsed;
}
