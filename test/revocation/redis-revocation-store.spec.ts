import { RedisRevocationStore, type RedisClient, type RevocationEntry } from 'nestjs-cert-bound-auth';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { accountEntry, entriesFor } from '../../lib/revocation/revocation-entry.js';
import { RevocationList } from '../../lib/revocation/revocation-list.js';
import { RevocationMark } from '../../lib/revocation/revocation-mark.js';
import { tokenKey } from '../../lib/revocation/token-key.js';
import { REDIS_PACKAGES } from '../support/redis-double.js';
import { RedisLogDouble } from '../support/redis-log-double.js';
import { whenOver } from '../support/world.js';

const ISSUER = 'https://as.example.com';
const NOW = 1_800_000_000;
const DAY = 86_400;

beforeEach(() => {
  vi.useFakeTimers({ now: NOW * 1000, toFake: ['setTimeout', 'clearTimeout', 'Date', 'performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** What one instance of an API holds. */
function listOf(
  client: RedisClient,
  { create = true, staleFor = 3, maxEntries = 1_000_000 } = {},
): RevocationList {
  const store = new RedisRevocationStore(client, { create, staleFor });
  const list = new RevocationList({ maxEntries, maxTokenLifetime: DAY, clockTolerance: 5, store });
  whenOver(async () => list.close());
  return list;
}

function entriesOf(...subjects: readonly string[]): readonly RevocationEntry[] {
  const times = { issuedBefore: NOW, now: NOW, maxTokenLifetime: DAY };
  return subjects.flatMap((subject) => entriesFor({ issuer: ISSUER, subject }, times));
}

const refuses = (list: RevocationList, subject: string): boolean =>
  list.cutoffOf(tokenKey(1, ISSUER, [subject])) !== undefined;
const stateOf = (list: RevocationList): string | undefined => list.health()?.state;
const soon = async (milliseconds = 0): Promise<unknown> => vi.advanceTimersByTimeAsync(milliseconds);

describe.each(REDIS_PACKAGES)('what is revoked, kept in Redis, by %s', (kind) => {
  test('nothing is accepted before the first look, and each instance is told at once', async () => {
    const redis = new RedisLogDouble();
    const [one, other] = [listOf(redis.client(kind)), listOf(redis.client(kind))];
    expect(() => one.requireCurrent()).toThrow(
      expect.objectContaining({
        reason: 'revocations_unavailable',
        detail: 'Redis has not been asked yet',
      }) as Error,
    );
    await Promise.all([one.start(), one.start(), other.start()]);
    await soon();
    expect(redis.heardBy).toBe(2);
    expect(() => one.requireCurrent()).not.toThrow();
    await one.revoke(entriesOf('alice'));
    await soon();
    expect([refuses(one, 'alice'), refuses(other, 'alice'), refuses(other, 'bob')]).toEqual([
      true,
      true,
      false,
    ]);
    for (const list of [one, other]) list.close();
    expect(redis.heardBy).toBe(0);
  });

  test('an instance that gets no messages looks each second, and does not look at what it knows again', async () => {
    const redis = new RedisLogDouble();
    const one = listOf(redis.client(kind, { subscribes: false }));
    const other = listOf(redis.client(kind, { subscribes: false }));
    await other.start();
    await one.revoke(entriesOf('alice'));
    expect(refuses(other, 'alice')).toBe(false);
    await soon(1_000);
    expect(refuses(other, 'alice')).toBe(true);
    const { version } = other;
    const { commands } = redis;
    await soon(10_000);
    expect(other.version).toBe(version);
    expect(redis.commands - commands).toBe(20);
  });

  test('more than one page is read whole', async () => {
    const redis = new RedisLogDouble();
    const one = listOf(redis.client(kind));
    await one.revoke(entriesOf(...Array.from({ length: 2_500 }, (_, index) => `user ${index}`)));
    const other = listOf(redis.client(kind), { create: false });
    await other.start();
    expect(other.size).toBe(2_500);
  });

  test('what is known counts for staleFor when Redis does not answer, and nothing can be revoked', async () => {
    const redis = new RedisLogDouble();
    const list = listOf(redis.client(kind), { staleFor: 5 });
    await list.start();
    expect(list.health()).toEqual({ state: 'current', problem: undefined });
    redis.instead = async () => Promise.reject(new Error('down'));
    await soon(1_500);
    expect(list.health()).toEqual({ state: 'stale', problem: 'down' });
    await expect(list.revoke(entriesOf('alice'))).rejects.toThrow('down');
    expect(refuses(list, 'alice')).toBe(false);
    await soon(3_300);
    expect(stateOf(list)).toBe('stale');
    await soon(300);
    expect(list.health()).toEqual({ state: 'unavailable', problem: 'down' });
    expect(() => list.requireCurrent()).toThrow('down');
    redis.instead = undefined;
    await soon(1_000);
    expect(stateOf(list)).toBe('current');
  });

  test('a process that has stood still for too long looks first', async () => {
    const redis = new RedisLogDouble();
    const list = listOf(redis.client(kind));
    await list.start();
    list.close();
    await soon(3_001);
    expect(() => list.requireCurrent()).toThrow('the store has not been heard of lately');
    await list.revoke(entriesOf('alice'));
    expect(redis.heardBy).toBe(0);
  });

  test('a list that was never followed and is closed listens to nobody', async () => {
    const redis = new RedisLogDouble();
    const list = listOf(redis.client(kind));
    list.close();
    await list.revoke(entriesOf('alice'));
    expect([redis.log.size, redis.heardBy]).toEqual([1, 0]);
  });

  test('a Redis without a list is not one in which nothing is revoked', async () => {
    const redis = new RedisLogDouble();
    const list = listOf(redis.client(kind), { create: false });
    await list.start();
    expect(() => list.requireCurrent()).toThrow(
      "redis-cli HSETNX '{cert-bound-auth:revocations}:about' generation",
    );
    await expect(list.revoke(entriesOf('alice'))).rejects.toThrow('nothing was revoked: Redis has no list');
    redis.generation = '1';
    await soon(1_000);
    expect(stateOf(list)).toBe('current');
  });

  test('INV3: what Redis was asked before the list was found lost makes nothing current again', async () => {
    const redis = new RedisLogDouble();
    const list = listOf(redis.client(kind));
    await list.start();
    const { generation } = redis;
    const answers: ((page: unknown) => void)[] = [];
    redis.instead = () => new Promise((resolve) => answers.push(resolve));
    await soon(1_000);
    redis.instead = () => 'lost';
    await expect(list.revoke(entriesOf('alice'))).rejects.toThrow('Redis has lost the list');
    redis.instead = () => new Promise(() => undefined);
    expect(answers).toHaveLength(1);
    answers[0]?.([generation, '0', []]);
    await soon(100);
    expect(stateOf(list)).toBe('unavailable');
  });

  test('a Redis that was emptied is an outage until the instances have put back what they know', async () => {
    const redis = new RedisLogDouble();
    const [one, other] = [listOf(redis.client(kind)), listOf(redis.client(kind))];
    await one.revoke(entriesOf(...Array.from({ length: 1_000 }, (_, index) => `user ${index}`)));
    await other.start();
    redis.log.clear();
    redis.generation = '';
    redis.instead = () => 'lost';
    await expect(one.revoke(entriesOf('alice'))).rejects.toThrow('Redis has lost the list');
    expect(() => one.requireCurrent()).toThrow();
    redis.instead = undefined;
    await soon(1_000);
    expect([stateOf(one), stateOf(other)]).toEqual(['current', 'current']);
    const third = listOf(redis.client(kind), { create: false });
    await third.start();
    expect([third.size, refuses(third, 'user 0'), refuses(third, 'user 999')]).toEqual([1_000, true, true]);
  });

  test('a Redis that lacks the newest entry, or has another list, gets back what is known', async () => {
    const redis = new RedisLogDouble();
    const list = listOf(redis.client(kind));
    await list.revoke(entriesOf('alice'));
    await list.revoke(entriesOf('bob'));
    await soon(1_000);
    redis.log.delete([...redis.log.keys()][1] ?? '');
    await soon(1_000);
    expect(redis.log.size).toBeGreaterThan(1);
    redis.log.clear();
    redis.generation = 'another';
    await soon(1_000);
    expect(redis.log.size).toBe(2);
    expect(stateOf(list)).toBe('current');
    // What is over has been dropped, which is no loss.
    redis.log.clear();
    redis.dropped = 1_000_000;
    await soon(1_000);
    expect([redis.log.size, stateOf(list)]).toEqual([0, 'current']);
  });

  test('a full list keeps what refuses all tokens of the issuer that are as old, and nothing that lifts', async () => {
    const redis = new RedisLogDouble();
    const list = listOf(redis.client(kind), { maxEntries: 2 });
    await list.revoke(entriesOf('alice', 'bob'));
    const times = { issuedBefore: NOW, now: NOW, maxTokenLifetime: DAY };
    await list.revoke([
      ...entriesOf('carol'),
      accountEntry('lift', { issuer: ISSUER, subject: 'alice' }, times),
    ]);
    expect(redis.log.size).toBe(3);
    const all = [...list.entries()].filter(({ key, issuer }) => key === issuer);
    expect(all).toMatchObject([{ kind: 'revoke', issuedBefore: NOW }]);
    let replies = ['full', 'lost'];
    redis.instead = () => replies.shift() ?? ['', '0', [], []];
    await expect(list.revoke(entriesOf('dave'))).rejects.toThrow('Redis has lost the list');
    replies = [];
  });

  test('entries that lift are kept, too', async () => {
    const redis = new RedisLogDouble();
    const list = listOf(redis.client(kind));
    const times = { issuedBefore: NOW, now: NOW, maxTokenLifetime: DAY };
    await list.revoke([accountEntry('lift', { issuer: ISSUER, subject: 'alice' }, times)]);
    const other = listOf(redis.client(kind));
    await other.start();
    expect(other.size).toBe(1);
  });

  test.each([
    ['a number', 7],
    ['a text', 'hello'],
    ['nothing', null],
    ['no list of entries', ['one', '0', '', []]],
    ['no generation', [[], '0', [], []]],
    ['an entry that nobody can read', ['one', '0', ['x', '1'], []]],
    ['a mark that nobody can read', ['one', '0', [], ['x', '1']]],
    ['no list of marks', ['one', '0', []]],
    ['an empty list of nothing', []],
  ])('a reply that makes no sense is an outage: %s', async (_, reply) => {
    const redis = new RedisLogDouble();
    redis.instead = () => reply;
    const list = listOf(redis.client(kind));
    await list.start();
    expect(stateOf(list)).toBe('unavailable');
  });

  test('an answer to an entry that makes no sense does not count as kept, and a list without a name is none', async () => {
    const redis = new RedisLogDouble();
    const list = listOf(redis.client(kind));
    await list.start();
    redis.instead = () => 'fine';
    await expect(list.revoke(entriesOf('alice'))).rejects.toThrow('makes no sense');
    let replies: unknown[] = [['', '0', [], []], ''];
    redis.instead = () => replies.shift() ?? 7;
    const other = listOf(redis.client(kind));
    await other.start();
    replies = [];
    expect(stateOf(other)).toBe('unavailable');
  });
});

test('texts come as bytes from a client that is set up so, and its copy of an older version is ended otherwise', async () => {
  const redis = new RedisLogDouble();
  const { duplicate, ...client } = redis.client('redis') as RedisClient & { duplicate: () => object };
  const older = { ...client, duplicate: () => ({ ...duplicate(), destroy: undefined }) };
  const list = listOf(older);
  await list.start();
  await soon();
  expect(redis.heardBy).toBe(1);
  redis.instead = () => [Buffer.from(redis.generation), Buffer.from('0'), [], []];
  await soon(1_000);
  expect(stateOf(list)).toBe('current');
  list.close();
  expect(redis.heardBy).toBe(0);
});

test.each(REDIS_PACKAGES)(
  'a copy that cannot subscribe, nor be ended, costs nothing but its messages, by %s',
  async (kind) => {
    const redis = new RedisLogDouble();
    const failing = async (): Promise<never> => Promise.reject(new Error('closed'));
    const on = (event: string, listener: (error: Error) => void): void => {
      if (event === 'error' || event === 'ready') listener(new Error('down'));
    };
    const copy = { on, connect: failing, subscribe: failing, disconnect: failing };
    const list = listOf(Object.assign(redis.client(kind), { duplicate: () => copy }));
    await list.start();
    expect(stateOf(list)).toBe('current');
    list.close();
    await soon();
  },
);

test.each([
  [{ staleFor: 1 }, RangeError, 'staleFor is 1; give seconds, 2 to 86400'],
  [{ staleFor: Number.NaN }, RangeError, 'staleFor is NaN; give seconds, 2 to 86400'],
  [{ timeout: 0 }, RangeError, 'timeout is 0'],
  [{ create: 'yes' as unknown as boolean }, TypeError, 'create is string; give true or false'],
])('a wrong option of the store is an error where it is made: %o', (options, type, message) => {
  const make = (): unknown => new RedisRevocationStore(new RedisLogDouble().client('redis'), options);
  expect(make).toThrow(type);
  expect(make).toThrow(message);
});

test('the names of the keys begin with the prefix, in braces, and with the usual one where none is given', async () => {
  const keys = new Set<unknown>();
  const redis = new RedisLogDouble();
  redis.watch = ([, , , one, other]) => keys.add(one).add(other);
  for (const options of [{}, { prefix: 'payments' }]) {
    const store = new RedisRevocationStore(redis.client('redis'), options);
    const list = new RevocationList({ maxEntries: 10, maxTokenLifetime: DAY, clockTolerance: 5, store });
    await list.start();
    list.close();
  }
  expect([...keys]).toEqual([
    '{cert-bound-auth:revocations}:log',
    '{cert-bound-auth:revocations}:about',
    '{payments}:log',
    '{payments}:about',
  ]);
});

test.each(REDIS_PACKAGES)(
  'marks are known everywhere, make no room less, and change nothing about tokens, by %s',
  async (kind) => {
    const redis = new RedisLogDouble();
    const [one, other] = [
      listOf(redis.client(kind), { maxEntries: 1 }),
      listOf(redis.client(kind), { maxEntries: 1 }),
    ];
    await Promise.all([one.start(), other.start()]);
    await one.revoke(entriesOf('alice'));
    await soon();
    const mark = new RevocationMark(ISSUER, ['stopped']);
    const { version } = other;
    await one.revoke([mark.entryAt(NOW, NOW + DAY)]);
    await one.revoke([mark.entryAt(NOW - 10, NOW + DAY)]);
    await soon();
    expect([one.markAt(mark.key), other.markAt(mark.key)]).toEqual([NOW, NOW]);
    expect([redis.log.size, other.size, other.version]).toEqual([1, 1, version]);
    await one.revoke([...entriesOf('bob'), mark.entryAt(NOW + 1, NOW + DAY)]);
    expect(one.markAt(mark.key)).toBe(NOW + 1);
    expect([...one.entries()]).toContainEqual(
      expect.objectContaining({ kind: 'lift', issuedBefore: NOW + 1 }),
    );
  },
);
