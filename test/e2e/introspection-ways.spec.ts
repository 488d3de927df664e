import type { INestApplication } from '@nestjs/common';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import {
  type AuthorizationServerOptions,
  type CertBoundAuthOptions,
  type ClientAuthentication,
} from 'nestjs-cert-bound-auth';
import { selfSignedCertificate, type TestAuthorizationServer } from 'nestjs-cert-bound-auth/testing';
import { Provider } from 'oidc-provider';
import { describe, expect, test } from 'vitest';
import { type Platform, PLATFORMS } from '../support/platforms.js';
import {
  configuration,
  requestToken,
  startRealAuthorizationServer,
} from '../support/real-authorization-server.js';
import { TokenController } from '../support/token-controller.js';
import { API_CLIENT, clientOf, createWorld, startApi, startAuthorizationServer } from '../support/world.js';

const world = await createWorld();

const SECRET = 'a secret of 32 bytes at the least';

async function startWith(
  platform: Platform,
  servers: readonly AuthorizationServerOptions[],
  options: Partial<CertBoundAuthOptions> = {},
): Promise<INestApplication> {
  return startApi(world, platform, servers, [TokenController], { options });
}

const status = async (app: INestApplication, token: string): Promise<number> =>
  (await clientOf(app, world, world.client1, token).get('/')).status;

describe.each(PLATFORMS)('client authentication at the real oidc-provider on %s', (platform) => {
  const withSecret = async (method: 'client_secret_basic' | 'client_secret_post' | 'client_secret_jwt') => ({
    client: { token_endpoint_auth_method: method, client_secret: SECRET },
    clientAuthentication: { method, clientId: 'api', clientSecret: SECRET } as const,
    tls: {},
  });

  const withCertificate = async () => {
    const own = await selfSignedCertificate('api');
    const jwk = {
      ...(await exportJWK((await import('node:crypto')).createPublicKey(own.cert))),
      x5c: [own.der.toString('base64')],
    };
    return {
      client: { token_endpoint_auth_method: 'self_signed_tls_client_auth', jwks: { keys: [jwk] } },
      clientAuthentication: { method: 'self_signed_tls_client_auth', clientId: 'api' } as const,
      tls: { key: own.key, cert: own.cert },
    };
  };

  const withKey = async () => {
    const { publicKey, privateKey } = await generateKeyPair('ES256');
    return {
      client: { token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [await exportJWK(publicKey)] } },
      clientAuthentication: {
        method: 'private_key_jwt',
        clientId: 'api',
        key: privateKey,
        algorithm: 'ES256',
      } as const,
      tls: {},
    };
  };

  const withIssuedCertificate = async () => {
    const { key, cert } = await world.ca.issueClientCertificate('api');
    return {
      client: { token_endpoint_auth_method: 'tls_client_auth', tls_client_auth_subject_dn: 'CN=api' },
      clientAuthentication: { method: 'tls_client_auth', clientId: 'api' } as const,
      tls: { key, cert },
    };
  };

  const ways: Readonly<
    Record<
      string,
      () => Promise<{
        readonly client: Readonly<Record<string, unknown>>;
        readonly clientAuthentication: ClientAuthentication;
        readonly tls: object;
      }>
    >
  > = {
    client_secret_basic: async () => withSecret('client_secret_basic'),
    client_secret_post: async () => withSecret('client_secret_post'),
    client_secret_jwt: async () => withSecret('client_secret_jwt'),
    private_key_jwt: withKey,
    tls_client_auth: withIssuedCertificate,
    self_signed_tls_client_auth: withCertificate,
    none: async () => ({
      client: { token_endpoint_auth_method: 'none' },
      clientAuthentication: { method: 'none', clientId: 'api' },
      tls: {},
    }),
  };

  test.each(Object.keys(ways))('the real oidc-provider accepts us by %s', async (method) => {
    const way = await ways[method]?.();
    if (way === undefined) throw new Error(method);
    const as = await startRealAuthorizationServer(world, way.client);
    const tls = { ca: world.ca.cert, ...way.tls };
    const { clientAuthentication } = way;
    for (const responseFormat of ['json', 'jwt'] as const) {
      const introspection = { clientAuthentication, responseFormat };
      const app = await startWith(platform, [{ issuer: as.issuer, tls, introspection }]);
      const token = await as.opaqueToken(world.client1);
      expect([responseFormat, await status(app, token)]).toEqual([responseFormat, 200]);
      expect(await status(app, await as.opaqueToken(world.client2))).toBe(401);
      expect(await status(app, 'unknown')).toBe(401);
    }
  });
});

describe.each(PLATFORMS)('signed introspection answers (RFC 9701) on %s', (platform) => {
  interface Signed {
    readonly header?: Record<string, unknown>;
    readonly claims?: Record<string, unknown>;
    readonly contentType?: string;
    readonly tamper?: (jwt: string) => string;
  }

  const answerSigned = async (
    as: TestAuthorizationServer,
    wrong: Signed = {},
    inner: object = {},
  ): Promise<void> => {
    const now = Math.floor(Date.now() / 1000);
    const active = {
      active: true,
      sub: 'user',
      aud: 'https://api.example.com',
      exp: now + 60,
      cnf: { 'x5t#S256': world.client1.thumbprint },
      ...inner,
    };
    const claims = { iss: as.issuer, aud: 'api', iat: now, token_introspection: active, ...wrong.claims };
    const header = {
      alg: 'ES256',
      typ: 'token-introspection+jwt',
      kid: as.signingKey.jwk.kid,
      ...wrong.header,
    };
    const jwt = await new SignJWT(claims).setProtectedHeader(header as never).sign(as.signingKey.privateKey);
    as.behave('introspection', {
      status: 200,
      headers: { 'content-type': wrong.contentType ?? 'application/token-introspection+jwt; charset=utf-8' },
      body: wrong.tamper?.(jwt) ?? jwt,
    });
  };

  const start = async (): Promise<{ as: TestAuthorizationServer; app: INestApplication }> => {
    const as = await startAuthorizationServer(world);
    const introspection = { clientAuthentication: API_CLIENT, responseFormat: 'jwt' } as const;
    return { as, app: await startWith(platform, [{ issuer: as.issuer, introspection }]) };
  };

  test('a signed answer is asked for, verified and used when it is meant for our client id or our audience', async () => {
    const { as, app } = await start();
    await answerSigned(as);
    expect(await status(app, 'opaque')).toBe(200);
    const asked = as.requests.find(({ endpoint }) => endpoint === 'introspection');
    expect(asked?.headers['accept']).toBe('application/token-introspection+jwt');
    await answerSigned(as, { claims: { aud: ['other', 'https://api.example.com'] } });
    expect(await status(app, 'opaque')).toBe(200);
  });

  test('RFC9701-3: the claims in a signed answer are checked like any others', async () => {
    const { as, app } = await start();
    for (const inner of [
      { active: false },
      { aud: 'other' },
      { aud: undefined },
      { exp: 1 },
      { exp: undefined },
      { cnf: undefined },
      { cnf: { 'x5t#S256': world.client2.thumbprint } },
      { iss: 'https://other.example.com' },
    ]) {
      await answerSigned(as, {}, inner);
      expect([inner, await status(app, 'opaque')]).toEqual([inner, 401]);
    }
  });

  test('RFC9701-3: a signed answer that cannot be trusted is an outage', async () => {
    const { as, app } = await start();
    const now = Math.floor(Date.now() / 1000);
    const wrongs: Readonly<Record<string, Signed>> = {
      'typ JWT': { header: { typ: 'JWT' } },
      'typ at+jwt': { header: { typ: 'at+jwt' } },
      'no typ': { header: { typ: undefined } },
      'unknown kid': { header: { kid: 'unknown' } },
      'other iss': { claims: { iss: 'https://other.example.com' } },
      'no iss': { claims: { iss: undefined } },
      'other aud': { claims: { aud: 'other' } },
      'no aud': { claims: { aud: undefined } },
      'aud of another type': { claims: { aud: 7 } },
      'no iat': { claims: { iat: undefined } },
      'iat in the future': { claims: { iat: now + 60 } },
      'iat as text': { claims: { iat: String(now) } },
      expired: { claims: { exp: now - 60 } },
      'no token_introspection': { claims: { token_introspection: undefined } },
      'token_introspection as text': { claims: { token_introspection: 'active' } },
      'token_introspection without active': { claims: { token_introspection: {} } },
      'a changed signature': { tamper: (jwt) => `${jwt.slice(0, -4)}AAAA` },
      'no signature': { tamper: (jwt) => jwt.split('.').slice(0, 2).join('.') },
      'five parts': { tamper: (jwt) => `${jwt}.a.b` },
      'content type JSON': { contentType: 'application/json' },
      'content type JWT': { contentType: 'application/jwt' },
    };
    for (const [name, wrong] of Object.entries(wrongs)) {
      await answerSigned(as, wrong);
      expect([name, await status(app, 'opaque')]).toEqual([name, 503]);
    }
    as.behave('introspection', { status: 200, body: JSON.stringify({ active: true }) });
    expect(await status(app, 'opaque')).toBe(503);
    as.behave('introspection', { status: 400, body: '{"error":"unsupported_token_type"}' });
    expect(await status(app, 'opaque')).toBe(401);
  });

  test('RFC9701-3: a signed answer is never accepted as an access token', async () => {
    const { as, app } = await start();
    const claims = { token_introspection: { active: true } };
    const header = { typ: 'token-introspection+jwt' };
    const jwt = await as.accessToken({ certificate: world.client1, header, claims });
    expect(await status(app, jwt)).toBe(401);
    const lax = await startWith(platform, [{ issuer: as.issuer, jwt: { typ: false } }]);
    expect(await status(lax, jwt)).toBe(401);
  });

  test('keys that cannot be had are an outage, and are fetched even with jwt: false', async () => {
    const as = await startAuthorizationServer(world);
    const introspection = { clientAuthentication: API_CLIENT, responseFormat: 'jwt' } as const;
    const app = await startWith(platform, [{ issuer: as.issuer, jwt: false, introspection }]);
    await answerSigned(as);
    as.behave('jwks', { status: 500 });
    expect(await status(app, 'opaque')).toBe(503);
    as.behave('jwks', 'normal');
    expect(await status(app, 'opaque')).toBe(200);
  });
});

describe.each(PLATFORMS)('introspection in this process on %s', (platform) => {
  const answers = (answer: () => unknown): AuthorizationServerOptions => ({
    issuer: 'urn:local',
    jwt: false,
    introspection: { introspect: async () => answer() as object },
  });
  const active = (more: object = {}): object => ({
    active: true,
    client_id: 'c',
    aud: 'https://api.example.com',
    exp: Math.floor(Date.now() / 1000) + 60,
    cnf: { 'x5t#S256': world.client1.thumbprint },
    ...more,
  });

  test('introspection in this process makes no HTTP call, and the checks are the same', async () => {
    const cases: readonly [string, () => unknown, number][] = [
      ['active', () => active(), 200],
      ['undefined', () => undefined, 401],
      ['null', () => null, 401],
      ['inactive', () => ({ active: false }), 401],
      ['active as text', () => active({ active: 'true' }), 401],
      ['another audience', () => active({ aud: 'other' }), 401],
      ['another certificate', () => active({ cnf: { 'x5t#S256': world.client2.thumbprint } }), 401],
      ['unbound', () => active({ cnf: undefined }), 401],
      ['expired', () => active({ exp: 1 }), 401],
      ['a refresh token', () => active({ token_type: 'refresh_token' }), 401],
      [
        'an object of a class, with functions',
        () => Object.assign(new Date(), active({ f: () => 1, toJSON: undefined })),
        200,
      ],
      ['no answer', () => ({}), 503],
      ['text', () => 'active', 503],
      ['something that is no JSON', () => ({ active: true, big: 1n }), 503],
      ['an error', () => Promise.reject(new Error('database down')), 503],
    ];
    for (const [name, answer, expected] of cases) {
      const app = await startWith(platform, [answers(answer)]);
      expect([name, await status(app, 'opaque')]).toEqual([name, expected]);
    }
  });

  test('answers in this process are cached, and questions coalesced, like any others', async () => {
    let calls = 0;
    const introspect = async (): Promise<object> => {
      calls += 1;
      return active();
    };
    const server = { issuer: 'urn:local', jwt: false, introspection: { introspect, cache: {} } } as const;
    const app = await startWith(platform, [server]);
    for (const _ of [1, 2, 3]) expect(await status(app, 'opaque')).toBe(200);
    expect(calls).toBe(1);
  });

  test('oidc-provider may run in the same app and answer its introspection', async () => {
    const port = await freePort();
    const issuer = `https://localhost:${port}/oidc`;
    const provider = new Provider(issuer, configuration({ token_endpoint_auth_method: 'none' }));
    const introspect = async (token: string): Promise<object | undefined> => {
      const found = await (provider as unknown as Models).ClientCredentials.find(token);
      if (found?.isValid !== true) return undefined;
      const { clientId, aud, exp, scope } = found;
      return { active: true, client_id: clientId, aud, exp, scope, cnf: { 'x5t#S256': found['x5t#S256'] } };
    };
    const app = await startApi(world, platform, { issuer }, [TokenController], {
      port,
      options: {
        authorizationServers: [{ issuer, tls: { ca: world.ca.cert }, introspection: { introspect } }],
        publicPaths: ['/oidc/*'],
      },
      configure: (nest) => nest.use('/oidc', provider.callback()),
    });
    const token = await requestToken(issuer, world, world.client1);
    const { body } = await clientOf(app, world, world.client1, token).get('/').expect(200);
    expect(body).toMatchObject({ clientId: 'client', scopes: ['payments:read'], issuer });
    await clientOf(app, world, world.client2, token).get('/').expect(401);
    await clientOf(app, world, world.client1, 'unknown').get('/').expect(401);
  });
});

/** The part of oidc-provider that its types here leave out. */
interface Models {
  readonly ClientCredentials: { find(token: string): Promise<IssuedToken | undefined> };
}

interface IssuedToken {
  readonly isValid: boolean;
  readonly clientId: string;
  readonly aud: string;
  readonly exp: number;
  readonly scope: string;
  readonly 'x5t#S256': string;
}

async function freePort(): Promise<number> {
  const { createServer } = await import('node:net');
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}

describe.each(PLATFORMS)('several servers with introspection on %s', (platform) => {
  const start = async () => {
    const [one, two] = [await startAuthorizationServer(world), await startAuthorizationServer(world)];
    const servers = [one, two].map(({ issuer }) => ({
      issuer,
      introspection: { clientAuthentication: API_CLIENT },
    }));
    const app = await startWith(platform, servers, { introspectionOrder: 'by-configuration' });
    return { one, two, app };
  };

  test('the servers are asked in turn until one knows the token', async () => {
    const { one, two, app } = await start();
    expect(await status(app, one.opaqueToken({ certificate: world.client1 }))).toBe(200);
    expect(two.count('introspection')).toBe(0);
    const ofTwo = two.opaqueToken({ certificate: world.client1 });
    const { body } = await clientOf(app, world, world.client1, ofTwo).get('/').expect(200);
    expect(body).toMatchObject({ issuer: two.issuer });
    expect(await status(app, 'unknown')).toBe(401);
    expect(await status(app, two.opaqueToken({ certificate: world.client2 }))).toBe(401);
  });

  test('a token that one server knows is not left to another', async () => {
    const { one, two, app } = await start();
    const token = one.opaqueToken({ certificate: world.client1, audience: 'other' });
    two.answerIntrospection(token, { active: true });
    expect(await status(app, token)).toBe(401);
    expect(two.count('introspection')).toBe(0);
  });

  test("an outage at one server is not settled by the 'inactive' of the other, whichever is down", async () => {
    const { one, two, app } = await start();
    one.behave('introspection', { status: 500 });
    expect(await status(app, 'unknown')).toBe(503);
    expect(await status(app, two.opaqueToken({ certificate: world.client1 }))).toBe(200);
    one.behave('introspection', 'normal');
    two.behave('introspection', { status: 500 });
    expect(await status(app, 'unknown')).toBe(503);
    expect(await status(app, one.opaqueToken({ certificate: world.client1 }))).toBe(200);
  });
});
