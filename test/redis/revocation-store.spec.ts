import { setTimeout as wait } from 'node:timers/promises';
import { RedisRevocationStore, type RedisClient } from 'nestjs-cert-bound-auth';

import { describe, expect, test } from 'vitest';
import { entriesFor } from '../../lib/revocation/revocation-entry.js';
import { RevocationList } from '../../lib/revocation/revocation-list.js';
import { RevocationMark } from '../../lib/revocation/revocation-mark.js';
import { tokenKey } from '../../lib/revocation/token-key.js';
import { eventually } from '../support/eventually.js';
import { REDIS_PACKAGES } from '../support/redis-double.js';
import { whenOver } from '../support/world.js';
import { connectClient, inspect } from './support/redis-clients.js';
import { RedisServer } from './support/redis-server.js';

const ISSUER = 'https://as.example.com';
const DAY = 86_400;
const CHANNEL = '{cert-bound-auth:revocations}';
const LOG = `${CHANNEL}:log`;
const ABOUT = `${CHANNEL}:about`;

interface Instance {
  readonly list: RevocationList;
  readonly refuses: (subject: string) => boolean;
  readonly revoke: (...subjects: readonly string[]) => Promise<void>;
  readonly state: () => string | undefined;
}

/** What one instance of an API knows of what is revoked. */
async function startInstance(
  client: RedisClient,
  { create = true, maxEntries = 1_000_000, staleFor = 2 } = {},
): Promise<Instance> {
  const store = new RedisRevocationStore(client, { create, staleFor });
  const list = new RevocationList({ maxEntries, maxTokenLifetime: DAY, clockTolerance: 5, store });
  whenOver(async () => list.close());
  await list.start();
  const refuses = (subject: string): boolean => list.cutoffOf(tokenKey(1, ISSUER, [subject])) !== undefined;
  const revoke = async (...subjects: readonly string[]): Promise<void> => {
    const now = Date.now() / 1000;
    const times = { issuedBefore: now, now, maxTokenLifetime: DAY };
    await list.revoke(subjects.flatMap((subject) => entriesFor({ issuer: ISSUER, subject }, times)));
  };
  return { list, refuses, revoke, state: () => list.health()?.state };
}

describe.each(REDIS_PACKAGES)('what is revoked, in a real Redis, by %s', (kind) => {
  test('each instance hears at once of what another one revokes, and one that starts later knows all of it', async () => {
    const redis = await RedisServer.start();
    const inspector = inspect(redis);
    const [one, other] = [
      await startInstance(connectClient(kind, redis)),
      await startInstance(connectClient(kind, redis)),
    ];
    await eventually(async () => Number((await inspector.pubsub('NUMSUB', CHANNEL))[1]) === 2);
    await one.revoke('alice');
    const told = Date.now();
    await eventually(() => other.refuses('alice'));
    // By a message: the next look of its own could be a second away.
    expect(Date.now() - told).toBeLessThan(500);
    await one.revoke(...Array.from({ length: 2_500 }, (_, index) => `user ${index}`));
    const third = await startInstance(connectClient(kind, redis), { create: false });
    expect(third.state()).toBe('current');
    expect([third.refuses('alice'), third.refuses('user 0'), third.refuses('user 2499')]).toEqual([
      true,
      true,
      true,
    ]);
    expect(third.refuses('bob')).toBe(false);
    expect(third.list.size).toBe(2_501);
  });

  test('an instance that starts does not take an empty Redis for one in which nothing is revoked', async () => {
    const redis = await RedisServer.start();
    const { list, state, revoke } = await startInstance(connectClient(kind, redis), { create: false });
    expect(state()).toBe('unavailable');
    expect(() => list.requireCurrent()).toThrow('redis-cli HSETNX');
    await expect(revoke('alice')).rejects.toThrow('nothing was revoked');
    await inspect(redis).hsetnx('{cert-bound-auth:revocations}:about', 'generation', '1');
    await eventually(() => state() === 'current');
    await revoke('alice');
  });

  test('a Redis that was emptied is an outage until the instances have put back what they know', async () => {
    const redis = await RedisServer.start();
    const one = await startInstance(connectClient(kind, redis));
    const other = await startInstance(connectClient(kind, redis));
    await one.revoke('alice', 'bob');
    await eventually(() => other.refuses('bob'));
    await inspect(redis).flushall();
    await expect(other.revoke('carol')).rejects.toThrow('lost');
    expect(() => other.list.requireCurrent()).toThrow('lost');
    await eventually(() => other.state() === 'current');
    one.list.close();
    const third = await startInstance(connectClient(kind, redis), { create: false });
    expect([third.refuses('alice'), third.refuses('bob'), third.refuses('carol')]).toEqual([
      true,
      true,
      false,
    ]);
  });

  test('a Redis that lacks the newest entries, as after a failover, gets them back', async () => {
    const redis = await RedisServer.start();
    const inspector = inspect(redis);
    const one = await startInstance(connectClient(kind, redis));
    await one.revoke('alice');
    await one.revoke('bob');
    // It has seen them in the log.
    await eventually(async () => (await inspector.zcard(LOG)) === 2);
    await wait(1_200);
    await inspector.zremrangebyrank(LOG, 1, 1);
    await eventually(async () => (await inspector.zcard(LOG)) > 1);
    await eventually(() => one.state() === 'current');
    const other = await startInstance(connectClient(kind, redis), { create: false });
    expect([other.refuses('alice'), other.refuses('bob')]).toEqual([true, true]);
  });

  test('a full list keeps what refuses all tokens of the issuer that are as old, for all instances', async () => {
    const redis = await RedisServer.start();
    const one = await startInstance(connectClient(kind, redis), { maxEntries: 10 });
    const other = await startInstance(connectClient(kind, redis), { maxEntries: 10 });
    await one.revoke(...Array.from({ length: 10 }, (_, index) => `user ${index}`));
    await one.revoke('alice');
    const cutoff = (list: RevocationList): number | undefined =>
      list.cutoffOfIssuer([...list.entries()].find(({ key, issuer }) => key === issuer)?.key ?? '-');
    expect(cutoff(one.list)).toBeDefined();
    await eventually(() => cutoff(other.list) === cutoff(one.list));
  });

  test('entries that are over leave Redis, and others stay', async () => {
    const redis = await RedisServer.start();
    const one = await startInstance(connectClient(kind, redis));
    await one.revoke('alice');
    const inspector = inspect(redis);
    const old = (Date.now() - 3 * DAY * 1000) * 1000;
    await inspector.zadd(LOG, old, 'r..aaaaaaaaaaaaaaaaaaaaaa.1.1');
    await one.revoke('bob');
    expect(await inspector.zcard(LOG)).toBe(2);
    expect(one.state()).toBe('current');
  });

  test('what is known counts for staleFor when Redis hangs, and after that nothing is accepted', async () => {
    const redis = await RedisServer.start();
    const { list, state, revoke } = await startInstance(connectClient(kind, redis));
    await revoke('alice');
    redis.freeze();
    await eventually(() => state() === 'stale');
    expect(() => list.requireCurrent()).not.toThrow();
    await eventually(() => state() === 'unavailable');
    await expect(revoke('bob')).rejects.toThrow('did not answer within 500 ms');
    redis.thaw();
    await eventually(() => state() === 'current');
  });

  test('marks outlive the log, take no room in it, and never go back', async () => {
    const redis = await RedisServer.start();
    const one = await startInstance(connectClient(kind, redis), { maxEntries: 1 });
    const inspector = inspect(redis);
    const mark = new RevocationMark(ISSUER, ['stopped']);
    const now = Math.floor(Date.now() / 1000);
    const far = now + 366 * DAY;
    await one.revoke('alice');
    await one.list.revoke([mark.entryAt(now, far)]);
    await one.list.revoke([mark.entryAt(now - 100, far)]);
    expect([await inspector.zcard(LOG), one.list.markAt(mark.key), one.list.size]).toEqual([1, now, 1]);
    // As after days.
    await inspector.del(LOG);
    await inspector.hset(ABOUT, 'dropped', String(Date.now() * 1000));
    const other = await startInstance(connectClient(kind, redis), { create: false });
    expect([other.list.markAt(mark.key), other.refuses('alice')]).toEqual([now, false]);
  });

  test('a mark is kept with what is revoked though the list is full, and put back when Redis was emptied', async () => {
    const redis = await RedisServer.start();
    const one = await startInstance(connectClient(kind, redis), { maxEntries: 1 });
    const mark = new RevocationMark(ISSUER, ['stopped']);
    const now = Math.floor(Date.now() / 1000);
    const times = { issuedBefore: now, now, maxTokenLifetime: DAY };
    await one.revoke('alice');
    await one.list.revoke([
      ...entriesFor({ issuer: ISSUER, subject: 'bob' }, times),
      mark.entryAt(now, now + DAY),
    ]);
    expect(one.list.markAt(mark.key)).toBe(now);
    const inspector = inspect(redis);
    await inspector.flushall();
    await eventually(async () => (await inspector.hget(ABOUT, 'generation')) !== null);
    const other = await startInstance(connectClient(kind, redis), { create: false });
    expect(other.list.markAt(mark.key)).toBe(now);
  });
});
