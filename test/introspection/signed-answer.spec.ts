import { CompactSign, UnsecuredJWT } from 'jose';
import type { TestAuthorizationServer } from 'nestjs-cert-bound-auth/testing';
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { AuthorizationServer } from '../../lib/access-token/authorization-server.js';
import { type Introspect, IntrospectionAnswers } from '../../lib/introspection/introspection-cache.js';
import { CircuitBreaker } from '../../lib/authorization-server/circuit-breaker.js';
import { introspect } from '../../lib/introspection/introspection-client.js';
import type { AuthorizationServerHttp } from '../../lib/authorization-server/authorization-server-http.js';
import { readTokenShape } from '../../lib/jose/token-shape.js';
import { resolveOptions } from '../../lib/options/resolve-options.js';
import { MapIntrospectionStore } from '../support/map-introspection-store.js';
import { AUDIENCE, createWorld, startAuthorizationServer, whenOver, type World } from '../support/world.js';

let world: World;
beforeAll(async () => {
  world = await createWorld();
});

const SIGNED = 'application/token-introspection+jwt';

/** Makes the introspection endpoint answer with a JWT, which is returned. */
async function answerSigned(as: TestAuthorizationServer): Promise<string> {
  const now = Math.floor(Date.now() / 1000);
  const answer = { active: true, aud: AUDIENCE, exp: now + 60 };
  const payload = { iss: as.issuer, aud: 'api', iat: now, token_introspection: answer };
  const { privateKey, jwk } = as.signingKey;
  const jwt = await new CompactSign(Buffer.from(JSON.stringify(payload)))
    .setProtectedHeader({ alg: 'ES256', typ: 'token-introspection+jwt', kid: String(jwk.kid) })
    .sign(privateKey);
  as.behave('introspection', { status: 200, headers: { 'content-type': SIGNED }, body: jwt });
  return jwt;
}

/** An authorization server as an API knows it, which asks for signed answers or not. */
function serverFor(as: TestAuthorizationServer, introspection: object): AuthorizationServer {
  const [given] = as.moduleOptions.authorizationServers;
  const options = {
    ...as.moduleOptions,
    authorizationServers: [{ ...given, introspection: { ...given?.introspection, ...introspection } }],
  };
  const [settings] = resolveOptions(options as never).authorizationServers;
  if (settings === undefined) throw new Error('no server');
  const server = new AuthorizationServer(settings);
  whenOver(async () => server.close());
  return server;
}

describe('RFC9701-5: the claims of a token know the signed answer that they come from', () => {
  test('the claims of an opaque token know their signed answer', async () => {
    const as = await startAuthorizationServer(world);
    const jwt = await answerSigned(as);
    const { signedAnswer, claims } = await serverFor(as, { responseFormat: 'jwt' }).lookUp('opaque');
    expect(signedAnswer).toBe(jwt);
    expect(JSON.stringify(claims)).not.toContain(jwt);
  });

  test('the claims of a JWT that was introspected as well know their signed answer', async () => {
    const as = await startAuthorizationServer(world);
    const jwt = await answerSigned(as);
    const server = serverFor(as, { responseFormat: 'jwt', tokens: 'all' });
    const token = await as.accessToken();
    const shape = readTokenShape(token);
    if (shape.kind !== 'jwt' || shape.payload === undefined) throw new Error('no JWT');
    const { signedAnswer, claims } = await server.verifyJwt(token, shape);
    expect([signedAnswer, claims['sub']]).toEqual([jwt, 'user-1']);
  });

  test('the claims of an answer without a signature know no signed answer', async () => {
    const as = await startAuthorizationServer(world);
    const { signedAnswer } = await serverFor(as, {}).lookUp(as.opaqueToken());
    expect(signedAnswer).toBeUndefined();
  });

  test('an answer that a token is not active is kept without its signature', async () => {
    const http = { call: async () => ({ status: 200, contentType: SIGNED, body: 'a.b.c' }) };
    const answer = await introspect(
      'token',
      {
        endpoint: async () => 'https://as.example.com/introspect',
        authenticate: () => ({ headers: {}, parameters: {} }),
        breaker: new CircuitBreaker('https://as.example.com'),
        parameters: {},
        headers: {},
        format: { kind: 'jwt', verify: async () => ({ active: false }) },
      },
      http as unknown as AuthorizationServerHttp,
    );
    expect(answer).toEqual({ active: false, reason: 'token_inactive', cacheable: true });
  });
});

describe('RFC9701-5: a signed answer is not given again when it has expired', () => {
  const NOW = Date.UTC(2026, 0, 1);
  const seconds = NOW / 1000;
  beforeEach(() => {
    vi.useFakeTimers({ now: NOW });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  /** Instances of an API that share their answers, which are this one, and how often it was asked for. */
  function instances(signed: string): { one: Introspect; other: Introspect; asked: () => number } {
    const claims = { active: true, exp: seconds + 600 };
    const server = vi.fn<Introspect>(async () => ({ active: true, claims, signed }));
    const shared = { store: new MapIntrospectionStore(), secret: Buffer.alloc(32, 's') };
    const settings = { ttl: 60, negativeTtl: 10, maxEntries: 10, shared };
    const start = (): Introspect => new IntrospectionAnswers(server, 'scope', settings).ask;
    return { one: start(), other: start(), asked: () => server.mock.calls.length };
  }

  const signedUntil = (exp: unknown): string => new UnsecuredJWT({ exp } as never).encode() + 'AA';

  test.each<[string, string, number]>([
    ['its own exp, where that is first', signedUntil(seconds + 20), 20],
    ['the ttl, where that is first', signedUntil(seconds + 3_600), 60],
    ['the ttl, where it does not expire', signedUntil(undefined), 60],
  ])('a signed answer is given again until %s', async (_, signed, end) => {
    const { one, other, asked } = instances(signed);
    await one('token');
    vi.setSystemTime(NOW + end * 1000 - 1);
    await one('token');
    await other('token');
    expect(asked()).toBe(1);
    vi.setSystemTime(NOW + end * 1000);
    await Promise.all([one('token'), other('token')]);
    expect(asked()).toBe(3);
  });

  test.each([
    ['expires at no time', signedUntil('never')],
    ['has expired, if only within the tolerance of clocks', signedUntil(seconds - 1)],
    ['is no JWT', 'a.b.c'],
  ])('a signed answer is not given again at all when it %s', async (_, signed) => {
    const { one, other, asked } = instances(signed);
    await one('token');
    await one('token');
    await other('token');
    expect(asked()).toBe(3);
  });
});
