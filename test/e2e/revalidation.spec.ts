import type { IntrospectionCacheOptions } from 'nestjs-cert-bound-auth';
import type { TestAuthorizationServer } from 'nestjs-cert-bound-auth/testing';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { eventually } from '../support/eventually.js';
import { KNOWN, type KnowingApi, NEW, refusedAnew, startKnowingApi } from '../support/known-tokens.js';
import { PLATFORMS } from '../support/platforms.js';
import { API_CLIENT, createWorld, startAuthorizationServer } from '../support/world.js';

const world = await createWorld();
const certificate = world.client1;
afterEach(() => {
  vi.useRealTimers();
});

/** Seconds go by; timers run on. */
function later(seconds: number): void {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + seconds * 1000 });
}

describe.each(PLATFORMS)('a JWT that its server is asked about now and then on %s', (platform) => {
  interface Started {
    readonly as: TestAuthorizationServer;
    readonly api: KnowingApi;
    /** Mints a JWT that the server knows. */
    readonly mint: (lifetime?: number) => Promise<string>;
  }

  const start = async (
    revalidateInBackground: boolean,
    cache?: IntrospectionCacheOptions,
  ): Promise<Started> => {
    const as = await startAuthorizationServer(world);
    const introspection = {
      clientAuthentication: API_CLIENT,
      tokens: 'all',
      revalidateAfter: 60,
      revalidateInBackground,
      ...(cache === undefined ? {} : { cache }),
    } as const;
    const keyCache = { maxAge: 86_400, refreshAfter: 86_400 };
    const api = await startKnowingApi(world, platform, as, { server: { introspection, keyCache } });
    const mint: Started['mint'] = async (lifetime = 3_000) => {
      const token = await as.accessToken({ certificate, lifetime });
      const [, payload = ''] = token.split('.');
      const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as object;
      as.answerIntrospection(token, { active: true, ...claims });
      return token;
    };
    return { as, api, mint };
  };

  test.each([[undefined], [{ ttl: 1 }], [{ ttl: 3_600 }]])(
    'a JWT is asked about at most once in revalidateAfter, with the cache %j',
    async (cache) => {
      const { as, api, mint } = await start(false, cache);
      const token = await mint();
      expect(await api.call(token)).toMatchObject(NEW);
      later(59);
      expect(await api.call(token)).toMatchObject(KNOWN);
      expect(as.count('introspection')).toBe(1);
      later(1);
      expect(await api.call(token)).toMatchObject(NEW);
      expect(await api.call(token)).toMatchObject(KNOWN);
      expect(as.count('introspection')).toBe(2);
    },
  );

  test('a revoked JWT is refused after revalidateAfter, and then asked about anew only after a while', async () => {
    const { as, api, mint } = await start(false);
    const token = await mint();
    await api.call(token);
    as.revoke(token);
    expect(await api.call(token)).toMatchObject(KNOWN);
    later(60);
    expect(await api.call(token)).toMatchObject(refusedAnew('token_inactive'));
    expect(await api.call(token)).toMatchObject(refusedAnew('token_inactive'));
    expect(as.count('introspection')).toBe(2);
  });

  test('INV3: a server that cannot be asked again is an outage once revalidateAfter is over', async () => {
    const { as, api, mint } = await start(false);
    const token = await mint();
    await api.call(token);
    as.behave('introspection', { status: 500 });
    expect(await api.call(token)).toMatchObject(KNOWN);
    later(60);
    expect(await api.call(token)).toMatchObject({ status: 503 });
  });

  test('INV5: a JWT that was asked about lately is refused once it has expired', async () => {
    const { api, mint } = await start(true);
    const token = await mint(30);
    expect(await api.call(token)).toMatchObject(NEW);
    later(36);
    expect(await api.call(token)).toMatchObject(refusedAnew('token_expired'));
  });

  test('nobody waits for an answer that is fetched in the background, which counts from then on', async () => {
    const { as, api, mint } = await start(true);
    const token = await mint();
    await api.call(token);
    later(60);
    as.behave('introspection', 'hang');
    expect(await api.call(token)).toMatchObject({ status: 200 });
    expect(await api.call(token)).toMatchObject({ status: 200 });
    await eventually(() => as.count('introspection') === 2);
  });

  test('a revoked JWT is refused as soon as the background has learnt it', async () => {
    const { as, api, mint } = await start(true);
    const token = await mint();
    await api.call(token);
    as.revoke(token);
    later(60);
    expect(await api.call(token)).toMatchObject({ status: 200 });
    await eventually(async () => (await api.call(token)).status === 401);
    expect(as.count('introspection')).toBe(2);
  });

  test('a revoked JWT works for twice revalidateAfter at most, though nobody used it meanwhile', async () => {
    const { as, api, mint } = await start(true);
    const token = await mint();
    await api.call(token);
    as.revoke(token);
    later(120);
    expect(await api.call(token)).toMatchObject(refusedAnew('token_inactive'));
  });

  test('INV3: the last answer counts for twice revalidateAfter while the server cannot be asked, and then there is an outage', async () => {
    const { as, api, mint } = await start(true);
    const token = await mint();
    await api.call(token);
    as.behave('introspection', { status: 500 });
    later(119);
    expect(await api.call(token)).toMatchObject({ status: 200 });
    later(1);
    expect(await api.call(token)).toMatchObject({ status: 503 });
  });
});
