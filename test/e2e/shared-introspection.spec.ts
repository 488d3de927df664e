import { CertBoundAuthConfigurationError } from 'nestjs-cert-bound-auth';
import { describe, expect, test } from 'vitest';
import { MapIntrospectionStore } from '../support/map-introspection-store.js';
import { PLATFORMS } from '../support/platforms.js';
import { RecordingLogger } from '../support/recording-logger.js';
import { opaqueToken, startSharingApi } from '../support/sharing-api.js';
import { createWorld, startAuthorizationServer } from '../support/world.js';

const world = await createWorld();

const SECRET = 'the same secret on every instance of the API';

describe.each(PLATFORMS)('a shared introspection cache on %s', (platform) => {
  test('two instances ask once, and each checks the token and its binding by itself', async () => {
    const as = await startAuthorizationServer(world);
    const shared = { store: new MapIntrospectionStore(), secret: SECRET };
    const one = await startSharingApi(world, platform, as, shared);
    const other = await startSharingApi(world, platform, as, { ...shared, secret: Buffer.from(SECRET) });
    const token = opaqueToken(world, as, { scope: 'a b' });
    const first = await one.call(token);
    const second = await other.call(token);
    expect([first.status, second.status]).toEqual([200, 200]);
    expect(second.body).toEqual(first.body);
    expect((await other.call(token, 'client2')).status).toBe(401);
    expect(as.count('introspection')).toBe(1);
  });

  test('a store that is down refuses nobody, and the log says so', async () => {
    const as = await startAuthorizationServer(world);
    const down = async (): Promise<never> => Promise.reject(new Error('connect ECONNREFUSED'));
    const logger = new RecordingLogger();
    const shared = { store: { get: down, set: down }, secret: SECRET };
    const api = await startSharingApi(world, platform, as, shared, { logger });
    for (const _ of [1, 2, 3]) expect((await api.call(opaqueToken(world, as))).status).toBe(200);
    expect(logger.ours.filter(({ level }) => level === 'warn').map(({ text }) => text)).toEqual([
      'the shared introspection cache could not be read: connect ECONNREFUSED',
    ]);
  });
});

describe('invariant 8: a wrong shared cache stops the boot', () => {
  const store = new MapIntrospectionStore();
  const AT = 'authorizationServers[0].introspection.cache.shared';

  test.each<[string, unknown, string]>([
    ['true', true, `${AT} (boolean): give { store, secret }`],
    ['null', null, `${AT} (null): give { store, secret }`],
    ['a list', [], `${AT} (empty array): give { store, secret }`],
    ['no store', { secret: SECRET }, `${AT}.store (undefined): give a store, as new RedisIntrospectionStore`],
    ['a client in place of a store', { secret: SECRET, store: { get: () => '' } }, `${AT}.store (object)`],
    ['a store that only writes', { secret: SECRET, store: { set: () => '' } }, `${AT}.store (object)`],
    ['no secret', { store }, `${AT}.secret (undefined): give at least 32 bytes, the same on all instances`],
    ['a short secret', { store, secret: 'x'.repeat(31) }, `${AT}.secret (string)`],
    ['short bytes', { store, secret: Buffer.alloc(31) }, `${AT}.secret (object)`],
    ['a number as secret', { store, secret: 1 }, `${AT}.secret (number)`],
    ['a wrong name', { store, secret: SECRET, ttl: 1 }, `${AT}.ttl (number): there is no such option`],
  ])('a wrong shared cache stops the boot: %s', async (_, shared, problem) => {
    const as = await startAuthorizationServer(world);
    const boot = startSharingApi(world, 'express', as, shared as never);
    await expect(boot).rejects.toThrow(CertBoundAuthConfigurationError);
    await expect(boot).rejects.toThrow(problem);
  });
});
