import { createHash, randomUUID } from 'node:crypto';
import { RedisReplayStore, type RedisReplayStoreOptions } from 'nestjs-cert-bound-auth';
import { createClientPool } from 'redis';
import { describe, expect, test } from 'vitest';
import { eventually } from '../support/eventually.js';
import { REDIS_PACKAGES } from '../support/redis-double.js';
import { whenOver } from '../support/world.js';
import { connectClient, contentOf, inspect } from './support/redis-clients.js';
import { RedisServer } from './support/redis-server.js';

const digest = (text: string): string => createHash('sha256').update(text).digest('base64url');
const KEY = `${digest('client')}.${digest('jti')}`;

/** Whether the store takes a new proof. What it timed out with counts as used, so each attempt has one of its own. */
async function works(store: RedisReplayStore): Promise<boolean> {
  return store.addIfAbsent(`${digest('client')}.${digest(randomUUID())}`, 80).catch(() => false);
}

/** Milliseconds until a promise was rejected. */
async function rejectedAfter(promise: Promise<unknown>): Promise<number> {
  const start = performance.now();
  await expect(promise).rejects.toThrow();
  return performance.now() - start;
}

describe.each(REDIS_PACKAGES)('RFC9449-8: used proofs in a real Redis, by %s', (kind) => {
  // Patient, unless told otherwise: what is tested is not how busy the machine is.
  const connect = (redis: RedisServer, options?: RedisReplayStoreOptions): RedisReplayStore =>
    new RedisReplayStore(connectClient(kind, redis), { timeout: 10_000, ...options });

  test('exactly one of 200 simultaneous calls on two instances resolves to true', async () => {
    const redis = await RedisServer.start();
    const stores = [connect(redis), connect(redis)];
    const calls = Array.from({ length: 100 }, () => stores.map(async (store) => store.addIfAbsent(KEY, 80)));
    const results = await Promise.all(calls.flat());
    expect(results.filter(Boolean)).toEqual([true]);
    expect(results).toHaveLength(200);
  });

  test('a proof is forgotten when its time is over, and not before', async () => {
    const redis = await RedisServer.start();
    const store = connect(redis);
    const start = performance.now();
    expect(await store.addIfAbsent(KEY, 1)).toBe(true);
    expect(await store.addIfAbsent(KEY, 1)).toBe(false);
    await eventually(async () => store.addIfAbsent(KEY, 80));
    expect(performance.now() - start).toBeGreaterThanOrEqual(1000);
    const inspector = inspect(redis);
    expect(await inspector.pttl(`cert-bound-auth:replay:${KEY}`)).toBeGreaterThan(70_000);
    expect(await inspector.pttl(`cert-bound-auth:replay:${KEY}`)).toBeLessThanOrEqual(80_000);
  });

  test('invariant 6: Redis holds the prefix and digests, and nothing else', async () => {
    const redis = await RedisServer.start();
    const inspector = inspect(redis);
    await connect(redis).addIfAbsent(KEY, 80);
    await connect(redis, { prefix: 'api-7:' }).addIfAbsent(KEY, 80);
    expect(await contentOf(inspector)).toEqual(
      new Map([
        [`cert-bound-auth:replay:${KEY}`, '1'],
        [`api-7:${KEY}`, '1'],
      ]),
    );
  });

  test('the store fails within the timeout while Redis is down, and recovers by itself', async () => {
    const redis = await RedisServer.start();
    const store = connect(redis, { timeout: 200 });
    await eventually(async () => works(store));
    await redis.stop();
    expect(await rejectedAfter(store.addIfAbsent(KEY, 80))).toBeLessThan(1000);
    expect(await rejectedAfter(store.addIfAbsent(`${KEY}2`, 80))).toBeLessThan(1000);
    await redis.resume();
    await eventually(async () => works(store));
  });

  test('the store fails within the timeout while Redis hangs, and recovers by itself', async () => {
    const redis = await RedisServer.start();
    const store = connect(redis, { timeout: 200 });
    await eventually(async () => works(store));
    redis.freeze();
    const waited = await rejectedAfter(store.addIfAbsent(`${KEY}2`, 80));
    expect(waited).toBeGreaterThan(190);
    expect(waited).toBeLessThan(1000);
    redis.thaw();
    await eventually(async () => works(store));
    // What was on its way then has arrived: it counts as used.
    expect(await store.addIfAbsent(`${KEY}2`, 80)).toBe(false);
  });

  test('a Redis may come up later than the API', async () => {
    const redis = await RedisServer.prepare();
    const store = connect(redis, { timeout: 200 });
    expect(await rejectedAfter(store.addIfAbsent(KEY, 80))).toBeLessThan(1000);
    await redis.resume();
    await eventually(async () => works(store));
  });

  test('a Redis that is full refuses new proofs, and lets none pass', async () => {
    const redis = await RedisServer.start();
    const store = connect(redis);
    expect(await store.addIfAbsent(KEY, 80)).toBe(true);
    await inspect(redis).config('SET', 'maxmemory', '1');
    await expect(store.addIfAbsent(`${KEY}2`, 80)).rejects.toThrow(/OOM/);
    await expect(store.addIfAbsent(KEY, 80)).rejects.toThrow(/OOM/);
  });
});

test('a pool of redis is accepted as a client', async () => {
  const redis = await RedisServer.start();
  const pool = createClientPool({ url: `redis://127.0.0.1:${redis.port}` });
  pool.on('error', () => undefined);
  await pool.connect();
  whenOver(async () => pool.close());
  const store = new RedisReplayStore(pool, { timeout: 10_000 });
  const results = await Promise.all(Array.from({ length: 20 }, async () => store.addIfAbsent(KEY, 80)));
  expect(results.filter(Boolean)).toEqual([true]);
});
