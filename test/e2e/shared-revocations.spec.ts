import { RedisRevocationStore, TokenRevocations } from 'nestjs-cert-bound-auth';
import { describe, expect, test } from 'vitest';
import { eventually } from '../support/eventually.js';
import { KNOWN, knownButRefused, NEW, startKnowingApi } from '../support/known-tokens.js';
import { PLATFORMS } from '../support/platforms.js';
import { RedisLogDouble } from '../support/redis-log-double.js';
import { createWorld, startAuthorizationServer } from '../support/world.js';

const world = await createWorld();

describe.each(PLATFORMS)('revocations that instances share, on %s', (platform) => {
  test('a token that is revoked at one app is refused at another one with the same store, though it is known there', async () => {
    const as = await startAuthorizationServer(world);
    const redis = new RedisLogDouble();
    const start = async () => {
      const store = new RedisRevocationStore(redis.client('redis'), { create: true });
      return startKnowingApi(world, platform, as, { options: { revocations: { store } } });
    };
    const [one, other] = [await start(), await start()];
    const token = await as.accessToken({ certificate: world.client1, subject: 'alice' });
    expect(await other.call(token)).toMatchObject(NEW);
    await one.app.get(TokenRevocations).revoke({ issuer: as.issuer, subject: 'alice' });
    expect(await other.call(token)).toMatchObject(knownButRefused('token_revoked'));
    await one.app.close();
    expect(redis.heardBy).toBe(1);
  });

  test('INV3: requests with a token are answered with 503 while it is not known what has been revoked', async () => {
    const as = await startAuthorizationServer(world);
    const redis = new RedisLogDouble();
    const store = new RedisRevocationStore(redis.client('ioredis'));
    const api = await startKnowingApi(world, platform, as, { options: { revocations: { store } } });
    const token = await as.accessToken({ certificate: world.client1 });
    expect(await api.call(token)).toMatchObject({ status: 503, reason: 'revocations_unavailable' });
    redis.generation = '1';
    await eventually(async () => (await api.call(token)).status === 200);
    expect(await api.call(token)).toMatchObject(KNOWN);
  });
});
