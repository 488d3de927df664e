import { RedisIntrospectionStore } from 'nestjs-cert-bound-auth';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { REDIS_PACKAGES, type RedisCommand, redisDouble, type Reply } from '../support/redis-double.js';

afterEach(() => {
  vi.useRealTimers();
});

describe.each(REDIS_PACKAGES)('introspection answers in Redis, by %s', (kind) => {
  const storeThat = (reply: Reply): RedisIntrospectionStore =>
    new RedisIntrospectionStore(redisDouble(kind, reply));

  test('an answer is one key, for as long as it is kept', async () => {
    const commands: RedisCommand[] = [];
    const client = redisDouble(kind, (command) => {
      commands.push(command);
      return 'OK';
    });
    await new RedisIntrospectionStore(client).set('key', 'value', 60);
    await new RedisIntrospectionStore(client).get('key');
    await new RedisIntrospectionStore(client, { prefix: 'mine:' }).get('key');
    expect(commands).toEqual([
      ['SET', 'cert-bound-auth:introspection:key', 'value', 'PX', 60_000],
      ['GET', 'cert-bound-auth:introspection:key'],
      ['GET', 'mine:key'],
    ]);
  });

  test.each([
    ['value', 'value'],
    ['', ''],
    [Buffer.from('value'), 'value'],
    [null, undefined],
  ])('a reply of %o from Redis means the value %o', async (reply, expected) => {
    expect(await storeThat(() => reply).get('key')).toBe(expected);
  });

  test('a reply that makes no sense is an error', async () => {
    const error = (type: string): Error => new Error(`Redis replied with ${type} where that makes no sense`);
    for (const reply of [undefined, 1, {}]) {
      await expect(storeThat(() => reply).get('key')).rejects.toEqual(error(typeof reply));
    }
    for (const reply of [undefined, null, 'QUEUED']) {
      await expect(storeThat(() => reply).set('key', 'value', 60)).rejects.toEqual(error(typeof reply));
    }
  });

  test('an error of Redis is an error of the store', async () => {
    const store = storeThat(async () => Promise.reject(new Error('OOM')));
    await expect(store.get('key')).rejects.toThrow('OOM');
    await expect(store.set('key', 'value', 60)).rejects.toThrow('OOM');
  });

  test.each([
    [undefined, 250],
    [{ timeout: 20 }, 20],
  ])('a missing answer, with the options %o, is an error after %i ms', async (options, timeout) => {
    vi.useFakeTimers();
    const client = redisDouble(kind, async () => new Promise(() => undefined));
    const store = new RedisIntrospectionStore(client, options);
    const refused = expect(store.get('key')).rejects.toThrow(`Redis did not answer within ${timeout} ms`);
    await vi.advanceTimersByTimeAsync(timeout);
    await refused;
  });
});
