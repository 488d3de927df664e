import { createHash } from 'node:crypto';
import { RedisIntrospectionStore } from 'nestjs-cert-bound-auth';
import { beforeAll, describe, expect, test } from 'vitest';
import { eventually } from '../support/eventually.js';
import { PLATFORMS } from '../support/platforms.js';
import { RecordingLogger } from '../support/recording-logger.js';
import {
  opaqueToken,
  type SharingApi,
  type SharingApiOptions,
  startSharingApi,
} from '../support/sharing-api.js';
import { createWorld, startAuthorizationServer, type World } from '../support/world.js';
import { connectClient, contentOf, inspect } from './support/redis-clients.js';
import { RedisServer } from './support/redis-server.js';

let world: World;
beforeAll(async () => {
  world = await createWorld();
});

const CLIENT_ON = { express: 'redis', fastify: 'ioredis' } as const;
const SECRET = 'the same secret on every instance of the API';
/** The platform knows nothing of Redis: each client on one of them is enough. */
const WAYS = PLATFORMS.map((platform) => ({ platform, kind: CLIENT_ON[platform] }));

describe.each(WAYS)('introspection answers in a real Redis, on $platform by $kind', ({ platform, kind }) => {
  /** A Redis, an authorization server, and as many instances of an API as the test starts. */
  async function setUp() {
    const [redis, as] = await Promise.all([RedisServer.start(), startAuthorizationServer(world)]);
    const start = async (secret = SECRET, options: SharingApiOptions = {}): Promise<SharingApi> => {
      const store = new RedisIntrospectionStore(connectClient(kind, redis), { timeout: 1000 });
      return startSharingApi(world, platform, as, { store, secret }, options);
    };
    return { redis, as, start, inspector: inspect(redis) };
  }

  test('two instances share one answer, so the server is asked once', async () => {
    const { as, start, inspector } = await setUp();
    const [one, other] = [await start(), await start()];
    const token = opaqueToken(world, as);
    expect((await one.call(token)).status).toBe(200);
    await eventually(async () => (await inspector.dbsize()) === 1);
    expect((await other.call(token)).status).toBe(200);
    expect((await other.call(token, 'client2')).status).toBe(401);
    expect(as.count('introspection')).toBe(1);
  });

  test('invariant 6: Redis holds neither token nor digest nor claim, and forgets after ttl', async () => {
    const { as, start, inspector } = await setUp();
    const token = opaqueToken(world, as, { subject: 'user-4711', clientId: 'client-0815' });
    await (await start()).call(token);
    await eventually(async () => (await inspector.dbsize()) === 1);
    const content = [...(await contentOf(inspector))].flat();
    const bytes = content.map((text) => Buffer.from(text, 'base64url').toString('latin1'));
    const digest = createHash('sha256').update(token).digest();
    const digests = (['hex', 'base64', 'base64url'] as const).map((encoding) => digest.toString(encoding));
    const claims = ['user-4711', 'client-0815', world.client1.thumbprint, as.issuer, 'active'];
    for (const telling of [token, ...digests, digest.toString('latin1'), ...claims]) {
      expect([...content, ...bytes].join('\n')).not.toContain(telling);
    }
    const [key = ''] = content;
    expect(key).toMatch(/^cert-bound-auth:introspection:[\w-]{43}$/);
    expect(await inspector.pttl(key)).toBeGreaterThan(50_000);
    expect(await inspector.pttl(key)).toBeLessThanOrEqual(60_000);
  });

  test('an instance with another secret shares nothing', async () => {
    const { as, start, inspector } = await setUp();
    const token = opaqueToken(world, as);
    expect((await (await start()).call(token)).status).toBe(200);
    await eventually(async () => (await inspector.dbsize()) === 1);
    expect((await (await start(`another: ${SECRET}`)).call(token)).status).toBe(200);
    expect(as.count('introspection')).toBe(2);
    await eventually(async () => (await inspector.dbsize()) === 2);
  });

  test('a value that was tampered with is ignored, and the server is asked again', async () => {
    const { as, start, inspector } = await setUp();
    const token = opaqueToken(world, as);
    await (await start()).call(token);
    await eventually(async () => (await inspector.dbsize()) === 1);
    const [[key, value] = ['', '']] = await contentOf(inspector);
    const middle = value.length / 2;
    const changed = value[middle] === 'A' ? 'B' : 'A';
    await inspector.set(key, `${value.slice(0, middle)}${changed}${value.slice(middle + 1)}`);
    const logger = new RecordingLogger();
    expect((await (await start(SECRET, { logger })).call(token)).status).toBe(200);
    expect(as.count('introspection')).toBe(2);
    expect(logger.ours.map(({ level }) => level)).toContain('warn');
  });

  test('the answer about another token is ignored, and the server is asked again and refuses', async () => {
    const { as, start, inspector } = await setUp();
    const one = await start();
    const [valid, revoked] = [opaqueToken(world, as), opaqueToken(world, as)];
    await one.call(revoked);
    await eventually(async () => (await inspector.dbsize()) === 1);
    const [key = ''] = await inspector.keys('*');
    await one.call(valid);
    await eventually(async () => (await inspector.dbsize()) === 2);
    for (const [other, value] of await contentOf(inspector))
      if (other !== key) await inspector.set(key, value);
    as.revoke(revoked);
    expect((await (await start()).call(revoked)).status).toBe(401);
    expect(as.count('introspection')).toBe(3);
  });

  test('a revoked token is refused when ttl is over, also by an instance that knew it from Redis', async () => {
    const { as, start, inspector } = await setUp();
    const [one, other] = [await start(SECRET, { ttl: 2 }), await start(SECRET, { ttl: 2 })];
    const token = opaqueToken(world, as);
    const asked = performance.now();
    expect((await one.call(token)).status).toBe(200);
    await eventually(async () => (await inspector.dbsize()) === 1);
    as.revoke(token);
    expect((await other.call(token)).status).toBe(200);
    await eventually(async () => (await other.call(token)).status === 401);
    expect((await one.call(token)).status).toBe(401);
    expect(performance.now() - asked).toBeGreaterThanOrEqual(2000);
  });

  test('an inactive answer is shared until negativeTtl is over', async () => {
    const { as, start, inspector } = await setUp();
    const [one, other] = [await start(SECRET, { negativeTtl: 2 }), await start(SECRET, { negativeTtl: 2 })];
    const token = opaqueToken(world, as);
    as.answerIntrospection(token, { active: false });
    expect((await one.call(token)).status).toBe(401);
    await eventually(async () => (await inspector.dbsize()) === 1);
    expect((await other.call(token)).status).toBe(401);
    expect(as.count('introspection')).toBe(1);
    await eventually(async () => (await inspector.dbsize()) === 0);
    expect((await other.call(token)).status).toBe(401);
    expect(as.count('introspection')).toBe(2);
  });

  test('the server is asked while Redis is down or hangs, and the cache recovers by itself', async () => {
    const { redis, as, start, inspector } = await setUp();
    const logger = new RecordingLogger();
    // Nest logs by the logger of the app that was started last.
    const [other, one] = [await start(), await start(SECRET, { logger })];
    redis.freeze();
    expect((await one.call(opaqueToken(world, as))).status).toBe(200);
    redis.thaw();
    await redis.stop();
    for (const _ of [1, 2]) expect((await one.call(opaqueToken(world, as))).status).toBe(200);
    expect(as.count('introspection')).toBe(3);
    expect(logger.ours.filter(({ level }) => level === 'warn')).toHaveLength(1);
    await redis.resume();
    await eventually(async () => {
      const token = opaqueToken(world, as);
      await one.call(token);
      const before = as.count('introspection');
      await other.call(token);
      return as.count('introspection') === before;
    });
    expect(await inspector.dbsize()).toBeGreaterThan(0);
  });
});
