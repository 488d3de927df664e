import type { INestApplication } from '@nestjs/common';
import { createHmac, randomBytes } from 'node:crypto';
import type { AuthorizationServerOptions } from 'nestjs-cert-bound-auth';
import type { TestAuthorizationServer } from 'nestjs-cert-bound-auth/testing';
import { describe, expect, test } from 'vitest';
import { type Platform, PLATFORMS } from '../support/platforms.js';
import { TokenController } from '../support/token-controller.js';
import { AUDIENCE, clientOf, createWorld, startApi, startAuthorizationServer } from '../support/world.js';
import { bare } from './server-tokens.js';

const world = await createWorld();

async function startWith(platform: Platform, server: AuthorizationServerOptions): Promise<INestApplication> {
  return startApi(world, platform, [server], [TokenController]);
}

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
    ['a list of names', ['a', 'b.c', 'd'], { a: { 'b.c': { d: ['x'] }, b: { c: { d: ['no'] } } } }, ['x']],
    ['a list of one name', ['a.b'], { 'a.b': ['x'], a: { b: ['no'] } }, ['x']],
    ['a list that splits nothing', ['a.b'], { a: { b: ['no'] } }, []],
    ['a list into a prototype', ['__proto__', 'name'], {}, []],
    ['a list into a list', ['a', '0'], { a: ['x'] }, []],
    ['a path into nothing', 'realm_access.roles', { realm_access: null }, []],
    ['a path into text', 'realm_access.length', { realm_access: 'text' }, []],
    ['a path into a prototype', 'constructor.name', {}, []],
    ['an object', 'scp', { scp: { a: 'b' } }, []],
    ['a number', 'scp', { scp: 7 }, []],
  ])('the scopes are read from %s', async (_name, scope, claims, expected) => {
    const { body } = await call({ scope }, { scope: 'ignored', ...claims }).then((response) => response);
    expect((body as { scopes: unknown }).scopes).toEqual(expected);
  });

  test.each<[string, AuthorizationServerOptions['claims'] & object]>([
    ['paths', { clientId: 'act.client', subject: 'user.id' }],
    ['lists', { clientId: ['act', 'client'], subject: ['user', 'id'] }],
  ])(
    'the client and the subject are read from claims named by %s, and are required there',
    async (_, names) => {
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
