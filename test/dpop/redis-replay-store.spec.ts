import { Cluster, Redis } from 'ioredis';
import { RedisReplayStore } from 'nestjs-cert-bound-auth';
import { createClient, createClientPool, createCluster, createSentinel, RESP_TYPES } from 'redis';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { REDIS_PACKAGES, type RedisCommand, redisDouble, type Reply } from '../support/redis-double.js';

afterEach(() => {
  vi.useRealTimers();
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

describe.each(REDIS_PACKAGES)('RFC9449-8: used proofs in Redis, by %s', (kind) => {
  const storeThat = (reply: Reply): RedisReplayStore => new RedisReplayStore(redisDouble(kind, reply));

  test('a proof is one key, set only where there is none, for as long as it must be kept', async () => {
    const commands: RedisCommand[] = [];
    const client = redisDouble(kind, (command) => {
      commands.push(command);
      return 'OK';
    });
    await new RedisReplayStore(client).addIfAbsent('client.proof', 80);
    await new RedisReplayStore(client, { prefix: 'mine:' }).addIfAbsent('client.proof', 1);
    expect(commands).toEqual([
      ['SET', 'cert-bound-auth:replay:client.proof', '1', 'PX', 80_000, 'NX'],
      ['SET', 'mine:client.proof', '1', 'PX', 1000, 'NX'],
    ]);
  });

  test.each([
    ['OK', true],
    [Buffer.from('OK'), true],
    [null, false],
  ])('a reply of %o from Redis means %s', async (reply, expected) => {
    expect(await storeThat(() => reply).addIfAbsent('client.proof', 80)).toBe(expected);
  });

  test.each([undefined, 'QUEUED', '', Buffer.from('1'), 1, true, {}, []])(
    'a reply that makes no sense, %o, is an error and says neither used nor unused',
    async (reply) => {
      const refused = await rejection(storeThat(() => reply).addIfAbsent('client.proof', 80));
      expect(refused).toEqual(new Error(`Redis replied with ${typeof reply} where that makes no sense`));
    },
  );

  test('an error of Redis is an error of the store', async () => {
    const readOnly = new Error('READONLY You can’t write against a read only replica.');
    const store = storeThat(async () => Promise.reject(readOnly));
    expect(await rejection(store.addIfAbsent('client.proof', 80))).toBe(readOnly);
  });

  test.each([
    [undefined, 500],
    [{ timeout: 1 }, 1],
    [{ timeout: 60_000 }, 60_000],
  ])('a missing answer, with the options %o, is an error after %i ms', async (options, timeout) => {
    vi.useFakeTimers();
    const store = new RedisReplayStore(
      redisDouble(kind, async () => new Promise(() => undefined)),
      options,
    );
    let settled = false;
    const refused = rejection(store.addIfAbsent('client.proof', 80)).finally(() => {
      settled = true;
    });
    await vi.advanceTimersByTimeAsync(timeout - 1);
    expect(settled).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    expect(await refused).toEqual(new Error(`Redis did not answer within ${timeout} ms`));
  });

  test('an answer leaves no timer behind, and neither does an error', async () => {
    vi.useFakeTimers();
    await storeThat(() => 'OK').addIfAbsent('client.proof', 80);
    await rejection(storeThat(async () => Promise.reject(new Error('down'))).addIfAbsent('client.proof', 80));
    expect(vi.getTimerCount()).toBe(0);
  });

  test('a command that ends after its time is ignored, even when it fails', async () => {
    vi.useFakeTimers();
    let reject: (error: Error) => void = () => undefined;
    const store = storeThat(
      async () =>
        new Promise((_, reject_) => {
          reject = reject_;
        }),
    );
    const refused = rejection(store.addIfAbsent('client.proof', 80));
    await vi.advanceTimersByTimeAsync(500);
    await refused;
    const unhandled = vi.fn();
    process.on('unhandledRejection', unhandled);
    reject(new Error('connection lost'));
    vi.useRealTimers();
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
    process.off('unhandledRejection', unhandled);
    expect(unhandled).not.toHaveBeenCalled();
  });

  test('invariant 5: at most ten thousand commands wait for an answer, and more fail at once', async () => {
    const answers: ((reply: string) => void)[] = [];
    const client = redisDouble(
      kind,
      async () =>
        new Promise((resolve) => {
          answers.push(resolve);
        }),
    );
    const store = new RedisReplayStore(client, { timeout: 60_000 });
    const first = Array.from({ length: 10_000 }, async (_, index) =>
      store.addIfAbsent(`client.${index}`, 80),
    );
    await expect(store.addIfAbsent('client.new', 80)).rejects.toThrow(
      'Redis has left 10000 commands unanswered',
    );
    expect(answers).toHaveLength(10_000);
    for (const answer of answers.splice(0)) answer('OK');
    expect(new Set(await Promise.all(first))).toEqual(new Set([true]));
    const recovered = store.addIfAbsent('client.new', 80);
    for (const answer of answers) answer('OK');
    expect(await recovered).toBe(true);
  });
});

describe('the clients of Redis', () => {
  const lazy = { lazyConnect: true };

  test('the clients of redis and ioredis are accepted, by their types as well', () => {
    const stores = [
      new RedisReplayStore(createClient()),
      new RedisReplayStore(createClient().withTypeMapping({ [RESP_TYPES.SIMPLE_STRING]: Buffer })),
      new RedisReplayStore(createClientPool()),
      new RedisReplayStore(createCluster({ rootNodes: [] })),
      new RedisReplayStore(createSentinel({ name: 'primary', sentinelRootNodes: [] })),
      new RedisReplayStore(new Redis(lazy)),
      new RedisReplayStore(new Cluster([], lazy)),
    ];
    expect(stores).toHaveLength(7);
  });

  test.each<[string, unknown]>([
    ['nothing', undefined],
    ['null', null],
    ['a URL', 'redis://127.0.0.1'],
    ['the options of one', { host: '127.0.0.1', port: 6379 }],
    ['the class itself', Redis],
    ['a Map', new Map()],
    ['a transaction of redis', createClient().multi()],
    ['a client of redis with callbacks', createClient().legacy()],
    [
      'a client of redis 4 in legacy mode',
      { ...redisDouble('redis', () => 'OK'), options: { legacyMode: true } },
    ],
    ['a pipeline of ioredis', new Redis(lazy).pipeline()],
    ['half a client of redis', { isOpen: true, SET: () => 'OK' }],
    ['most of a client of redis', { isOpen: true, SET: () => 'OK', GET: () => null }],
    ['half a client of ioredis', { status: 'ready', get: () => null, set: () => 'OK' }],
    ['another half', { status: 'ready', get: () => null, setBuffer: () => 'OK' }],
    ['most of a client of ioredis', { ...redisDouble('ioredis', () => 'OK'), getdel: undefined }],
    ['a third half', { status: 'ready', set: () => 'OK', setBuffer: () => 'OK' }],
    ['a client that is never open', { ...redisDouble('redis', () => 'OK'), isOpen: undefined }],
  ])('a client is refused with the remedy when it is %s', (_, client) => {
    expect(() => new RedisReplayStore(client as never)).toThrow(TypeError);
    expect(() => new RedisReplayStore(client as never)).toThrow(/createClient\(\).*new Redis\(\)/);
  });

  test.each([0, -1, 1.5, 60_001, Number.NaN, '500' as never])('a timeout of %s is refused', (timeout) => {
    const client = redisDouble('redis', () => 'OK');
    expect(() => new RedisReplayStore(client, { timeout })).toThrow(RangeError);
    expect(() => new RedisReplayStore(client, { timeout })).toThrow(
      /whole number of milliseconds, 1 to 60000/,
    );
  });

  test('a prefix that is not a string is refused', () => {
    const client = redisDouble('redis', () => 'OK');
    expect(() => new RedisReplayStore(client, { prefix: 1 as never })).toThrow(
      'prefix is number; give a string',
    );
  });
});
