import type { INestApplication } from '@nestjs/common';
import type { AuthorizationServerOptions } from 'nestjs-cert-bound-auth';
import type { TestAuthorizationServer, TestCertificate } from 'nestjs-cert-bound-auth/testing';
import { describe, expect, test } from 'vitest';
import type { JsonObject } from '../../lib/jose/json-object.js';
import { type Platform, PLATFORMS } from '../support/platforms.js';
import { TokenController } from '../support/token-controller.js';
import { clientOf, createWorld, startApi, startAuthorizationServer } from '../support/world.js';
import { bare, SERVER_TOKENS, type ServerTokens } from './server-tokens.js';

const world = await createWorld();

async function startWith(platform: Platform, server: AuthorizationServerOptions): Promise<INestApplication> {
  return startApi(world, platform, [server], [TokenController]);
}

/** Calls an API with a token of this server, which is bound to the first client's certificate. */
function caller(as: TestAuthorizationServer, app: INestApplication) {
  return async (header: JsonObject, claims: object, certificate: TestCertificate = world.client1) => {
    const token = await as.accessToken({ certificate: world.client1, header, claims: { ...claims } });
    return clientOf(app, world, certificate, token).get('/');
  };
}

const SERVERS = Object.entries<ServerTokens>(SERVER_TOKENS);

describe.each(PLATFORMS)('the presets for authorization servers on %s', (platform) => {
  test.each(SERVERS)(
    'the preset for %s accepts its bound access tokens, and none for another API or another client',
    async (_name, { preset, header, claims, expected }) => {
      const as = await startAuthorizationServer(world, { discovery: 'openid' });
      const call = caller(as, await startWith(platform, preset({ issuer: as.issuer })));
      const { status, body } = await call(header, claims);
      expect([status, body]).toEqual([200, expect.objectContaining(expected)]);
      expect((await call({ ...header, typ: 'at+jwt' }, claims)).status).toBe(200);
      expect((await call(header, claims, world.client2)).status).toBe(401);
      expect((await call(header, { ...claims, cnf: undefined })).status).toBe(401);
      expect((await call(header, { ...claims, aud: 'https://other.example.com' })).status).toBe(401);
      expect((await call(header, { ...claims, aud: undefined })).status).toBe(401);
      const strict = caller(as, await startWith(platform, { issuer: as.issuer }));
      expect((await strict(header, claims)).status).toBe(401);
    },
  );

  test.each(SERVERS)(
    'RFC8725: the preset for %s refuses its ID tokens, bound or not, although they are for this API',
    async (_name, { preset, header, claims, idToken }) => {
      const as = await startAuthorizationServer(world, { discovery: 'openid' });
      const app = await startWith(platform, preset({ issuer: as.issuer, binding: 'if-bound' }));
      const call = caller(as, app);
      expect((await call(header, { ...claims, cnf: undefined })).status).toBe(200);
      for (const cnf of [{}, { cnf: undefined }]) {
        for (const more of [{}, { nonce: 'n' }, { at_hash: 'h' }]) {
          const { status, headers } = await call(idToken.header, { ...idToken.claims, ...more, ...cnf });
          expect([status, headers['www-authenticate']]).toEqual([
            401,
            expect.stringContaining('invalid_token'),
          ]);
        }
      }
    },
  );

  test.each(SERVERS)('the preset for %s can still be spread beside the issuer', async (_name, tokens) => {
    const as = await startAuthorizationServer(world, { discovery: 'openid' });
    const call = caller(as, await startWith(platform, { issuer: as.issuer, ...tokens.preset }));
    expect((await call(tokens.header, tokens.claims)).status).toBe(200);
    expect((await call(tokens.idToken.header, tokens.idToken.claims)).status).toBe(401);
  });

  test.each(['Keycloak', 'Amazon Cognito', 'ForgeRock', 'Curity'] as const)(
    'the preset for %s demands that the token itself says that it is an access token',
    async (name) => {
      const { preset, header, claims } = SERVER_TOKENS[name];
      const as = await startAuthorizationServer(world, { discovery: 'openid' });
      const call = caller(as, await startWith(platform, preset({ issuer: as.issuer })));
      const silent = {
        ...claims,
        typ: undefined,
        token_type: undefined,
        token_use: undefined,
        tokenName: undefined,
        purpose: undefined,
      };
      expect((await call(header, silent)).status).toBe(401);
      expect((await call(header, { ...silent, typ: 'Logout' })).status).toBe(401);
      expect((await call(header, { ...silent, typ: 'DPoP' })).status).toBe(200);
      expect((await call({ ...header, typ: 'at+jwt' }, silent)).status).toBe(200);
    },
  );

  test('an override of a preset leaves the rest of it as it is', async () => {
    const { header, claims, idToken, preset } = SERVER_TOKENS.Keycloak;
    const as = await startAuthorizationServer(world, { discovery: 'openid' });
    const scope = ['resource_access', 'orders.bank.example', 'roles'];
    const server = preset({ issuer: as.issuer, jwt: { algorithms: ['ES256'] }, claims: { scope } });
    const call = caller(as, await startWith(platform, server));
    const resource_access = { 'orders.bank.example': { roles: ['orders:read'] } };
    const { status, body } = await call(header, { ...claims, resource_access });
    expect([status, body]).toEqual([
      200,
      expect.objectContaining({ clientId: 'tpp-client', scopes: ['orders:read'] }),
    ]);
    expect((await call(idToken.header, idToken.claims)).status).toBe(401);
    const other = preset({ issuer: as.issuer, jwt: { algorithms: ['PS256'] } });
    expect((await caller(as, await startWith(platform, other))(header, claims)).status).toBe(401);
  });
});

describe.each(PLATFORMS)('ID tokens where tokens have no type, on %s', (platform) => {
  const least = { ...bare, sub: 'alice', iat: 1_700_000_000, jti: '1' };
  const start = async (jwt: AuthorizationServerOptions['jwt'] & object) => {
    const as = await startAuthorizationServer(world);
    const requiredClaims = ['sub', 'iat', 'jti'];
    const app = await startWith(platform, {
      issuer: as.issuer,
      audience: 'tpp-client',
      binding: 'if-bound',
      jwt: { requiredClaims, ...jwt },
    });
    const call = caller(as, app);
    return async (header: JsonObject, claims: object) =>
      (await call(header, { ...least, aud: 'tpp-client', cnf: undefined, ...claims })).status;
  };

  test('RFC8725: an unbound ID token of Spring is refused, although its audience is the client, as that of an access token is', async () => {
    const status = await start({ typ: false });
    for (const typ of [undefined, 'JWT']) {
      expect(await status({ typ }, { scope: ['payments:read'] })).toBe(200);
      expect(await status({ typ }, { client_id: 'tpp-client' })).toBe(200);
      expect(await status({ typ }, { azp: 'tpp-client', auth_time: 1_700_000_000, sid: 's' })).toBe(401);
      for (const claims of [
        {},
        { azp: 'c' },
        { sid: 's' },
        { auth_time: 1 },
        { acr: '1' },
        { amr: ['pwd'] },
      ]) {
        expect([claims, await status({ typ }, claims)]).toEqual([claims, 401]);
      }
      expect(await status({ typ }, { scope: null, client_id: null })).toBe(401);
      expect(await status({ typ }, { scope: 'a', s_hash: 'h' })).toBe(401);
    }
  });

  test('RFC8725: recognizedBy names other claims that access tokens alone have', async () => {
    const status = await start({ typ: 'JWT', recognizedBy: [['ext', 'a.b'], 'permissions'] });
    expect(await status({ typ: 'JWT' }, { ext: { 'a.b': 1 } })).toBe(200);
    expect(await status({ typ: 'JWT' }, { permissions: [] })).toBe(200);
    expect(await status({ typ: 'JWT' }, { token_use: 'access' })).toBe(200);
    expect(await status({ typ: 'JWT' }, { scope: 'a', client_id: 'c' })).toBe(401);
    expect(await status({ typ: 'JWT' }, { permissions: [], nonce: 'n' })).toBe(401);
    expect(await status({ typ: 'JWT' }, { permissions: [], token_use: 'id' })).toBe(401);
  });

  test('a type of its own in the header is enough for a server that is configured with it', async () => {
    const status = await start({ typ: 'bank-access+jwt' });
    expect(await status({ typ: 'bank-access+jwt' }, {})).toBe(200);
    expect(await status({ typ: 'bank-access+jwt' }, { nonce: 'n' })).toBe(401);
  });
});
