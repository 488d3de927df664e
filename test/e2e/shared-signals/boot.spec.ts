import { Inject, Injectable, Module } from '@nestjs/common';
import {
  CertBoundAuthModule,
  type CertBoundAuthOptions,
  ForwardAuthModule,
  TokenRevocations,
} from 'nestjs-cert-bound-auth';
import {
  SharedSignals,
  SharedSignalsModule,
  type SharedSignalsOptions,
} from 'nestjs-cert-bound-auth/shared-signals';
import { CertBoundAuthTestingModule, type TestAuthorizationServer } from 'nestjs-cert-bound-auth/testing';
import { describe, expect, test } from 'vitest';
import { caep } from '../../support/event-types.js';
import { PLATFORMS, startApp } from '../../support/platforms.js';
import { push, RECEIVER, TestTransmitter } from '../../support/transmitter.js';
import {
  AUDIENCE,
  clientOf,
  createWorld,
  startAuthorizationServer,
  tlsOf,
  whenOver,
} from '../../support/world.js';

const world = await createWorld();
const tls = { ca: world.ca.cert };

function authOptions({
  issuer,
}: TestAuthorizationServer): Pick<CertBoundAuthOptions, 'audience' | 'authorizationServers' | 'revocations'> {
  return { audience: AUDIENCE, authorizationServers: [{ issuer, tls }], revocations: {} } as const;
}

function signalOptions(
  { issuer }: TestAuthorizationServer,
  transmitter: TestTransmitter,
): SharedSignalsOptions {
  return {
    path: '/signals',
    transmitters: [
      {
        issuer: transmitter.issuer,
        audience: RECEIVER,
        delivery: 'push',
        subjects: { issuers: { [issuer]: issuer } },
        tls,
      },
    ],
  };
}

const MODULE = { path: '/auth', trustedProxies: ['loopback'], policies: { all: {} } };

describe.each(PLATFORMS)('an app that listens to transmitters, on %s', (platform) => {
  const start = async (...imports: readonly object[]) => {
    class App {}
    const app = await startApp(platform, { module: App, imports }, tlsOf(world));
    whenOver(async () => app.close());
    return app;
  };

  test('its options may come from a factory, and its health is there for other modules', async () => {
    const as = await startAuthorizationServer(world);
    const transmitter = await TestTransmitter.start(world);
    @Injectable()
    class Operations {
      constructor(@Inject(SharedSignals) readonly signals: SharedSignals) {}
    }
    @Module({
      imports: [SharedSignalsModule.forRootAsync({ useFactory: async () => signalOptions(as, transmitter) })],
      providers: [Operations],
    })
    class Feature {}
    const app = await start(Feature, CertBoundAuthModule.forRoot(authOptions(as)));
    expect((await push(app, world, await transmitter.set())).status).toBe(202);
    expect(app.get(Operations, { strict: false }).signals.health()).toEqual([
      { issuer: transmitter.issuer, state: 'heard', lastHeard: expect.any(Number) as unknown },
    ]);
  });

  test('an app with forward auth alone refuses what it hears as well', async () => {
    const as = await startAuthorizationServer(world);
    const transmitter = await TestTransmitter.start(world);
    const app = await start(
      ForwardAuthModule.forRoot({
        ...authOptions(as),
        ...MODULE,
        binding: 'if-bound',
      }),
      SharedSignalsModule.forRoot(signalOptions(as, transmitter)),
    );
    const token = await as.accessToken({ subject: 'alice' });
    const ask = async (): Promise<number> =>
      (await clientOf(app, world, undefined, token).get('/auth/all')).status;
    expect(await ask()).toBe(200);
    const subject = { format: 'iss_sub', iss: as.issuer, sub: 'alice' };
    const set = await transmitter.set({ type: caep('session-revoked'), subject });
    expect((await push(app, world, set)).status).toBe(202);
    expect(await ask()).toBe(401);
  });

  test('a test of the app with a stand-in for its callers starts, and asks no transmitter', async () => {
    const as = await startAuthorizationServer(world);
    const transmitter = await TestTransmitter.start(world);
    const { transmitters } = signalOptions(as, transmitter);
    const signals = SharedSignalsModule.forRoot({
      transmitters: (transmitters ?? []).map((each) => ({
        ...each,
        delivery: 'poll',
        endpoint: transmitter.pollEndpoint,
      })),
    });
    const app = await start(CertBoundAuthTestingModule.as({ subject: 'alice' }), signals);
    expect(app.get(SharedSignals, { strict: false }).health()).toEqual([]);
    await app.close();
    expect(transmitter.asked).toEqual([]);
  });

  test('tenants that the app names later may have events too', async () => {
    const as = await startAuthorizationServer(world);
    const transmitter = await TestTransmitter.start(world);
    const auth = CertBoundAuthModule.forRoot({
      audience: AUDIENCE,
      authorizationServers: [],
      resolveAuthorizationServer: () => undefined,
      revocations: {},
    });
    const app = await start(auth, SharedSignalsModule.forRoot(signalOptions(as, transmitter)));
    expect((await push(app, world, await transmitter.set())).status).toBe(202);
    expect(app.get(TokenRevocations)).toBeDefined();
  });

  test('an app does not start without options, without a list of revoked tokens, or with two', async () => {
    const as = await startAuthorizationServer(world);
    const transmitter = await TestTransmitter.start(world);
    const signals = SharedSignalsModule.forRoot(signalOptions(as, transmitter));
    const auth = CertBoundAuthModule.forRoot(authOptions(as));
    await expect(start(SharedSignalsModule, auth)).rejects.toThrow('import SharedSignalsModule.forRoot');
    await expect(start(SharedSignalsModule.forRoot(undefined as never), auth)).rejects.toThrow(
      'give at least one, or backChannelLogout',
    );
    await expect(start(signals)).rejects.toThrow('the option revocations: {}');
    const proxied = (path: string) =>
      ForwardAuthModule.forRoot({ ...authOptions(as), ...MODULE, path, binding: 'if-bound' });
    await expect(start(signals, proxied('/one'), proxied('/two'))).rejects.toThrow('a list of their own');
  });
});
