import type { INestApplication } from '@nestjs/common';
import { createHmac, randomBytes } from 'node:crypto';
import {
  type AuthorizationServerOptions,
  forAuth0,
  forEntraId,
  forKeycloak,
  forOkta,
} from 'nestjs-cert-bound-auth';
import type { TestAuthorizationServer } from 'nestjs-cert-bound-auth/testing';
import { describe, expect, test } from 'vitest';
import { type Platform, PLATFORMS } from '../support/platforms.js';
import { TokenController } from '../support/token-controller.js';
import { AUDIENCE, clientOf, createWorld, startApi, startAuthorizationServer } from '../support/world.js';

const world = await createWorld();

async function startWith(platform: Platform, server: AuthorizationServerOptions): Promise<INestApplication> {
  return startApi(world, platform, [server], [TokenController]);
}

/** Removes what our own mint puts into every token, so that a fixture is of its server's shape alone. */
const bare = { sub: undefined, client_id: undefined, jti: undefined, iat: undefined };

describe.each(PLATFORMS)('claims by name or path on %s', (platform) => {
  const call = async (claims: AuthorizationServerOptions['claims'], token: object) => {
    const as = await startAuthorizationServer(world);
    const app = await startWith(platform, { issuer: as.issuer, ...(claims && { claims }) });
    const jwt = await as.accessToken({ certificate: world.client1, claims: { ...token } });
    return clientOf(app, world, world.client1, jwt).get('/');
  };

  test.each([
    ['a string', 'scp', { scp: 'a b' }, ['a', 'b']],
    ['an array', 'scp', { scp: ['a', 'b c', 7, null] }, ['a', 'b c']],
    ['a path', 'realm_access.roles', { realm_access: { roles: ['a'] } }, ['a']],
    ['a deep path', 'resource_access.api.roles', { resource_access: { api: { roles: ['a'] } } }, ['a']],
    ['a name with dots', 'https://x.example.com/roles', { 'https://x.example.com/roles': ['a'] }, ['a']],
    ['a name before a path', 'a.b', { 'a.b': 'name', a: { b: 'path' } }, ['name']],
    ['a path into nothing', 'realm_access.roles', { realm_access: null }, []],
    ['a path into text', 'realm_access.length', { realm_access: 'text' }, []],
    ['a path into a prototype', 'constructor.name', {}, []],
    ['an object', 'scp', { scp: { a: 'b' } }, []],
    ['a number', 'scp', { scp: 7 }, []],
  ])('the scopes are read from %s', async (_name, scope, claims, expected) => {
    const { body } = await call({ scope }, { scope: 'ignored', ...claims }).then((response) => response);
    expect((body as { scopes: unknown }).scopes).toEqual(expected);
  });

  test('the client and the subject are read from the claims that are named, and are required there', async () => {
    const names = { clientId: 'act.client', subject: 'user.id' };
    const { status, body } = await call(names, {
      ...bare,
      iat: 1,
      jti: 'j',
      act: { client: 'c' },
      user: { id: 'u' },
    });
    expect([status, body]).toEqual([200, expect.objectContaining({ clientId: 'c', subject: 'u' })]);
    expect((await call(names, { act: { client: 'c' } })).status).toBe(401);
    expect((await call(names, { act: { client: 7 }, user: { id: 'u' } })).status).toBe(401);
  });
});

describe.each(PLATFORMS)('the presets for authorization servers on %s', (platform) => {
  /** Tokens as these servers make them, with values of ours. */
  const fixtures = {
    Keycloak: {
      preset: forKeycloak,
      header: { typ: 'JWT' },
      claims: {
        ...bare,
        jti: 'onrtcc:d1c8f2a6',
        iat: 1_700_000_000,
        auth_time: 1_700_000_000,
        sub: '6b1c6fca',
        typ: 'Bearer',
        azp: 'tpp-client',
        sid: '0f2d',
        acr: '1',
        'allowed-origins': ['https://tpp.example.com'],
        realm_access: { roles: ['offline_access'] },
        resource_access: { account: { roles: ['view-profile'] } },
        scope: 'payments:read profile',
        email_verified: true,
        preferred_username: 'alice',
      },
      expected: { clientId: 'tpp-client', subject: '6b1c6fca', scopes: ['payments:read', 'profile'] },
    },
    'Entra ID': {
      preset: forEntraId,
      header: { typ: 'JWT', x5t: 'dGVzdA' },
      claims: {
        ...bare,
        iat: 1_700_000_000,
        nbf: 1_700_000_000,
        aio: 'AXQAi/8TAAAA',
        azp: '11111111-2222-3333-4444-555555555555',
        azpacr: '2',
        name: 'Alice',
        oid: '66666666',
        rh: '0.ARoA',
        scp: 'payments.read',
        sub: 'HKZpfaHyWadeOouYlitjrI',
        tid: '77777777',
        uti: 'fqiBqXLPj0eQa82S',
        ver: '2.0',
      },
      expected: { clientId: '11111111-2222-3333-4444-555555555555', scopes: ['payments.read'] },
    },
    Auth0: {
      preset: forAuth0,
      header: { typ: 'JWT' },
      claims: {
        ...bare,
        sub: 'auth0|123456',
        aud: [AUDIENCE, 'https://tenant.eu.auth0.com/userinfo'],
        iat: 1_700_000_000,
        azp: 'my_client_id',
        scope: 'openid payments:read',
        permissions: ['payments:read'],
        gty: 'client-credentials',
      },
      expected: { clientId: 'my_client_id', subject: 'auth0|123456', scopes: ['openid', 'payments:read'] },
    },
    Okta: {
      preset: forOkta,
      header: { typ: undefined },
      claims: {
        ...bare,
        ver: 1,
        jti: 'AT.0mP4JKAZX1iACIT4vbEDF7LpvDVjxypPMf0D7uX39RE',
        iat: 1_700_000_000,
        cid: '0oacqf8qaJw56czJi0g4',
        uid: '00ujmkLgagxeRrAg20g3',
        scp: ['openid', 'payments:read'],
        sub: 'alice@example.com',
      },
      expected: {
        clientId: '0oacqf8qaJw56czJi0g4',
        subject: 'alice@example.com',
        scopes: ['openid', 'payments:read'],
      },
    },
  } as const;

  test.each(Object.keys(fixtures) as (keyof typeof fixtures)[])(
    'the preset for %s accepts its bound access tokens, and no ID token of it',
    async (name) => {
      const { preset, header, claims, expected } = fixtures[name];
      const as = await startAuthorizationServer(world, { discovery: 'openid' });
      const app = await startWith(platform, { issuer: as.issuer, ...preset });
      const call = async (more: object, certificate = world.client1) => {
        const token = await as.accessToken({
          certificate: world.client1,
          header,
          claims: { ...claims, ...more },
        });
        return clientOf(app, world, certificate, token).get('/');
      };
      const { status, body } = await call({});
      expect([status, body]).toEqual([200, expect.objectContaining(expected)]);
      expect((await call({}, world.client2)).status).toBe(401);
      expect((await call({ cnf: undefined })).status).toBe(401);
      expect((await call({ aud: 'other' })).status).toBe(401);
      for (const idToken of [{ nonce: 'n', typ: 'ID' }, { nonce: 'n', typ: undefined }, { at_hash: 'h' }]) {
        expect((await call(idToken)).status).toBe(401);
      }
      // Keycloak up to 24 always has it in access tokens; they say what they are.
      expect((await call({ nonce: 'n', typ: 'Bearer' })).status).toBe(200);
      const strict = await startWith(platform, { issuer: as.issuer });
      const token = await as.accessToken({ certificate: world.client1, header, claims });
      await clientOf(strict, world, world.client1, token).get('/').expect(401);
    },
  );
});

describe.each(PLATFORMS)('a shared secret on %s', (platform) => {
  const encode = (part: object): string => Buffer.from(JSON.stringify(part)).toString('base64url');

  const mint = (as: TestAuthorizationServer, alg: string, key: Uint8Array, claims: object = {}): string => {
    const now = Math.floor(Date.now() / 1000);
    const payload = {
      iss: as.issuer,
      aud: AUDIENCE,
      sub: 's',
      client_id: 'c',
      jti: 'j',
      iat: now,
      exp: now + 60,
      cnf: { 'x5t#S256': world.client1.thumbprint },
      ...claims,
    };
    const input = `${encode({ alg, typ: 'at+jwt' })}.${encode(payload)}`;
    return `${input}.${createHmac(alg.replace('HS', 'sha'), key).update(input).digest('base64url')}`;
  };

  test.each([
    [32, [200, 401, 401]],
    [48, [200, 200, 401]],
    [64, [200, 200, 200]],
  ])(
    'a secret of %i bytes admits HMAC of at most that strength, and nothing else',
    async (length, expected) => {
      const as = await startAuthorizationServer(world);
      const secret = randomBytes(length);
      const app = await startWith(platform, { issuer: as.issuer, jwt: { secret } });
      const status = async (token: string): Promise<number> =>
        (await clientOf(app, world, world.client1, token).get('/')).status;
      const tokens = ['HS256', 'HS384', 'HS512'].map((alg) => mint(as, alg, secret));
      expect(await Promise.all(tokens.map(status))).toEqual(expected);
      expect(await status(mint(as, 'HS256', randomBytes(length)))).toBe(401);
      expect(await status(mint(as, 'HS256', secret, { cnf: { 'x5t#S256': world.client2.thumbprint } }))).toBe(
        401,
      );
      expect(await status(await as.accessToken({ certificate: world.client1 }))).toBe(401);
      expect(as.requests).toEqual([]);
    },
  );

  test('a secret may be given as text', async () => {
    const as = await startAuthorizationServer(world);
    const secret = 'ein Geheimnis mit 32 Bytes: äöü!';
    const app = await startWith(platform, { issuer: as.issuer, jwt: { secret } });
    await clientOf(app, world, world.client1, mint(as, 'HS256', Buffer.from(secret)))
      .get('/')
      .expect(200);
  });
});
