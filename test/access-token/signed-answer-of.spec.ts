import { CompactSign } from 'jose';
import type { TestAuthorizationServer } from 'nestjs-cert-bound-auth/testing';
import { beforeAll, describe, expect, test } from 'vitest';
import { AuthorizationServer } from '../../lib/access-token/authorization-server.js';
import { introspect } from '../../lib/access-token/introspection-client.js';
import type { AuthorizationServerHttp } from '../../lib/access-token/authorization-server-http.js';
import { signedAnswerOf, withSignedAnswer } from '../../lib/access-token/signed-answer-of.js';
import { readTokenShape } from '../../lib/access-token/token-shape.js';
import { resolveOptions } from '../../lib/resolve-options.js';
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
  test('where they were looked up', async () => {
    const as = await startAuthorizationServer(world);
    const jwt = await answerSigned(as);
    const claims = await serverFor(as, { responseFormat: 'jwt' }).lookUp('opaque');
    expect(signedAnswerOf(claims)).toBe(jwt);
    expect(JSON.stringify({ ...claims })).not.toContain(jwt);
  });

  test('where a JWT was asked about as well', async () => {
    const as = await startAuthorizationServer(world);
    const jwt = await answerSigned(as);
    const server = serverFor(as, { responseFormat: 'jwt', tokens: 'all' });
    const token = await as.accessToken();
    const shape = readTokenShape(token);
    if (shape.kind !== 'jwt' || shape.payload === undefined) throw new Error('no JWT');
    const claims = await server.verifyJwt(token, { header: shape.header, payload: shape.payload });
    expect([signedAnswerOf(claims), claims['sub']]).toEqual([jwt, 'user-1']);
  });

  test('and know none where the answer is not signed', async () => {
    const as = await startAuthorizationServer(world);
    const claims = await serverFor(as, {}).lookUp(as.opaqueToken());
    expect(signedAnswerOf(claims)).toBeUndefined();
  });

  test('and an answer that a token is not active is kept without', async () => {
    const http = { call: async () => ({ status: 200, contentType: SIGNED, body: 'a.b.c' }) };
    const answer = await introspect(
      'token',
      {
        endpoint: async () => 'https://as.example.com/introspect',
        authenticate: () => ({ headers: {}, parameters: {} }),
        parameters: {},
        headers: {},
        verifySigned: async () => ({ active: false }),
      },
      http as unknown as AuthorizationServerHttp,
    );
    expect(answer).toEqual({ active: false, reason: 'token_inactive', cacheable: true });
  });

  test('for as long as they are in use, each its own', () => {
    const [one, other] = [withSignedAnswer({ a: 1 }, 'x.y.z'), withSignedAnswer({ a: 1 }, undefined)];
    expect([signedAnswerOf(one), signedAnswerOf(other), signedAnswerOf({ a: 1 })]).toEqual([
      'x.y.z',
      undefined,
      undefined,
    ]);
    expect([Object.keys(one), signedAnswerOf({ ...one })]).toEqual([['a'], undefined]);
  });
});
