import type { AddressInfo } from 'node:net';
import {
  type AuthorizationServerOptions,
  AuthorizationServers,
  type IntrospectionCacheOptions,
  type KeyCacheOptions,
  type RemoteIntrospectionOptions,
} from 'nestjs-cert-bound-auth';
import {
  type TestAuthorizationServer,
  TestCertificateAuthority,
  TestDpopClient,
  type TestJwtOptions,
  type TestTokenOptions,
} from 'nestjs-cert-bound-auth/testing';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { RouteGuard } from '../../lib/nest/guards/route.guard.js';
import { PUBLIC_URL, sendDpop, type SendOptions } from '../support/dpop.js';
import { eventually } from '../support/eventually.js';
import {
  KNOWN,
  knownButRefused,
  type KnowingApi,
  NEW,
  type Outcome,
  refusedAnew,
  spoil,
  startKnowingApi,
} from '../support/known-tokens.js';
import { PLATFORMS } from '../support/platforms.js';
import { openClient } from '../support/tls-client.js';
import { API_CLIENT, createWorld, startAuthorizationServer } from '../support/world.js';

const world = await createWorld();
const client = await TestDpopClient.create();
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

/** A JWT bound to client1's certificate. */
const jwt = async (as: TestAuthorizationServer, options: TestJwtOptions = {}): Promise<string> =>
  as.accessToken({ certificate: world.client1, ...options });

/** An opaque token, likewise. */
const opaque = (as: TestAuthorizationServer, options: TestTokenOptions = {}): string =>
  as.opaqueToken({ certificate: world.client1, ...options });

const introspection = (
  cache?: IntrospectionCacheOptions,
  more: Partial<RemoteIntrospectionOptions> = {},
): Partial<AuthorizationServerOptions> => ({
  introspection: {
    clientAuthentication: API_CLIENT,
    ...(cache === undefined ? {} : { cache }),
    ...more,
  },
});

/** Sets the clock, in milliseconds since the epoch; timers run on. */
function setClock(time: number): void {
  vi.useFakeTimers({ toFake: ['Date'], now: time });
}

/** Seconds go by. */
function later(seconds: number): void {
  setClock(Date.now() + seconds * 1000);
}

describe.each(PLATFORMS)('a known token, and the time, on %s', (platform) => {
  /** With keys that never change, so that nothing but the token's own times has an end. */
  const start = async (as: TestAuthorizationServer, maxTokenAge?: number): Promise<KnowingApi> => {
    const jwks = { keys: [as.signingKey.jwk] };
    const rules = maxTokenAge === undefined ? {} : { maxTokenAge };
    return startKnowingApi(world, platform, as, { server: { jwt: { jwks, ...rules } } });
  };

  test('a known token is decided about at once, and nobody waits even for a microtask', async () => {
    const as = await startAuthorizationServer(world);
    const api = await start(as);
    const token = await jwt(as);
    expect(await api.call(token)).toMatchObject(NEW);
    const canActivate = vi.spyOn(RouteGuard.prototype, 'canActivate');
    expect(await api.call(token)).toMatchObject(KNOWN);
    expect(canActivate.mock.results).toEqual([{ type: 'return', value: true }]);
  });

  test('INV5: a known token is refused from exp + clockTolerance on', async () => {
    const as = await startAuthorizationServer(world);
    const api = await start(as);
    const exp = Math.floor(Date.now() / 1000) + 60;
    const token = await jwt(as, { claims: { exp } });
    expect(await api.call(token)).toMatchObject(NEW);
    expect(await api.call(token)).toMatchObject(KNOWN);
    setClock(exp * 1000 + 4_999);
    expect(await api.call(token)).toMatchObject(KNOWN);
    setClock(exp * 1000 + 5_000);
    expect(await api.call(token)).toMatchObject(refusedAnew('token_expired'));
  });

  test('INV5: a known token is refused when it is older than maxTokenAge, with the tolerance', async () => {
    const as = await startAuthorizationServer(world);
    const api = await start(as, 30);
    const iat = Math.floor(Date.now() / 1000);
    const token = await jwt(as, { claims: { iat } });
    expect(await api.call(token)).toMatchObject(NEW);
    setClock(iat * 1000 + 34_999);
    expect(await api.call(token)).toMatchObject(KNOWN);
    setClock(iat * 1000 + 35_001);
    expect(await api.call(token)).toMatchObject(refusedAnew('token_too_old'));
  });

  test('INV5: a known token is refused before nbf and before iat when the clock has been set back', async () => {
    const as = await startAuthorizationServer(world);
    const api = await start(as);
    const now = Math.floor(Date.now() / 1000);
    const token = await jwt(as, { claims: { iat: now - 200, nbf: now - 100 } });
    const issued = await jwt(as, { claims: { iat: now - 100 } });
    for (const each of [token, issued]) expect(await api.call(each)).toMatchObject(NEW);
    setClock((now - 105) * 1000);
    for (const each of [token, issued]) expect(await api.call(each)).toMatchObject(KNOWN);
    setClock((now - 105) * 1000 - 1);
    expect(await api.call(token)).toMatchObject(refusedAnew('token_not_yet_valid'));
    expect(await api.call(issued)).toMatchObject(refusedAnew('token_issued_in_future'));
  });
});

describe.each(PLATFORMS)('a known token, and the key that it was verified with, on %s', (platform) => {
  const start = async (as: TestAuthorizationServer, keyCache: KeyCacheOptions = {}): Promise<KnowingApi> =>
    startKnowingApi(world, platform, as, { server: { keyCache } });

  /** A token that outlives its key, known to the API. */
  const knownTo = async (api: KnowingApi, as: TestAuthorizationServer): Promise<string> => {
    const token = await jwt(as, { lifetime: 10_000 });
    expect(await api.call(token)).toMatchObject(NEW);
    expect(await api.call(token)).toMatchObject(KNOWN);
    return token;
  };

  test('INV5: a known token is refused once the withdrawal of its key has been seen in the background', async () => {
    const as = await startAuthorizationServer(world);
    const api = await start(as, { refreshAfter: 60, maxAge: 600 });
    const token = await knownTo(api, as);
    await as.rotateKeys({ keep: false });
    later(59);
    expect(await api.call(token)).toMatchObject(KNOWN);
    expect(as.count('jwks')).toBe(1);
    later(2);
    // This request makes the API look, and does not wait for it.
    expect(await api.call(token)).toMatchObject(KNOWN);
    await eventually(async () => (await api.call(token)).status === 401);
    expect(await api.call(token)).toMatchObject(refusedAnew('key_unknown'));
  });

  test('INV5: a known token is refused at the latest when the keys are as old as they may be', async () => {
    const as = await startAuthorizationServer(world);
    const api = await start(as, { refreshAfter: 600, maxAge: 600 });
    const token = await knownTo(api, as);
    await as.rotateKeys({ keep: false });
    later(595);
    expect(await api.call(token)).toMatchObject(KNOWN);
    later(6);
    expect(await api.call(token)).toMatchObject(refusedAnew('key_unknown'));
  });

  test('INV5: a known token is refused at once after refreshKeys(), unless its key is still published', async () => {
    const as = await startAuthorizationServer(world);
    const api = await start(as);
    const withdrawn = await knownTo(api, as);
    await as.rotateKeys({ keep: false });
    const kept = await knownTo(api, as);
    await as.rotateKeys();
    const newest = await jwt(as);
    await api.app.get(AuthorizationServers).refreshKeys();
    expect(await api.call(withdrawn)).toMatchObject(refusedAnew('key_unknown'));
    expect(await api.call(kept)).toMatchObject(KNOWN);
    expect(await api.call(newest)).toMatchObject(NEW);
  });

  test('INV5: a known token is refused when another key has come under the same kid', async () => {
    const as = await startAuthorizationServer(world);
    const api = await start(as);
    const token = await knownTo(api, as);
    const { kid } = as.signingKey.jwk;
    await as.rotateKeys({ keep: false });
    const keys = [{ ...as.signingKey.jwk, kid }];
    as.behave('jwks', { status: 200, body: JSON.stringify({ keys }) });
    await api.app.get(AuthorizationServers).refreshKeys();
    expect(await api.call(token)).toMatchObject(refusedAnew('signature_invalid'));
  });

  test('INV5: a known token without kid is refused when the key that signed it is withdrawn', async () => {
    const as = await startAuthorizationServer(world);
    const api = await start(as);
    const token = await jwt(as, { header: { kid: undefined } });
    expect(await api.call(token)).toMatchObject(NEW);
    expect(await api.call(token)).toMatchObject(KNOWN);
    await as.rotateKeys();
    await api.app.get(AuthorizationServers).refreshKeys();
    // There is a key more: it is verified once more, and with that it is known again.
    expect(await api.call(token)).toMatchObject(NEW);
    expect(await api.call(token)).toMatchObject(KNOWN);
    await as.rotateKeys({ keep: false });
    await api.app.get(AuthorizationServers).refreshKeys();
    expect(await api.call(token)).toMatchObject({ status: 401, hit: false });
  });

  test('INV3: a known token gets 503 while the keys are too old and cannot be had', async () => {
    const as = await startAuthorizationServer(world);
    const api = await start(as);
    const token = await knownTo(api, as);
    await as.stop();
    later(599);
    expect(await api.call(token)).toMatchObject(KNOWN);
    later(2);
    const outage = { status: 503, hit: false, reason: 'authorization_server_unreachable' };
    expect(await api.call(token)).toMatchObject(outage);
    expect(await api.call(token)).toMatchObject(outage);
    await as.resume();
    later(30);
    expect(await api.call(token)).toMatchObject(NEW);
    expect(await api.call(token)).toMatchObject(KNOWN);
  });

  test('INV5: a known token passes for staleIfError longer while the keys cannot be had, and no longer', async () => {
    const as = await startAuthorizationServer(world);
    const api = await start(as, { staleIfError: 300 });
    const token = await knownTo(api, as);
    await as.stop();
    later(899);
    expect(await api.call(token)).toMatchObject({ status: 200 });
    later(2);
    expect(await api.call(token)).toMatchObject({ status: 503, hit: false });
  });
});

describe.each(PLATFORMS)('a known token, and who sends it, on %s', (platform) => {
  const known = async (): Promise<{ api: KnowingApi; as: TestAuthorizationServer; token: string }> => {
    const as = await startAuthorizationServer(world);
    const api = await startKnowingApi(world, platform, as);
    const token = await jwt(as);
    expect(await api.call(token)).toMatchObject(NEW);
    return { api, as, token };
  };

  test('RFC8705-1: a known token is refused over a connection with another certificate, time after time', async () => {
    const { api, token } = await known();
    const mismatch = knownButRefused('certificate_mismatch');
    expect(await api.call(token, { certificate: world.client2 })).toMatchObject(mismatch);
    expect(await api.call(token, { certificate: world.client2 })).toMatchObject(mismatch);
    expect(await api.call(token)).toMatchObject(KNOWN);
  });

  test('RFC8705-1: a known token is refused over a connection without a certificate', async () => {
    const { api, token } = await known();
    expect(await api.call(token, { certificate: 'none' })).toMatchObject(
      knownButRefused('certificate_missing'),
    );
  });

  test('RFC8705-1: a token that a thief has made known works for its owner, and never for the thief', async () => {
    const as = await startAuthorizationServer(world);
    const api = await startKnowingApi(world, platform, as);
    const token = await jwt(as);
    expect(await api.call(token, { certificate: world.client2 })).toMatchObject({ status: 401 });
    expect(await api.call(token)).toMatchObject({ status: 200 });
    expect(await api.call(token, { certificate: world.client2 })).toMatchObject(
      knownButRefused('certificate_mismatch'),
    );
  });

  test('RFC8705-1: a known token is refused with a renewed certificate of the same client', async () => {
    const { api, token } = await known();
    const renewed = await world.ca.issueClientCertificate('client1');
    expect(await api.call(token, { certificate: renewed })).toMatchObject(
      knownButRefused('certificate_mismatch'),
    );
  });

  test('INV2: a known token is refused with an untrusted certificate, although it is the right one', async () => {
    const as = await startAuthorizationServer(world);
    const api = await startKnowingApi(world, platform, as);
    const unknownCa = await TestCertificateAuthority.create('Unknown CA');
    const certificate = await unknownCa.issueClientCertificate('client1');
    const token = await jwt(as, { certificate });
    expect(await api.call(token, { certificate })).toMatchObject(refusedAnew('certificate_untrusted'));
    expect(await api.call(token, { certificate })).toMatchObject(knownButRefused('certificate_untrusted'));
  });

  test('INV2: a known token is refused when the certificate expires on a living connection', async () => {
    const as = await startAuthorizationServer(world);
    const api = await startKnowingApi(world, platform, as);
    const notAfter = new Date(Date.now() + 60_000);
    const certificate = await world.ca.issueClientCertificate('client1', { notAfter });
    const authorization = `Bearer ${await jwt(as, { certificate })}`;
    const { port } = (api.app.getHttpServer() as { address(): AddressInfo }).address();
    const { key, cert } = certificate;
    const connection = await openClient({ port, key, cert, ca: world.ca.cert });
    expect(await connection.get('/', { authorization })).toBe(200);
    expect(await connection.get('/', { authorization })).toBe(200);
    later(61);
    expect(await connection.get('/', { authorization })).toBe(401);
    expect(api.decisions.at(-1)).toMatchObject({ cacheHit: true, reason: 'certificate_expired' });
    expect(connection.ended).toBe(false);
  });

  test('INV10: a token is known to the app that has verified it, and to no other in the process', async () => {
    const { api, as, token } = await known();
    const twin = await startKnowingApi(world, platform, as);
    const other = await startKnowingApi(world, platform, as, { options: { audience: 'other' } });
    expect(await twin.call(token)).toMatchObject(NEW);
    for (let time = 0; time < 2; time++) {
      expect(await other.call(token)).toMatchObject(refusedAnew('audience_mismatch'));
    }
    expect(await api.call(token)).toMatchObject(KNOWN);
  });
});

describe.each(PLATFORMS)('a known token, and how it is sent, on %s', (platform) => {
  interface DpopApi extends KnowingApi {
    readonly as: TestAuthorizationServer;
    readonly prove: (token: string, how?: SendOptions) => Promise<Outcome>;
  }
  const start = async (): Promise<DpopApi> => {
    const as = await startAuthorizationServer(world);
    const api = await startKnowingApi(world, platform, as);
    return {
      ...api,
      as,
      prove: async (token, how) => api.outcomeOf(await sendDpop(api.app, world, client, token, how)),
    };
  };

  test('RFC9449-4: a known token bound to a certificate is refused with the scheme DPoP, even with a right proof', async () => {
    const { as, call, prove } = await start();
    const token = await jwt(as);
    expect(await call(token)).toMatchObject(NEW);
    expect(await prove(token, { certificate: world.client1 })).toMatchObject(
      knownButRefused('scheme_mismatch'),
    );
  });

  test('RFC9449-4: a known token bound to a key is refused with the scheme Bearer, even with a right proof', async () => {
    const { as, call, prove } = await start();
    const token = await as.accessToken({ dpop: client });
    expect(await prove(token)).toMatchObject(NEW);
    const { DPoP } = await client.headers({ token, url: `${PUBLIC_URL}/` });
    expect(await call(token, { headers: { DPoP } })).toMatchObject(knownButRefused('scheme_mismatch'));
  });

  test('RFC9449-2: a known token bound to a key is refused without a proof', async () => {
    const { as, call, prove } = await start();
    const token = await as.accessToken({ dpop: client });
    expect(await prove(token)).toMatchObject(NEW);
    expect(await call(token, { headers: { Authorization: `DPoP ${token}` } })).toMatchObject(
      knownButRefused('proof_missing'),
    );
  });

  test('RFC9449-8: a known token bound to a key is refused with a used proof, and passes with the next one', async () => {
    const { as, prove } = await start();
    const token = await as.accessToken({ dpop: client });
    expect(await prove(token, { jti: 'once' })).toMatchObject(NEW);
    expect(await prove(token, { jti: 'once' })).toMatchObject(knownButRefused('proof_replayed'));
    expect(await prove(token, { jti: 'twice' })).toMatchObject(KNOWN);
    expect(await prove(token, { jti: 'twice' })).toMatchObject(knownButRefused('proof_replayed'));
  });

  test('RFC9449-3: a known token bound to a key is refused with a proof by another key, or for another token', async () => {
    const { as, prove } = await start();
    const token = await as.accessToken({ dpop: client });
    const others = await as.accessToken({ dpop: await TestDpopClient.create() });
    expect(await prove(token)).toMatchObject(NEW);
    expect(await prove(token, { fault: 'other-token' })).toMatchObject(
      knownButRefused('proof_token_mismatch'),
    );
    expect(await prove(others)).toMatchObject(refusedAnew('proof_key_mismatch'));
    expect(await prove(others)).toMatchObject(knownButRefused('proof_key_mismatch'));
  });

  test('INV1: a known token bound to a certificate and a key needs both, each time', async () => {
    const { as, prove } = await start();
    const token = await jwt(as, { dpop: client });
    const [certificate, other] = [world.client1, world.client2];
    expect(await prove(token, { certificate })).toMatchObject(NEW);
    expect(await prove(token)).toMatchObject(knownButRefused('certificate_missing'));
    expect(await prove(token, { certificate: other })).toMatchObject(knownButRefused('certificate_mismatch'));
    expect(await prove(token, { certificate, fault: 'other-url' })).toMatchObject({ status: 401, hit: true });
    expect(await prove(token, { certificate })).toMatchObject(KNOWN);
  });
});

describe.each(PLATFORMS)('a known token that was introspected, on %s', (platform) => {
  test('RFC7662-1: a known token is introspected again when its answer is ttl old, and refused if it was revoked', async () => {
    const as = await startAuthorizationServer(world);
    const api = await startKnowingApi(world, platform, as, { server: introspection({ ttl: 10 }) });
    setClock(Date.now());
    const token = opaque(as);
    expect(await api.call(token)).toMatchObject(NEW);
    later(10);
    expect(await api.call(token)).toMatchObject(NEW);
    expect(as.count('introspection')).toBe(2);
    as.revoke(token);
    later(9.999);
    expect(await api.call(token)).toMatchObject(KNOWN);
    expect(as.count('introspection')).toBe(2);
    later(0.001);
    expect(await api.call(token)).toMatchObject(refusedAnew('token_inactive'));
    expect(as.count('introspection')).toBe(3);
  });

  test('INV5: a known token is refused after the exp of its answer, however long answers are kept', async () => {
    const as = await startAuthorizationServer(world);
    const api = await startKnowingApi(world, platform, as, { server: introspection({ ttl: 3600 }) });
    const token = opaque(as, { lifetime: 60 });
    expect(await api.call(token)).toMatchObject(NEW);
    expect(await api.call(token)).toMatchObject(KNOWN);
    later(66);
    expect(await api.call(token)).toMatchObject(refusedAnew('token_expired'));
  });

  test('INV5: a known token is introspected again when other answers have displaced its own', async () => {
    const as = await startAuthorizationServer(world);
    const api = await startKnowingApi(world, platform, as, {
      server: introspection({ ttl: 60, maxEntries: 1 }),
    });
    const [token, other] = [opaque(as), opaque(as)];
    expect(await api.call(token)).toMatchObject(NEW);
    expect(await api.call(token)).toMatchObject(KNOWN);
    expect(await api.call(other)).toMatchObject(NEW);
    as.revoke(token);
    expect(await api.call(token)).toMatchObject(refusedAnew('token_inactive'));
  });

  test('RFC7662-1: a token is introspected on every request where there is no cache', async () => {
    const as = await startAuthorizationServer(world);
    const api = await startKnowingApi(world, platform, as, { server: introspection() });
    const token = opaque(as);
    for (let time = 1; time <= 3; time++) {
      expect(await api.call(token)).toMatchObject(NEW);
      expect(as.count('introspection')).toBe(time);
    }
    as.revoke(token);
    expect(await api.call(token)).toMatchObject(refusedAnew('token_inactive'));
  });

  test('RFC8705-1: a known token is refused over the connection of another certificate without asking anybody', async () => {
    const as = await startAuthorizationServer(world);
    const api = await startKnowingApi(world, platform, as, { server: introspection({}) });
    const token = opaque(as);
    expect(await api.call(token)).toMatchObject(NEW);
    expect(await api.call(token, { certificate: world.client2 })).toMatchObject(
      knownButRefused('certificate_mismatch'),
    );
    expect(as.count('introspection')).toBe(1);
  });

  test('RFC7662-1: nothing is remembered about a token that was refused', async () => {
    const as = await startAuthorizationServer(world);
    const server = introspection({ ttl: 60, negativeTtl: 1 });
    const api = await startKnowingApi(world, platform, as, { server });
    const token = opaque(as, { claims: { active: false } });
    expect(await api.call(token)).toMatchObject(refusedAnew('token_inactive'));
    as.answerIntrospection(token, { active: true, ...claimsOf(await jwt(as)) });
    later(1);
    expect(await api.call(token)).toMatchObject(NEW);
  });
});

describe.each(PLATFORMS)("a known JWT that was introspected too (tokens: 'all'), on %s", (platform) => {
  const start = async (
    cache?: IntrospectionCacheOptions,
  ): Promise<{ api: KnowingApi; as: TestAuthorizationServer; token: string }> => {
    const as = await startAuthorizationServer(world);
    const server = introspection(cache, { tokens: 'all' });
    const api = await startKnowingApi(world, platform, as, { server });
    const token = await jwt(as);
    as.answerIntrospection(token, { active: true, ...claimsOf(token) });
    expect(await api.call(token)).toMatchObject(NEW);
    return { api, as, token };
  };

  test('RFC7662-1: a known JWT is refused when it was revoked and its answer is ttl old', async () => {
    const { api, as, token } = await start({ ttl: 10 });
    as.revoke(token);
    expect(await api.call(token)).toMatchObject(KNOWN);
    later(10);
    expect(await api.call(token)).toMatchObject(refusedAnew('token_inactive'));
  });

  test('INV5: a known JWT is refused when its key is withdrawn, whatever its answer says', async () => {
    const { api, as, token } = await start({ ttl: 60 });
    expect(await api.call(token)).toMatchObject(KNOWN);
    await as.rotateKeys({ keep: false });
    await api.app.get(AuthorizationServers).refreshKeys();
    expect(await api.call(token)).toMatchObject(refusedAnew('key_unknown'));
  });

  test('INV5: a known JWT is refused when its answer ends sooner than the JWT itself', async () => {
    const { api, as } = await start({ ttl: 60 });
    const token = await jwt(as);
    const exp = Math.floor(Date.now() / 1000) + 20;
    as.answerIntrospection(token, { active: true, ...claimsOf(token), exp });
    expect(await api.call(token)).toMatchObject(NEW);
    expect(await api.call(token)).toMatchObject(KNOWN);
    setClock(exp * 1000 + 5_000);
    expect(await api.call(token)).toMatchObject(refusedAnew('token_expired'));
  });

  test('RFC7662-1: a JWT is introspected on every request where there is no cache', async () => {
    const { api, as, token } = await start();
    expect(await api.call(token)).toMatchObject(NEW);
    expect(as.count('introspection')).toBe(2);
    as.revoke(token);
    expect(await api.call(token)).toMatchObject(refusedAnew('token_inactive'));
  });
});

/** The claims of a JWT. */
function claimsOf(token: string): object {
  return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as object;
}

describe.each(PLATFORMS)('a known token, and what it may do, on %s', (platform) => {
  test('RFC6750-1: a known token is refused on each route whose scope it lacks, and passes where it has it', async () => {
    const as = await startAuthorizationServer(world);
    const api = await startKnowingApi(world, platform, as);
    const [without, having] = [await jwt(as, { scope: 'user' }), await jwt(as, { scope: 'user admin' })];
    expect(await api.call(without)).toMatchObject(NEW);
    expect(await api.call(having, { path: '/admin' })).toMatchObject(NEW);
    const lacking = { status: 403, hit: true, reason: 'scope_missing' };
    expect(await api.call(without, { path: '/admin' })).toMatchObject(lacking);
    expect(await api.call(having, { path: '/admin' })).toMatchObject(KNOWN);
    expect(await api.call(without, { path: '/admin' })).toMatchObject(lacking);
    expect(await api.call(without)).toMatchObject(KNOWN);
  });

  test.each(['JWT', 'opaque'])(
    'INV9: a known token is the same on the next request, whatever a handler does to it: %s',
    async (kind) => {
      const as = await startAuthorizationServer(world);
      const api = await startKnowingApi(world, platform, as, { server: introspection({}) });
      const claims = { deep: { list: [{ a: 1 }] } };
      const token =
        kind === 'JWT' ? await jwt(as, { scope: 'a', claims }) : opaque(as, { scope: 'a', claims });
      const { body } = await api.call(token);
      expect(body).toMatchObject({ scopes: ['a'], boundBy: ['certificate'], claims });
      for (let time = 0; time < 2; time++) {
        expect(await api.call(token, { path: '/spoil' })).toMatchObject(KNOWN);
        const next = await api.call(token);
        expect(next).toMatchObject(KNOWN);
        expect(next.body).toEqual(body);
      }
      expect(await api.call(token, { path: '/admin' })).toMatchObject({ status: 403 });
      expect(await api.call(token, { path: '/dpop' })).toMatchObject({ reason: 'binding_insufficient' });
      expect(await api.call(token, { certificate: world.client2 })).toMatchObject({ status: 401 });
    },
  );

  test('INV9: a known token has the scopes and keys that were proved, whatever validate does to it in the same request', async () => {
    const as = await startAuthorizationServer(world);
    const shown: string[] = [];
    const api = await startKnowingApi(world, platform, as, {
      options: {
        validate: (token) => {
          shown.push(JSON.stringify({ ...token, scopes: [...token.scopes] }));
          spoil(token);
          return token;
        },
      },
    });
    const token = await jwt(as, { scope: 'a' });
    for (const hit of [false, true, true]) {
      expect(await api.call(token, { path: '/admin' })).toMatchObject({
        status: 403,
        hit,
        reason: 'scope_missing',
      });
      expect(await api.call(token, { path: '/dpop' })).toMatchObject({
        status: 401,
        hit: true,
        reason: 'binding_insufficient',
      });
    }
    expect(shown).toHaveLength(6);
    expect(new Set(shown).size).toBe(1);
    expect(shown[0]).not.toContain('stolen');
  });

  test('validate is asked about a known token on each request, and may refuse it at any time', async () => {
    const as = await startAuthorizationServer(world);
    const subjects: unknown[] = [];
    const blocked = new Set<unknown>();
    const api = await startKnowingApi(world, platform, as, {
      options: {
        validate: (token) => {
          subjects.push(token.subject);
          return blocked.has(token.subject) ? undefined : token;
        },
      },
    });
    const token = await jwt(as, { subject: 'user-7' });
    expect(await api.call(token)).toMatchObject(NEW);
    expect(await api.call(token)).toMatchObject(KNOWN);
    blocked.add('user-7');
    expect(await api.call(token)).toMatchObject(knownButRefused('user_refused'));
    blocked.clear();
    expect(await api.call(token)).toMatchObject(KNOWN);
    expect(subjects).toEqual(Array.from({ length: 4 }, () => 'user-7'));
  });

  test('INV6: a handler sees the raw token as that request sent it, and only with exposeToken', async () => {
    const as = await startAuthorizationServer(world);
    const open = await startKnowingApi(world, platform, as, { options: { exposeToken: true } });
    const closed = await startKnowingApi(world, platform, as);
    const tokens = [await jwt(as), await jwt(as)];
    for (let time = 0; time < 2; time++) {
      for (const token of tokens) {
        // Compared here, so that no report of a failure holds a token.
        expect((await open.call(token)).body.raw === token).toBe(true);
        expect((await closed.call(token)).body).not.toHaveProperty('raw');
      }
    }
    expect(open.decisions.map(({ cacheHit }) => cacheHit)).toEqual([false, false, true, true]);
  });

  test('a token is known by its own digest, so tokens that differ in one claim are not mixed up', async () => {
    const as = await startAuthorizationServer(world);
    const api = await startKnowingApi(world, platform, as);
    const subjects = ['one', 'two', 'three'];
    const tokens = await Promise.all(subjects.map(async (subject) => jwt(as, { subject })));
    for (const expected of [NEW, KNOWN]) {
      const outcomes = await Promise.all(tokens.map(async (token) => api.call(token)));
      expect(outcomes.map(({ body }) => body.subject)).toEqual(subjects);
      expect(api.decisions.slice(-3).map(({ cacheHit }) => cacheHit)).toEqual(
        subjects.map(() => expected.hit),
      );
    }
    const [head, payload, signature] = tokens.map((token) => token.split('.'));
    const mixed = [head?.[0], payload?.[1], signature?.[2]].join('.');
    expect(await api.call(mixed)).toMatchObject(refusedAnew('signature_invalid'));
  });
});

describe.each(PLATFORMS)('the option tokenCache on %s', (platform) => {
  test('tokenCache: false remembers nothing, and every token is verified each time', async () => {
    const as = await startAuthorizationServer(world);
    const api = await startKnowingApi(world, platform, as, {
      server: introspection({}),
      options: { tokenCache: false },
    });
    for (const token of [await jwt(as), opaque(as)]) {
      for (let time = 0; time < 3; time++) expect(await api.call(token)).toMatchObject(NEW);
      expect(await api.call(token, { certificate: world.client2 })).toMatchObject(
        refusedAnew('certificate_mismatch'),
      );
    }
  });

  test('maxEntries bounds the cache, and the least recently used token is verified again', async () => {
    const as = await startAuthorizationServer(world);
    const api = await startKnowingApi(world, platform, as, { options: { tokenCache: { maxEntries: 1 } } });
    const [one, two] = [await jwt(as), await jwt(as)];
    for (const [token, expected] of [
      [one, NEW],
      [one, KNOWN],
      [two, NEW],
      [two, KNOWN],
      [one, NEW],
    ] as const) {
      expect(await api.call(token)).toMatchObject(expected);
    }
  });

  test('maxSize bounds the cache, and a larger token is verified each time and accepted', async () => {
    const as = await startAuthorizationServer(world);
    const api = await startKnowingApi(world, platform, as, { options: { tokenCache: { maxSize: 5_000 } } });
    const [small, large] = [await jwt(as), await jwt(as, { claims: { long: 'x'.repeat(5_000) } })];
    for (let time = 0; time < 2; time++) expect(await api.call(large)).toMatchObject(NEW);
    expect(await api.call(small)).toMatchObject(NEW);
    expect(await api.call(small)).toMatchObject(KNOWN);
  });
});
