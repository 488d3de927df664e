import { createPrivateKey, createPublicKey } from 'node:crypto';
import { CompactSign, exportJWK, generateKeyPair, type JWTPayload, jwtVerify } from 'jose';
import type {
  AuthorizationServerOptions,
  MintedPhantomToken,
  VerifiedAccessToken,
} from 'nestjs-cert-bound-auth';
import type { TestAuthorizationServer } from 'nestjs-cert-bound-auth/testing';
import { beforeAll, describe, expect, test } from 'vitest';
import { phantomTokenMaker } from '../../lib/forward-auth/phantom-token.js';
import { MapIntrospectionStore } from '../support/map-introspection-store.js';
import { AUDIENCE, createWorld, startAuthorizationServer, type World } from '../support/world.js';
import { type Endpoint, optionsFor, startEndpoint } from './support/endpoint.js';

let world: World;
let key: string;
beforeAll(async () => {
  world = await createWorld();
  // The key of some certificate: ES256.
  key = world.server.key;
});

async function verify(authorization: string | undefined): Promise<{ payload: JWTPayload; header: object }> {
  const jwt = /^Bearer (\S+)$/.exec(authorization ?? '')?.[1] ?? '';
  const { payload, protectedHeader } = await jwtVerify(jwt, createPublicKey(createPrivateKey(key)));
  return { payload, header: protectedHeader };
}

describe('row 46: a phantom token that is minted', () => {
  async function start(
    phantom: Partial<MintedPhantomToken> = {},
  ): Promise<{ as: TestAuthorizationServer; endpoint: Endpoint }> {
    const as = await startAuthorizationServer(world);
    const phantomToken = {
      from: 'key',
      key,
      algorithm: 'ES256',
      issuer: 'https://edge.example.com',
      ...phantom,
    } as const;
    const { authorizationServers } = as.moduleOptions;
    return {
      as,
      endpoint: await startEndpoint('node', optionsFor(world, as, { authorizationServers, phantomToken })),
    };
  }

  test('a phantom token takes the place of the opaque one, and says the same about the caller', async () => {
    const { as, endpoint } = await start();
    const token = as.opaqueToken({ certificate: world.client1, scope: 'a b' });
    const { status, headers } = await endpoint.ask('any', { token, certificate: world.client1 });
    expect(status).toBe(200);
    const { payload, header } = await verify(headers['authorization']);
    expect(header).toEqual({ alg: 'ES256', typ: 'at+jwt' });
    const now = Date.now() / 1000;
    expect(payload).toEqual({
      iss: 'https://edge.example.com',
      sub: 'user-1',
      client_id: 'client-1',
      aud: [AUDIENCE],
      scope: 'a b',
      iat: expect.closeTo(now, -1),
      exp: (payload.iat ?? 0) + 60,
      jti: expect.stringMatching(/^[\da-f-]{36}$/),
    });
    const again = await endpoint.ask('any', { token, certificate: world.client1 });
    expect((await verify(again.headers['authorization'])).payload.jti).not.toBe(payload.jti);
  });

  test('a phantom token takes over the claims that are named, but none about the JWT itself or the key of the client', async () => {
    const claims = ['tenant', ['org', 'a.b'], 'none', 'cnf', ['cnf'], 'iss', 'jti', 'aud', 'exp', 'active'];
    const { as, endpoint } = await start({
      claims,
      audience: 'https://inner.example.com',
      keyId: 'k1',
      lifetime: 5,
    });
    const token = await as.accessToken({
      certificate: world.client1,
      claims: { tenant: { id: 't' }, org: { 'a.b': 7 }, jti: 'j' },
    });
    const { headers } = await endpoint.ask('any', { token, certificate: world.client1 });
    const { payload, header } = await verify(headers['authorization']);
    expect(header).toMatchObject({ kid: 'k1' });
    expect(payload).toMatchObject({
      tenant: { id: 't' },
      'org.a.b': 7,
      aud: ['https://inner.example.com'],
      exp: (payload.iat ?? 0) + 5,
    });
    expect(payload).not.toHaveProperty('cnf');
    expect(payload).not.toHaveProperty('active');
    expect([payload.iss, payload.jti === 'j']).toEqual(['https://edge.example.com', false]);
  });

  test('a phantom token never outlives the token that it stands for', async () => {
    const { as, endpoint } = await start({ lifetime: 3600 });
    const exp = Math.floor(Date.now() / 1000) + 30;
    const token = await as.accessToken({ certificate: world.client1, claims: { exp } });
    const { headers } = await endpoint.ask('any', { token, certificate: world.client1 });
    expect((await verify(headers['authorization'])).payload.exp).toBe(exp);
  });

  test('a phantom token stands by itself in a header of another name, and has the kid of a JWK', async () => {
    const pair = await generateKeyPair('EdDSA', { extractable: true });
    const jwk = { ...(await exportJWK(pair.privateKey)), kid: 'k2' };
    const { as, endpoint } = await start({ header: 'X-Phantom-Token', key: jwk, algorithm: 'EdDSA' });
    const token = await as.accessToken({ certificate: world.client1 });
    const { headers } = await endpoint.ask('any', { token, certificate: world.client1 });
    expect(headers['authorization']).toBeUndefined();
    const { protectedHeader } = await jwtVerify(headers['x-phantom-token'] as string, pair.publicKey);
    expect(protectedHeader.kid).toBe('k2');
  });

  test('no phantom token is made for a request that is refused', async () => {
    const { as, endpoint } = await start();
    const token = await as.accessToken({ certificate: world.client1 });
    const { status, headers } = await endpoint.ask('any', { token, certificate: world.client2 });
    expect([status, headers['authorization']]).toEqual([401, undefined]);
  });
});

describe('row 46: a phantom token that is the signed introspection answer', () => {
  const SIGNED = 'application/token-introspection+jwt';

  /** Makes the server's introspection answer, signed, what it would say of this token. */
  async function sign(as: TestAuthorizationServer, claims: object): Promise<string> {
    const now = Math.floor(Date.now() / 1000);
    const answer = {
      active: true,
      sub: 'user-1',
      aud: AUDIENCE,
      exp: now + 60,
      cnf: { 'x5t#S256': world.client1.thumbprint },
    };
    const payload = { iss: as.issuer, aud: 'api', iat: now, token_introspection: { ...answer, ...claims } };
    const { privateKey, jwk } = as.signingKey;
    const jwt = await new CompactSign(Buffer.from(JSON.stringify(payload)))
      .setProtectedHeader({ alg: 'ES256', typ: 'token-introspection+jwt', kid: String(jwk.kid) })
      .sign(privateKey);
    as.behave('introspection', { status: 200, headers: { 'content-type': SIGNED }, body: jwt });
    return jwt;
  }

  function serversOf(
    as: TestAuthorizationServer,
    more: object = {},
    jwt: object = { jwt: false },
  ): readonly AuthorizationServerOptions[] {
    const [server] = as.moduleOptions.authorizationServers;
    const introspection = { ...server?.introspection, responseFormat: 'jwt', ...more };
    return [{ ...server, ...jwt, introspection } as AuthorizationServerOptions];
  }

  async function start(as: TestAuthorizationServer, authorizationServers = serversOf(as)): Promise<Endpoint> {
    return startEndpoint(
      'node',
      optionsFor(world, as, { authorizationServers, phantomToken: { from: 'introspection' } }),
    );
  }

  test('RFC9701-5: the signed answer is handed on as the server has signed it', async () => {
    const as = await startAuthorizationServer(world);
    const endpoint = await start(as);
    const jwt = await sign(as, {});
    const { status, headers } = await endpoint.ask('any', { token: 'opaque', certificate: world.client1 });
    expect([status, headers['authorization']]).toEqual([200, `Bearer ${jwt}`]);
  });

  test('RFC9701-5: the signed answer comes from the caches as well, of this instance and of another one', async () => {
    const as = await startAuthorizationServer(world);
    const shared = { store: new MapIntrospectionStore(), secret: 's'.repeat(32) };
    const servers = serversOf(as, { cache: { shared } });
    const [one, other] = [await start(as, servers), await start(as, servers)];
    const jwt = await sign(as, {});
    const answers = [];
    for (const endpoint of [one, one, other]) {
      answers.push(await endpoint.ask('any', { token: 'opaque', certificate: world.client1 }));
    }
    expect(answers.map(({ headers }) => headers['authorization'])).toEqual(
      [jwt, jwt, jwt].map((text) => `Bearer ${text}`),
    );
    expect(as.count('introspection')).toBe(1);
  });

  test('RFC9701-5: the signed answer is used for a JWT too when it is introspected', async () => {
    const as = await startAuthorizationServer(world);
    const endpoint = await start(as, serversOf(as, { tokens: 'all' }, {}));
    const jwt = await sign(as, {});
    const token = await as.accessToken({ certificate: world.client1 });
    const { status, headers } = await endpoint.ask('any', { token, certificate: world.client1 });
    expect([status, headers['authorization']]).toEqual([200, `Bearer ${jwt}`]);
  });

  test('invariant 3: an answer that is not signed is an outage, not a pass', async () => {
    const as = await startAuthorizationServer(world);
    const endpoint = await start(as);
    const token = as.opaqueToken({ certificate: world.client1 });
    const { status, headers } = await endpoint.ask('any', { token, certificate: world.client1 });
    expect([status, headers['authorization']]).toEqual([503, undefined]);
  });

  test('invariant 3: an answer that was kept without its signature is an outage too', async () => {
    const token = { claims: {} } as VerifiedAccessToken;
    const make = phantomTokenMaker({ from: 'introspection', header: 'Authorization' });
    await expect(make(token, undefined)).rejects.toMatchObject({
      refusal: { status: 503 },
      reason: 'authorization_server_answer_invalid',
    });
  });
});
