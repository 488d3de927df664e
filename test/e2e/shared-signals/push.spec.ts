import { type CanActivate, Controller, Get, Injectable, Sse } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { connect } from 'node:tls';
import type { AddressInfo } from 'node:net';
import {
  describeEntrances,
  type RevocationEntry,
  type RevocationStore,
  TokenRevocations,
} from 'nestjs-cert-bound-auth';
import type { Signal } from 'nestjs-cert-bound-auth/shared-signals';
import { interval, map, type Observable } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { caep, ssf } from '../../support/event-types.js';
import { eventually } from '../../support/eventually.js';
import { openEvents } from '../../support/open-events.js';
import { PLATFORMS } from '../../support/platforms.js';
import { type SignalApi, type SignalApiOptions, startSignalApi } from '../../support/signal-api.js';
import { type Answered, RECEIVER, type SetOptions, TestTransmitter } from '../../support/transmitter.js';
import { createWorld, startAuthorizationServer } from '../../support/world.js';
import type { Platform } from '../../support/platforms.js';
import type { TestAuthorizationServer } from 'nestjs-cert-bound-auth/testing';

const world = await createWorld();

interface Scene extends SignalApi {
  readonly as: TestAuthorizationServer;
  readonly transmitter: TestTransmitter;
  /** A token of alice, which the app knows already. */
  readonly token: string;
  /** A security event that ends what alice has. */
  readonly revocation: (options?: SetOptions) => Promise<string>;
}

async function stage(platform: Platform, options?: SignalApiOptions): Promise<Scene> {
  const as = await startAuthorizationServer(world);
  const transmitter = await TestTransmitter.start(world);
  const api = await startSignalApi(world, platform, { as, transmitter }, options);
  const token = await as.accessToken({ certificate: world.client1, subject: 'alice' });
  const subject = { format: 'iss_sub', iss: as.issuer, sub: 'alice' };
  return {
    ...api,
    as,
    transmitter,
    token,
    revocation: async (more) => transmitter.set({ type: caep('session-revoked'), subject, ...more }),
  };
}

const ACCEPTED = { status: 202, body: '' };

/** An answer of RFC 8935 §2.3. */
function refusedWith(err: string): object {
  return {
    status: 400,
    headers: expect.objectContaining({
      'content-type': 'application/json',
      'content-language': 'en',
      'cache-control': 'no-store',
    }) as unknown,
    body: expect.stringMatching(new RegExp(`^\\{"err":"${err}","description":"[^"]+"\\}$`)) as unknown,
  };
}

@Controller()
class EventsController {
  @Get() ping(): string {
    return 'pong';
  }
  @Sse('events') events(): Observable<object> {
    return interval(5).pipe(map((count) => ({ data: { count } })));
  }
}

@Injectable()
class NobodyGuard implements CanActivate {
  canActivate(): boolean {
    return false;
  }
}

describe.each(PLATFORMS)('events that a transmitter pushes, on %s', (platform) => {
  test('RFC8935-2.2: a revoked subject is refused on its next request after the 202, whose body is empty', async () => {
    const { call, push, token, revocation, as } = await stage(platform);
    const other = await as.accessToken({ certificate: world.client1, subject: 'bob' });
    expect([await call(token), await call(other)]).toEqual([200, 200]);
    const answer = await push(await revocation());
    expect(answer).toMatchObject(ACCEPTED);
    expect(answer.headers).toMatchObject({ 'content-length': '0', 'cache-control': 'no-store' });
    expect([await call(token), await call(other)]).toEqual([401, 200]);
  });

  test('INV12: streams of a revoked subject end within a second after the 202', async () => {
    const { app, push, token, revocation } = await stage(platform, { controllers: [EventsController] });
    const stream = await openEvents(app, world, token);
    expect(await push(await revocation())).toMatchObject(ACCEPTED);
    await eventually(() => stream.complete, 3_000);
  });

  test('the endpoint answers in an app that protects everything, whatever its prefix, guards, pages and versions', async () => {
    const { app, call, push, token, revocation } = await stage(platform, {
      options: { allowedOrigins: ['https://app.example.com'] },
      providers: [{ provide: APP_GUARD, useClass: NobodyGuard }],
      configure: (made) => {
        made.setGlobalPrefix('api');
        made.enableCors();
        made.enableVersioning();
      },
    });
    const known = describeEntrances(app).find(({ name }) => name === '/signals');
    expect(known).toMatchObject({ kind: 'path', access: 'public' });
    expect(await push(await revocation())).toMatchObject(ACCEPTED);
    for (const path of ['/signals/', '/signals/x', '/api/signals', '/Signals', '/%73ignals'])
      expect((await push(await revocation(), { path })).status).toBeGreaterThan(400);
    expect((await push(await revocation(), { path: '/signals?x=1' })).status).toBe(202);
    expect(await call(token)).toBeGreaterThan(400);
  });

  test('RFC8935-2.2: a token that comes twice is answered as if it were new, and the app is told of it once', async () => {
    const told: Signal[] = [];
    const { push, revocation, transmitter, as } = await stage(platform, {
      signals: { onSignal: (signal) => told.push(signal) },
    });
    const [set, again] = [
      await revocation({ claims: { jti: 'one' } }),
      await revocation({ claims: { jti: 'one' } }),
    ];
    for (const each of [set, set, again]) expect(await push(each)).toMatchObject(ACCEPTED);
    expect(told).toEqual([
      {
        transmitter: transmitter.issuer,
        tokenId: 'one',
        issuedAt: expect.any(Number) as unknown,
        type: caep('session-revoked'),
        subject: { format: 'iss_sub', iss: as.issuer, sub: 'alice' },
        event: {},
        hasEffect: true,
      },
    ]);
  });

  test('events that no token is concerned by are for the app alone, which can have them sent again', async () => {
    const told: string[] = [];
    const { push, transmitter } = await stage(platform, {
      signals: {
        onSignal: async ({ type, hasEffect }) => {
          told.push(`${type} ${hasEffect}`);
          if (told.length === 1) throw new Error('its database is down');
        },
      },
    });
    const set = await transmitter.set({ type: 'https://schemas.example.com/own', subject: { format: 'x' } });
    const answer = await push(set);
    expect(answer).toMatchObject({ status: 503, body: '' });
    expect(answer.headers['retry-after']).toBe('5');
    expect(await push(set)).toMatchObject(ACCEPTED);
    expect(told).toEqual(Array.from({ length: 2 }, () => 'https://schemas.example.com/own false'));
  });

  test('INV3: nothing is acknowledged that the store has not kept, and it is kept when it comes again', async () => {
    const kept: RevocationEntry[] = [];
    let isDown = true;
    const store: RevocationStore = {
      follow: () => ({
        currentUntil: Infinity,
        problem: undefined,
        start: async () => undefined,
        close: () => undefined,
        keep: async (entries) => {
          if (isDown) throw new Error('it is down');
          kept.push(...entries);
          return entries;
        },
      }),
    };
    const { push, call, token, revocation } = await stage(platform, { options: { revocations: { store } } });
    const set = await revocation();
    expect((await push(set)).status).toBe(503);
    expect(await call(token)).toBe(200);
    isDown = false;
    expect(await push(set)).toMatchObject(ACCEPTED);
    expect(kept.filter(({ kind }) => kind === 'revoke')).toHaveLength(1);
    expect(await call(token)).toBe(401);
  });

  test('SSF1-4.1.5: the keys come from the metadata of the transmitter, also with a path, and new ones are found', async () => {
    const as = await startAuthorizationServer(world);
    const transmitter = await TestTransmitter.start(world, '/tenants/1');
    const api = await startSignalApi(world, platform, { as, transmitter });
    expect(await api.push(await transmitter.set())).toMatchObject(ACCEPTED);
    expect(transmitter.asked).toEqual(['/.well-known/ssf-configuration/tenants/1', '/jwks']);
    transmitter.rotate();
    expect(await api.push(await transmitter.set())).toMatchObject(ACCEPTED);
  });

  test.each([
    ['no metadata', '/.well-known/ssf-configuration', { status: 404 }],
    ['metadata of somebody else', '/.well-known/ssf-configuration', { status: 200, body: '{"issuer":"x"}' }],
    ['no keys', '/jwks', { status: 500 }],
  ])(
    'INV3: a transmitter with %s is asked to send again, and nothing is believed',
    async (_, path, answer) => {
      const { push, call, token, revocation, transmitter } = await stage(platform);
      transmitter.answers.set(path, answer);
      expect(await push(await revocation())).toMatchObject({ status: 503, body: '' });
      expect(await call(token)).toBe(200);
      transmitter.answers.clear();
      await eventually(async () => (await push(await revocation())).status === 202);
      expect(await call(token)).toBe(401);
    },
  );

  test('INV3: metadata without keys is an outage, and keys by jwksUri need no metadata', async () => {
    const { push, revocation, transmitter } = await stage(platform);
    transmitter.metadata = { jwks_uri: undefined };
    expect((await push(await revocation())).status).toBe(503);
    const as = await startAuthorizationServer(world);
    transmitter.speakAs(as.issuer);
    const other = await startSignalApi(
      world,
      platform,
      { as, transmitter },
      { transmitter: { jwksUri: transmitter.jwksUri, subjects: undefined } },
    );
    const token = await as.accessToken({ certificate: world.client1, subject: 'alice' });
    const subject = { format: 'iss_sub', iss: as.issuer, sub: 'alice' };
    const set = await transmitter.set({ type: caep('session-revoked'), subject });
    expect(await other.push(set)).toMatchObject(ACCEPTED);
    expect(await other.call(token)).toBe(401);
  });

  test('SSF1-3.6: an event whose subject has a critical member that is not understood does nothing', async () => {
    const { push, call, token, revocation, transmitter, as } = await stage(platform);
    transmitter.metadata = { critical_subject_members: ['device', 7, 'session'] };
    const user = { format: 'iss_sub', iss: as.issuer, sub: 'alice' };
    const device = { format: 'opaque', id: 'laptop' };
    const session = { format: 'email', email: 'no@session.example' };
    for (const subject of [
      { format: 'complex', user, device },
      { format: 'complex', user, session },
    ]) {
      expect(await push(await revocation({ subject }))).toMatchObject(ACCEPTED);
      expect(await call(token)).toBe(200);
    }
    const tenant = { format: 'opaque', id: 'bank' };
    expect(await push(await revocation({ subject: { format: 'complex', user, tenant } }))).toMatchObject(
      ACCEPTED,
    );
    expect(await call(token)).toBe(401);
  });

  test('subjects that no token names are found by the app, which may name its own issuers alone', async () => {
    const asked: unknown[] = [];
    let found: unknown;
    const { push, call, token, revocation, as } = await stage(platform, {
      transmitter: (server: TestAuthorizationServer) => ({
        subjects: {
          issuers: { [server.issuer]: server.issuer },
          find: async (subject: object) => {
            asked.push(subject);
            return found;
          },
        },
      }),
    });
    const email = { format: 'email', email: 'Alice@example.com' };
    expect(await push(await revocation({ subject: email }))).toMatchObject(ACCEPTED);
    expect(await call(token)).toBe(200);
    for (const wrong of [{ issuer: 'https://x.example', subject: 'alice' }, { issuer: as.issuer }]) {
      found = wrong;
      expect((await push(await revocation({ subject: email }))).status).toBe(503);
    }
    found = { issuer: as.issuer, subject: 'alice' };
    expect(await push(await revocation({ subject: email }))).toMatchObject(ACCEPTED);
    expect(await call(token)).toBe(401);
    expect(asked).toEqual(Array.from({ length: 4 }, () => email));
  });

  test('SSF1-8.1.4: a state is accepted that was asked for, and no other', async () => {
    const { push, transmitter } = await stage(platform, {
      transmitter: { verifyState: async (state: string) => state === 'mine' },
    });
    const verification = async (event: object): Promise<Answered> =>
      push(
        await transmitter.set({
          type: ssf('verification'),
          event,
          subject: { format: 'opaque', id: 'stream' },
        }),
      );
    expect(await verification({ state: 'mine' })).toMatchObject(ACCEPTED);
    expect(await verification({})).toMatchObject(ACCEPTED);
    for (const state of ['other', 1, null])
      expect(await verification({ state })).toMatchObject(refusedWith('invalid_state'));
  });

  test('SSF1-6.1: the header Authorization must be what was agreed upon, exactly', async () => {
    const { push, call, token, revocation } = await stage(platform, {
      transmitter: { authorizationHeader: 'Bearer secret' },
    });
    for (const authorization of [
      undefined,
      '',
      'Bearer',
      'Bearer secre',
      'bearer secret',
      'Bearer secret2',
    ]) {
      const headers = authorization === undefined ? {} : { authorization };
      expect(await push(await revocation(), { headers })).toMatchObject(refusedWith('authentication_failed'));
    }
    expect(await call(token)).toBe(200);
    const headers = { authorization: 'Bearer secret' };
    expect(await push(await revocation(), { headers })).toMatchObject(ACCEPTED);
    expect(await call(token)).toBe(401);
  });

  test('each transmitter has a header of its own, and neither can send by that of the other', async () => {
    const as = await startAuthorizationServer(world);
    const [one, other] = [await TestTransmitter.start(world), await TestTransmitter.start(world)];
    const rules = { audience: RECEIVER, delivery: 'push', tls: { ca: world.ca.cert } } as const;
    const subjects = { issuers: { [as.issuer]: as.issuer } };
    const { push } = await startSignalApi(
      world,
      platform,
      { as, transmitter: one },
      {
        signals: {
          transmitters: [
            { ...rules, subjects, issuer: one.issuer, authorizationHeader: 'Bearer one' },
            { ...rules, subjects, issuer: other.issuer, authorizationHeader: 'Bearer other' },
          ],
        },
      },
    );
    const send = async (set: string, authorization: string): Promise<Answered> =>
      push(set, { headers: { authorization } });
    expect(await send(await one.set(), 'Bearer one')).toMatchObject(ACCEPTED);
    expect(await send(await other.set(), 'Bearer other')).toMatchObject(ACCEPTED);
    expect(await send(await one.set(), 'Bearer other')).toMatchObject(refusedWith('authentication_failed'));
    const asOther = await one.set({ claims: { iss: other.issuer } });
    expect(await send(asOther, 'Bearer other')).toMatchObject(refusedWith('invalid_key'));
  });

  test('RFC8935-2.1: nothing but POST is allowed, and what is too large or never ends is not read', async () => {
    const { app, push, revocation } = await stage(platform);
    for (const method of ['GET', 'PUT', 'OPTIONS', 'DELETE'])
      expect(await push('', { method })).toMatchObject({ status: 405, headers: { allow: 'POST' } });
    const tooLarge = { status: 413, body: expect.stringContaining('invalid_request') as unknown };
    expect(await push('x'.repeat(70_000))).toMatchObject(tooLarge);
    expect(await pushInChunks(app.getHttpServer().address() as AddressInfo, 70_000)).toContain(' 413 ');
    expect(await push(await revocation())).toMatchObject(ACCEPTED);
  });
});

/** Sends a body of unknown length. */
async function pushInChunks({ port }: AddressInfo, size: number): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1', ca: world.ca.cert });
  let answer = '';
  socket.on('data', (chunk: Buffer) => (answer += chunk.toString()));
  socket.on('error', () => undefined);
  const type = 'Content-Type: application/secevent+jwt';
  socket.write(`POST /signals HTTP/1.1\r\nHost: x\r\n${type}\r\nTransfer-Encoding: chunked\r\n\r\n`);
  for (let sent = 0; sent < size; sent += 1_000) socket.write(`3e8\r\n${'x'.repeat(1_000)}\r\n`);
  await eventually(() => answer.includes('\r\n\r\n'));
  socket.destroy();
  return answer;
}

const nowInSeconds = (): number => Math.floor(Date.now() / 1000);

interface HostileRow {
  readonly err: string;
  readonly set: (scene: Scene) => Promise<string>;
  readonly headers?: Readonly<Record<string, string>>;
}

const HOSTILE: Readonly<Record<string, HostileRow>> = {
  'the key of somebody else': {
    err: 'authentication_failed',
    set: async ({ revocation }) => revocation({ fault: 'foreign-key' }),
  },
  'no signature': { err: 'invalid_key', set: async ({ revocation }) => revocation({ fault: 'unsigned' }) },
  'a claim changed afterwards': {
    err: 'authentication_failed',
    set: async ({ revocation }) => revocation({ fault: 'tampered' }),
  },
  'a key that nobody has published': {
    err: 'invalid_key',
    set: async ({ revocation }) => revocation({ header: { kid: 'other' } }),
  },
  'an access token': { err: 'invalid_issuer', set: async ({ token }) => token },
  'the issuer of somebody else': {
    err: 'invalid_issuer',
    set: async ({ revocation, as }) => revocation({ claims: { iss: as.issuer } }),
  },
  'no issuer': {
    err: 'invalid_issuer',
    set: async ({ revocation }) => revocation({ claims: { iss: undefined } }),
  },
  'another audience': {
    err: 'invalid_audience',
    set: async ({ revocation }) => revocation({ claims: { aud: ['https://other.example.com', 7] } }),
  },
  'no audience': {
    err: 'invalid_audience',
    set: async ({ revocation }) => revocation({ claims: { aud: undefined } }),
  },
  'the type of an access token': {
    err: 'invalid_request',
    set: async ({ revocation }) => revocation({ header: { typ: 'at+jwt' } }),
  },
  'no type': {
    err: 'invalid_request',
    set: async ({ revocation }) => revocation({ header: { typ: undefined } }),
  },
  'a type that is no text': {
    err: 'invalid_request',
    set: async ({ revocation }) => revocation({ header: { typ: 7 } }),
  },
  'a header that is critical': {
    err: 'invalid_request',
    set: async ({ revocation }) => revocation({ header: { crit: ['b64'], b64: true } }),
  },
  'a time of expiry': {
    err: 'invalid_request',
    set: async ({ revocation }) => revocation({ claims: { exp: nowInSeconds() + 60 } }),
  },
  'a sub': {
    err: 'invalid_request',
    set: async ({ revocation }) => revocation({ claims: { sub: 'alice' } }),
  },
  'no jti': {
    err: 'invalid_request',
    set: async ({ revocation }) => revocation({ claims: { jti: undefined } }),
  },
  'no iat': {
    err: 'invalid_request',
    set: async ({ revocation }) => revocation({ claims: { iat: undefined } }),
  },
  'an iat in the future': {
    err: 'invalid_request',
    set: async ({ revocation }) => revocation({ claims: { iat: nowInSeconds() + 60 } }),
  },
  'no events': {
    err: 'invalid_request',
    set: async ({ revocation }) => revocation({ claims: { events: undefined } }),
  },
  'not one event': {
    err: 'invalid_request',
    set: async ({ revocation }) => revocation({ claims: { events: {} } }),
  },
  'an event that is no object': {
    err: 'invalid_request',
    set: async ({ revocation }) => revocation({ event: 'revoked' }),
  },
  'no JWT': { err: 'invalid_request', set: async () => '{"iss":"x"}' },
  'a JWT without payload': { err: 'invalid_request', set: async () => 'e30.e30' },
  nothing: { err: 'invalid_request', set: async () => '' },
  'another media type': {
    err: 'invalid_request',
    set: async ({ revocation }) => revocation(),
    headers: { 'content-type': 'application/json' },
  },
  'a coding': {
    err: 'invalid_request',
    set: async ({ revocation }) => revocation(),
    headers: { 'content-encoding': 'gzip' },
  },
};

describe.each(PLATFORMS)('hostile events, on %s', (platform) => {
  test.each(Object.entries(HOSTILE))(
    'RFC8935-2.3: an event with %s is refused, and revokes nothing',
    async (_, { err, set, headers = {} }) => {
      const scene = await stage(platform);
      const answer = await scene.push(await set(scene), { headers });
      expect(answer).toMatchObject(refusedWith(err));
      expect(answer.body).not.toContain('alice');
      expect(await scene.call(scene.token)).toBe(200);
    },
  );

  test.each([
    ['another issuer', { format: 'iss_sub', iss: 'https://other.example.com', sub: 'alice' }],
    ['no issuer', { format: 'iss_sub', sub: 'alice' }],
    ['no name', { format: 'opaque', id: 7 }],
    ['an e-mail address that nobody can look up', { format: 'email', email: 'alice@example.com' }],
    ['a complex subject without members', { format: 'complex' }],
    ['a session without name', { format: 'complex', session: { format: 'opaque' } }],
    ['aliases that are none', { format: 'aliases', identifiers: 'alice' }],
    ['no format', { iss: 'x', sub: 'alice' }],
    ['a list', ['alice']],
    ['nothing', undefined],
  ])('a transmitter speaks for nobody by a subject of %s', async (_, subject) => {
    const { push, call, token, transmitter } = await stage(platform);
    for (const type of ['session-revoked', 'token-claims-change'])
      expect(await push(await transmitter.set({ type: caep(type), subject }))).toMatchObject(ACCEPTED);
    expect(await call(token)).toBe(200);
  });

  test('a security event is no access token, and nothing is said of revocations without the option', async () => {
    const { call, revocation, transmitter, as, app } = await stage(platform);
    expect(await call(await revocation())).toBe(401);
    expect(app.get(TokenRevocations)).toBeDefined();
    const start = startSignalApi(
      world,
      platform,
      { as, transmitter },
      { options: { revocations: undefined } },
    );
    await expect(start).rejects.toThrow('give CertBoundAuthModule, or ForwardAuthModule, the option');
    const nobodys = { subjects: { issuers: { x: 'https://nobody.example.com' } } };
    await expect(
      startSignalApi(world, platform, { as, transmitter }, { transmitter: nobodys }),
    ).rejects.toThrow('which are accepted nowhere');
  });
});
