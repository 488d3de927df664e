import { Controller, Get } from '@nestjs/common';
import { afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import type { TestAuthorizationServer } from 'nestjs-cert-bound-auth/testing';
import type { RemoteIntrospectionOptions } from 'nestjs-cert-bound-auth';
import { eventually } from '../support/eventually.js';
import { type Platform, PLATFORMS } from '../support/platforms.js';
import { RecordingLogger } from '../support/recording-logger.js';
import { clientOf, createWorld, startApi, startAuthorizationServer, type World } from '../support/world.js';

@Controller()
class Routes {
  @Get() get(): string {
    return 'ok';
  }
}

let world: World;
beforeAll(async () => {
  world = await createWorld();
});

let log: RecordingLogger;
afterEach(() => {
  vi.useRealTimers();
  log.lines.length = 0;
});

const SECRET = { method: 'client_secret_basic', clientId: 'api', clientSecret: 'api-secret' } as const;

interface Api {
  readonly as: TestAuthorizationServer;
  /** Calls with this token, or with one that has not been seen. */
  readonly call: (token?: string) => Promise<{ readonly status: number; readonly retryAfter: number }>;
}

async function start(
  platform: Platform,
  clientAuthentication: RemoteIntrospectionOptions['clientAuthentication'] = SECRET,
): Promise<Api> {
  log = new RecordingLogger();
  const as = await startAuthorizationServer(world);
  const introspection = { clientAuthentication, cache: {} };
  const authorizationServers = [{ issuer: as.issuer, tls: { ca: world.ca.cert }, introspection }];
  const app = await startApi(world, platform, as, [Routes], {
    options: { authorizationServers },
    logger: log,
  });
  return {
    as,
    call: async (token = as.opaqueToken({ certificate: world.client1 })) => {
      const { status, headers } = await clientOf(app, world, world.client1, token).get('/');
      return { status, retryAfter: Number(headers['retry-after']) };
    },
  };
}

const changes = (): readonly string[] =>
  log.ours
    .map(({ level, text }) => `${level}: ${text}`)
    .filter((line) => /: introspection (has|answers)/.test(line));

describe.each(PLATFORMS)('an introspection endpoint on %s', (platform) => {
  test('INV3: an endpoint that fails again and again is spared, and is asked again when it may be well', async () => {
    const { as, call } = await start(platform);
    const known = as.opaqueToken({ certificate: world.client1 });
    expect((await call(known)).status).toBe(200);

    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() });
    as.behave('introspection', { status: 503 });
    for (let i = 0; i < 5; i++) expect((await call()).status).toBe(503);
    // Beside the known token: five of callers, and one that nobody has sent.
    await eventually(async () => changes().length === 1);
    const asked = as.count('introspection');
    expect(asked).toBe(1 + 5 + 1);
    for (let i = 0; i < 5; i++) expect(await call()).toEqual({ status: 503, retryAfter: 1 });
    expect(as.count('introspection')).toBe(asked);
    expect((await call(known)).status).toBe(200);

    as.behave('introspection', 'normal');
    vi.setSystemTime(Date.now() + 1_000);
    expect((await call()).status).toBe(200);
    expect(as.count('introspection')).toBe(asked + 1);
    expect(changes()).toEqual([
      expect.stringMatching(
        `^warn: introspection has failed 5 times in a row.*issuer=${as.issuer}.*status 503`,
      ),
      `log: introspection answers again: issuer=${as.issuer}`,
    ]);
  });

  test('INV3: an endpoint that refuses us shows our mistake, so it is 503, an error in the log, and is still asked', async () => {
    const wrong = { ...SECRET, clientSecret: 'wrong' };
    const { as, call } = await start(platform, wrong);
    for (let i = 0; i < 10; i++) expect((await call()).status).toBe(503);
    expect(as.count('introspection')).toBe(10);
    const errors = log.ours.filter(({ level }) => level === 'error').map(({ text }) => text);
    expect(errors).toHaveLength(10);
    for (const text of errors) expect(text).toContain('reason=authorization_server_refused_client');
    expect(changes()).toEqual([]);
  });

  test.each([400, 403])(
    'INV3: an endpoint that answers %i without a word about the token is not spared either',
    async (status) => {
      const { as, call } = await start(platform);
      as.behave('introspection', { status });
      for (let i = 0; i < 6; i++) expect((await call()).status).toBe(503);
      expect(as.count('introspection')).toBe(6);
      as.behave('introspection', 'normal');
      expect((await call()).status).toBe(200);
    },
  );
});
