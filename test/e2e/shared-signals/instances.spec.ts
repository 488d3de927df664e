import { RedisRevocationStore } from 'nestjs-cert-bound-auth';
import { SharedSignals } from 'nestjs-cert-bound-auth/shared-signals';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { caep, ssf } from '../../support/event-types.js';
import { eventually } from '../../support/eventually.js';
import { PLATFORMS } from '../../support/platforms.js';
import { RedisLogDouble } from '../../support/redis-log-double.js';
import { startSignalApi } from '../../support/signal-api.js';
import { TestTransmitter } from '../../support/transmitter.js';
import { createWorld, startAuthorizationServer } from '../../support/world.js';

const world = await createWorld();
afterEach(() => {
  vi.useRealTimers();
});

describe.each(PLATFORMS)('instances that share a store, on %s', (platform) => {
  test('an event that one instance is sent is refused at all of them, which know that the transmitter is heard', async () => {
    const as = await startAuthorizationServer(world);
    const transmitter = await TestTransmitter.start(world);
    const redis = new RedisLogDouble();
    const start = async (maxEntries: number) => {
      const store = new RedisRevocationStore(redis.client('redis'), { create: true });
      const api = await startSignalApi(
        world,
        platform,
        { as, transmitter },
        {
          options: { revocations: { store, maxEntries } },
          transmitter: { maxSilence: 600 },
        },
      );
      const state = (): string | undefined =>
        api.app.get(SharedSignals, { strict: false }).health()[0]?.state;
      return { ...api, state };
    };
    const [one, other] = [await start(5), await start(5)];
    const subject = { format: 'iss_sub', iss: as.issuer, sub: 'alice' };
    const lives = { certificate: world.client1, lifetime: 7_000 };
    const alice = await as.accessToken({ ...lives, subject: 'alice' });
    const bob = await as.accessToken({ ...lives, subject: 'bob', claims: { iat: nowInSeconds() + 1 } });
    const set = await transmitter.set({ type: caep('session-revoked'), subject });
    expect((await one.push(set)).status).toBe(202);
    await eventually(async () => (await other.call(alice)) === 401);
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 610_000 });
    expect([one.state(), other.state()]).toEqual(['silent', 'silent']);
    expect((await one.push(await transmitter.set({ type: ssf('verification') }))).status).toBe(202);
    await eventually(() => other.state() === 'heard');
    expect([await other.call(alice), await other.call(bob)]).toEqual([401, 200]);
    // Of what there is no room for, the instance itself knows that it was heard.
    for (let index = 0; index < 4; index += 1) {
      vi.setSystemTime(Date.now() + 100_000);
      expect((await one.push(await transmitter.set({ type: ssf('verification') }))).status).toBe(202);
    }
    vi.setSystemTime(Date.now() + 500_000);
    expect(one.state()).toBe('heard');
    expect(await one.call(bob)).toBe(200);
  });

  test('an instance that starts knows that the transmitter has been silent for long', async () => {
    const as = await startAuthorizationServer(world);
    const transmitter = await TestTransmitter.start(world);
    const redis = new RedisLogDouble();
    const start = async () => {
      const store = new RedisRevocationStore(redis.client('redis'), { create: true });
      const rules = { options: { revocations: { store } }, transmitter: { maxSilence: 600 } };
      const api = await startSignalApi(world, platform, { as, transmitter }, rules);
      const state = (): string | undefined =>
        api.app.get(SharedSignals, { strict: false }).health()[0]?.state;
      return { ...api, state };
    };
    const one = await start();
    expect(one.state()).toBe('heard');
    expect((await one.push(await transmitter.set({ type: ssf('verification') }))).status).toBe(202);
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 610_000 });
    const other = await start();
    expect([one.state(), other.state()]).toEqual(['silent', 'silent']);
    expect((await one.push(await transmitter.set({ type: ssf('verification') }))).status).toBe(202);
    await eventually(() => other.state() === 'heard');
  });
});

function nowInSeconds(): number {
  return Math.floor(Date.now() / 1000);
}
