import { SharedSignals } from 'nestjs-cert-bound-auth/shared-signals';
import { type AuthorizationServerOptions, CertBoundAuthHealthIndicator } from 'nestjs-cert-bound-auth';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { caep, ssf } from '../../support/event-types.js';
import { startIntrospectionEndpoint } from '../../support/introspection-endpoint.js';
import { type Platform, PLATFORMS } from '../../support/platforms.js';
import { type SignalApi, startSignalApi } from '../../support/signal-api.js';
import { type SetOptions, TestTransmitter } from '../../support/transmitter.js';
import { API_CLIENT, createWorld, startAuthorizationServer } from '../../support/world.js';

const world = await createWorld();
afterEach(() => {
  vi.useRealTimers();
});

interface Scene extends SignalApi {
  /** A call with a token that lives long enough. */
  readonly answer: () => Promise<number>;
  readonly say: (options: SetOptions) => Promise<number>;
  readonly state: () => string | undefined;
  readonly health: () => object;
}

async function stage(
  platform: Platform,
  transmitterOptions: object,
  server: Partial<AuthorizationServerOptions> = {},
): Promise<Scene> {
  const as = await startAuthorizationServer(world);
  const transmitter = await TestTransmitter.start(world);
  const api = await startSignalApi(
    world,
    platform,
    { as, transmitter },
    { server, transmitter: transmitterOptions },
  );
  const token = await as.accessToken({ certificate: world.client1, subject: 'alice', lifetime: 7_000 });
  return {
    ...api,
    answer: async () => api.call(token),
    say: async (options) => (await api.push(await transmitter.set(options))).status,
    health: () => api.app.get(CertBoundAuthHealthIndicator).isHealthy('auth').auth,
    state: () => api.app.get(SharedSignals, { strict: false }).health()[0]?.state,
  };
}

/** Moves the clock, which nobody waits for. @param by seconds */
function pass(by: number): void {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + by * 1_000 });
}

const VERIFICATION = { type: ssf('verification'), subject: { format: 'opaque', id: 'stream' } };
const update = (status: string): SetOptions => ({
  type: ssf('stream-updated'),
  event: { status },
  subject: { format: 'opaque', id: 'stream' },
});

describe.each(PLATFORMS)('a transmitter that is not heard, on %s', (platform) => {
  test('no news for longer than maxSilence is 503, until any event comes that was written since', async () => {
    const { answer, say, state, health } = await stage(platform, { maxSilence: 600 });
    expect([await answer(), state()]).toEqual([200, 'heard']);
    expect(health()).toMatchObject({ status: 'up', revocations: { state: 'current' } });
    const old = Math.floor(Date.now() / 1000);
    pass(590);
    expect(await answer()).toBe(200);
    pass(20);
    expect([await answer(), state()]).toEqual([503, 'silent']);
    expect(health()).toMatchObject({
      status: 'up',
      warning: expect.stringContaining('is silent, which says what is revoked') as unknown,
      revocations: { state: 'unheard' },
    });
    expect(await say({ ...VERIFICATION, claims: { iat: old } })).toBe(202);
    expect(await answer()).toBe(503);
    expect(await say(VERIFICATION)).toBe(202);
    expect([await answer(), state()]).toEqual([200, 'heard']);
    pass(610);
    expect(await say({ type: caep('session-presented') })).toBe(202);
    expect(await answer()).toBe(200);
  });

  test('events that are refused do not count as heard', async () => {
    const { answer, say } = await stage(platform, { maxSilence: 600 });
    pass(610);
    expect(await say({ ...VERIFICATION, fault: 'foreign-key' })).toBe(400);
    expect(await say({ ...VERIFICATION, event: { state: 'not asked for' } })).toBe(400);
    expect(await answer()).toBe(503);
  });

  test.each(['paused', 'disabled'])(
    'a stream that its transmitter says is %s counts for nothing until it is enabled again',
    async (status) => {
      const { answer, say, state } = await stage(platform, {});
      expect(await say(update(status))).toBe(202);
      expect([await answer(), state()]).toEqual([503, 'stopped']);
      pass(100_000);
      expect(state()).toBe('stopped');
      pass(-100_000 + 2);
      expect(await say(update('enabled'))).toBe(202);
      expect([await answer(), state()]).toEqual([200, 'heard']);
    },
  );

  test('a server with introspection is asked in its place, and says what is revoked', async () => {
    let active = true;
    const asked: string[] = [];
    const endpoint = await startIntrospectionEndpoint(world, (token, response) => {
      asked.push(token);
      const [, payload = ''] = token.split('.');
      const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as object;
      response
        .writeHead(200, { 'content-type': 'application/json' })
        .end(JSON.stringify(active ? { active, ...claims } : { active }));
    });
    const { answer, say } = await stage(
      platform,
      { maxSilence: 600 },
      { introspection: { endpoint, clientAuthentication: API_CLIENT } },
    );
    expect([await answer(), asked.length]).toEqual([200, 0]);
    pass(610);
    expect([await answer(), asked.length]).toEqual([200, 1]);
    active = false;
    expect([await answer(), asked.length]).toEqual([401, 2]);
    expect(await say(VERIFICATION)).toBe(202);
    expect([await answer(), asked.length]).toEqual([200, 2]);
  });

  test('an app that says so carries on, and its health tells all the same', async () => {
    const { answer, state } = await stage(platform, { maxSilence: 600, onSilence: 'carry-on' });
    pass(610);
    expect([await answer(), state()]).toEqual([200, 'silent']);
  });
});
