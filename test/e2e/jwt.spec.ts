import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  type AuthorizationServerOptions,
  type JwtOptions,
  RFC9068_REQUIRED_CLAIMS,
} from 'nestjs-cert-bound-auth';
import type { TestAuthorizationServer, TestJwtOptions } from 'nestjs-cert-bound-auth/testing';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { type Platform, PLATFORMS } from '../support/platforms.js';
import { TokenController } from '../support/token-controller.js';
import {
  createWorld,
  startApi,
  startAuthorizationServer,
  type TokenCall,
  tokenCallTo,
  whenOver,
} from '../support/world.js';

const world = await createWorld();
afterEach(() => {
  vi.useRealTimers();
});

async function startWith(
  platform: Platform,
  ...servers: readonly AuthorizationServerOptions[]
): Promise<{ readonly call: TokenCall }> {
  return { call: tokenCallTo(await startApi(world, platform, servers, [TokenController]), world) };
}

const mint = async (as: TestAuthorizationServer, options: TestJwtOptions = {}): Promise<string> =>
  as.accessToken({ certificate: world.client1, ...options });

describe.each(PLATFORMS)('the discovery of an authorization server on %s', (platform) => {
  test.each(['oauth', 'openid'] as const)('the keys are found through %s metadata', async (discovery) => {
    const as = await startAuthorizationServer(world, { discovery });
    const api = await startWith(platform, { issuer: as.issuer });
    await api.call(await mint(as)).expect(200);
  });

  test.each(['oauth', 'openid'] as const)(
    'the keys of an issuer with a path are found through %s metadata',
    async (discovery) => {
      const as = await startAuthorizationServer(world, { discovery, path: '/realms/bank' });
      const api = await startWith(platform, { issuer: as.issuer });
      await api.call(await mint(as)).expect(200);
      const paths = as.requests.filter(({ endpoint }) => endpoint === 'metadata').map(({ path }) => path);
      expect(paths).toEqual([
        discovery === 'oauth'
          ? '/.well-known/oauth-authorization-server/realms/bank'
          : '/realms/bank/.well-known/openid-configuration',
      ]);
    },
  );

  test('nothing is fetched before a token needs it, and then once for all that come together', async () => {
    const as = await startAuthorizationServer(world);
    const api = await startWith(platform, { issuer: as.issuer });
    expect(as.requests).toEqual([]);
    const tokens = await Promise.all(Array.from({ length: 10 }, async () => mint(as)));
    await Promise.all(tokens.map(async (token) => api.call(token).expect(200)));
    expect([as.count('metadata'), as.count('jwks')]).toEqual([1, 1]);
  });

  test.each([
    ['another issuer', { issuer: 'https://evil.example.com' }],
    ['the issuer with a slash', (issuer: string) => ({ issuer: `${issuer}/` })],
    ['no issuer', {}],
  ])('metadata with %s is not used and makes the API answer 503', async (_name, document) => {
    const as = await startAuthorizationServer(world);
    const body = typeof document === 'function' ? document(as.issuer) : document;
    as.behave('metadata', { status: 200, body: JSON.stringify({ jwks_uri: as.jwksUri, ...body }) });
    const api = await startWith(platform, { issuer: as.issuer });
    const response = await api.call(await mint(as)).expect(503);
    expect(response.headers['retry-after']).toBe('5');
    expect(response.headers['www-authenticate']).toBeUndefined();
    expect(response.body).toMatchObject({ statusCode: 503, error: 'Service Unavailable' });
    expect(as.count('jwks')).toBe(0);
  });

  test.each([
    ['no jwks_uri', {}],
    ['an http: jwks_uri', { jwks_uri: 'http://localhost:1/jwks' }],
    ['a jwks_uri that is no URL', { jwks_uri: 'jwks' }],
    ['a jwks_uri that is no string', { jwks_uri: 7 }],
  ])('metadata with %s makes the API answer 503', async (_name, document) => {
    const as = await startAuthorizationServer(world);
    as.behave('metadata', { status: 200, body: JSON.stringify({ issuer: as.issuer, ...document }) });
    const api = await startWith(platform, { issuer: as.issuer });
    await api.call(await mint(as)).expect(503);
  });

  test('discovery works over plain http on loopback where the option allows it', async () => {
    const as = await startAuthorizationServer(world);
    const server = createServer((request, response) => {
      const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      const metadata = { issuer, jwks_uri: `${issuer}/jwks` };
      response.end(JSON.stringify(request.url === '/jwks' ? { keys: [as.signingKey.jwk] } : metadata));
    });
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    whenOver(async () => {
      server.closeAllConnections();
      server.close();
    });
    const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const api = await startWith(platform, { issuer, http: { allowLoopbackHttp: true } });
    await api.call(await mint(as, { claims: { iss: issuer } })).expect(200);
  });

  test('a configured jwksUri makes discovery unnecessary', async () => {
    const as = await startAuthorizationServer(world, { discovery: 'none' });
    const api = await startWith(platform, { issuer: as.issuer, jwt: { jwksUri: as.jwksUri } });
    await api.call(await mint(as)).expect(200);
    expect(as.count('metadata')).toBe(0);
  });

  test('a configured jwks makes discovery unnecessary, and then the issuer may be any string', async () => {
    const as = await startAuthorizationServer(world);
    const jwks = { keys: [as.signingKey.jwk] };
    const api = await startWith(platform, { issuer: 'urn:bank', jwt: { jwks } });
    await api.call(await mint(as, { claims: { iss: 'urn:bank' } })).expect(200);
    await api.call(await mint(as)).expect(401);
    expect(as.requests).toEqual([]);
  });

  test.each(['status 500', 'hang', 'reset', 'HTML', 'an array', 'a redirect', 'too large', 'down'])(
    'an authorization server with the fault “%s” makes the API answer 503 until it recovers',
    async (fault) => {
      const as = await startAuthorizationServer(world);
      const http = { timeout: 300, maxResponseSize: 10_000 };
      const api = await startWith(platform, { issuer: as.issuer, http });
      const token = await mint(as);
      if (fault === 'down') await as.stop();
      else as.behave('jwks', faults(as)[fault] as 'hang');
      await api.call(token).expect(503);
      if (fault === 'down') await as.resume();
      else as.behave('jwks', 'normal');
      await api.call(token).expect(200);
    },
  );
});

function faults(as: TestAuthorizationServer): Record<string, unknown> {
  return {
    'status 500': { status: 500 },
    hang: 'hang',
    reset: 'reset',
    HTML: { status: 200, body: '<html></html>' },
    'an array': { status: 200, body: '[]' },
    'a redirect': { status: 302, headers: { location: `${as.jwksUri}?again` } },
    'too large': { status: 200, body: JSON.stringify({ keys: [], more: 'x'.repeat(20_000) }) },
  };
}

describe.each(PLATFORMS)('the signing keys of an authorization server on %s', (platform) => {
  test('a key added after boot works without a restart, time after time', async () => {
    const as = await startAuthorizationServer(world);
    const api = await startWith(platform, { issuer: as.issuer });
    const old = await mint(as);
    await api.call(old).expect(200);
    for (let rotation = 0; rotation < 3; rotation++) {
      await as.rotateKeys();
      await api.call(await mint(as)).expect(200);
    }
    await api.call(old).expect(200);
    expect(as.count('jwks')).toBe(4);
  });

  test('unknown keys cause one fetch, not one each', async () => {
    const as = await startAuthorizationServer(world);
    const api = await startWith(platform, { issuer: as.issuer });
    await api.call(await mint(as)).expect(200);
    for (let index = 0; index < 10; index++) {
      await api.call(await mint(as, { header: { kid: `unknown-${index}` } })).expect(401);
    }
    expect(as.count('jwks')).toBe(2);
  });

  test('a new key is found among tokens without kid as well', async () => {
    const as = await startAuthorizationServer(world);
    const api = await startWith(platform, { issuer: as.issuer });
    const publish = (): void => {
      const jwk = { ...as.signingKey.jwk, kid: undefined };
      as.behave('jwks', { status: 200, body: JSON.stringify({ keys: [jwk] }) });
    };
    publish();
    await api.call(await mint(as, { header: { kid: undefined } })).expect(200);
    await as.rotateKeys();
    publish();
    await api.call(await mint(as, { header: { kid: undefined } })).expect(200);
  });

  test('an unknown key is looked for again after the cool-down', async () => {
    const as = await startAuthorizationServer(world);
    const api = await startWith(platform, { issuer: as.issuer });
    await api.call(await mint(as, { header: { kid: 'unknown' } })).expect(401);
    await api.call(await mint(as, { header: { kid: 'unknown' } })).expect(401);
    await as.rotateKeys();
    await api.call(await mint(as)).expect(401);
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 2_100 });
    await api.call(await mint(as)).expect(200);
  });

  test('keys are fetched again when they are ten minutes old, so a withdrawn key stops working', async () => {
    const as = await startAuthorizationServer(world);
    const api = await startWith(platform, { issuer: as.issuer });
    const old = await mint(as, { lifetime: 10_000 });
    await api.call(old).expect(200);
    await as.rotateKeys({ keep: false });
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 601_000 });
    await api.call(old).expect(401);
  });

  test('a key set with broken, private and symmetric keys still serves the others', async () => {
    const as = await startAuthorizationServer(world);
    const { jwk } = as.signingKey;
    const others = [
      null,
      'x',
      {},
      { kty: 'oct', k: 'AAAA' },
      { ...jwk, kid: 'p', d: 'AAAA' },
      { kty: 'RSA', kid: 'b', n: '', e: '' },
    ];
    as.behave('jwks', { status: 200, body: JSON.stringify({ keys: [...others, jwk] }) });
    const api = await startWith(platform, { issuer: as.issuer });
    await api.call(await mint(as)).expect(200);
    for (const kid of ['p', 'b']) await api.call(await mint(as, { header: { kid } })).expect(401);
  });

  test('FAPI2-3: keys without a kid, or with the same one, are tried in turn', async () => {
    const as = await startAuthorizationServer(world);
    const first = as.signingKey.jwk;
    await as.rotateKeys();
    for (const kid of [undefined, 'same']) {
      const keys = [first, as.signingKey.jwk].map((jwk) => ({ ...jwk, kid }));
      as.behave('jwks', { status: 200, body: JSON.stringify({ keys }) });
      const api = await startWith(platform, { issuer: as.issuer });
      await api.call(await mint(as, { header: { kid } })).expect(200);
      await api.call(await mint(as, { header: { kid }, fault: 'foreign-key' })).expect(401);
    }
  });

  test.each(['ES256', 'ES384', 'PS256', 'RS256', 'EdDSA'] as const)(
    'the algorithm %s is accepted by default',
    async (algorithm) => {
      const as = await startAuthorizationServer(world, { algorithm });
      const api = await startWith(platform, { issuer: as.issuer });
      await api.call(await mint(as)).expect(200);
      const strict = await startWith(platform, { issuer: as.issuer, jwt: { algorithms: ['ES512'] } });
      await strict.call(await mint(as)).expect(401);
    },
  );

  test('FAPI2-6: issuers do not vouch for each other, and each has its own audience and binding', async () => {
    const one = await startAuthorizationServer(world);
    const two = await startAuthorizationServer(world);
    const api = await startWith(
      platform,
      { issuer: one.issuer },
      { issuer: two.issuer, audience: ['urn:two', 'urn:zwei'], binding: 'if-bound' },
    );
    await api.call(await mint(one)).expect(200);
    await api.call(await mint(two, { audience: 'urn:zwei' })).expect(200);
    await api.call(await mint(two)).expect(401);
    await api.call(await mint(one, { audience: 'urn:two' })).expect(401);
    await api.call(await mint(two, { claims: { iss: one.issuer } })).expect(401);
    await api
      .call(await mint(two, { claims: { iss: one.issuer }, header: { kid: one.signingKey.jwk.kid } }))
      .expect(401);
    const unbound = { audience: 'urn:two' };
    const response = await api.call(await two.accessToken(unbound)).expect(200);
    expect(response.body).toMatchObject({ boundBy: [], confirmation: {} });
    await api.call(await two.accessToken({ ...unbound, certificate: world.client2 })).expect(401);
    await api.call(await one.accessToken()).expect(401);
  });
});

describe.each(PLATFORMS)('the claims of a JWT on %s', (platform) => {
  const startJwt = async (jwt: JwtOptions, more: Partial<AuthorizationServerOptions> = {}) => {
    const as = await startAuthorizationServer(world);
    const api = await startWith(platform, { issuer: as.issuer, jwt, ...more });
    return { as, call: async (options: TestJwtOptions) => (await api.call(await mint(as, options))).status };
  };

  test('RFC9068-3: all claims of the profile are required by default', async () => {
    const { call } = await startJwt({});
    for (const claim of ['iss', 'aud', 'exp', ...RFC9068_REQUIRED_CLAIMS]) {
      expect([claim, await call({ claims: { [claim]: undefined } })]).toEqual([claim, 401]);
    }
  });

  test('requiredClaims replaces the last four required claims, never the first three', async () => {
    const { call } = await startJwt({ requiredClaims: ['acr'] });
    expect(await call({})).toBe(401);
    expect(await call({ claims: { acr: 'high' } })).toBe(200);
    const bare = { acr: 'high', sub: undefined, client_id: undefined, iat: undefined, jti: undefined };
    expect(await call({ claims: bare })).toBe(200);
    for (const claim of ['iss', 'aud', 'exp']) {
      expect(await call({ claims: { ...bare, [claim]: undefined } })).toBe(401);
    }
  });

  test('the claims in forbiddenClaims must be absent', async () => {
    const { call } = await startJwt({ forbiddenClaims: ['act'] });
    expect(await call({})).toBe(200);
    expect(await call({ claims: { act: null } })).toBe(401);
  });

  test('maxTokenAge counts from iat, which it needs', async () => {
    const { call } = await startJwt({ maxTokenAge: 60, requiredClaims: [] });
    const now = Math.floor(Date.now() / 1000);
    expect(await call({ claims: { iat: now - 55 } })).toBe(200);
    expect(await call({ claims: { iat: now - 70 } })).toBe(401);
    expect(await call({ claims: { iat: undefined } })).toBe(401);
  });

  test('the option claims names where scope and client are', async () => {
    const as = await startAuthorizationServer(world);
    const api = await startWith(platform, { issuer: as.issuer, claims: { scope: 'scp', clientId: 'azp' } });
    const claims = { client_id: undefined, azp: 'app-1', scp: ['a', 'b', 7] };
    const response = await api.call(await mint(as, { scope: 'c', claims })).expect(200);
    expect(response.body).toMatchObject({ clientId: 'app-1', scopes: ['a', 'b'] });
    await api.call(await mint(as, { claims: { azp: undefined } })).expect(401);
  });

  test('RFC9068-1: typ must be that of the profile, and where JWT is admitted ID tokens are still refused', async () => {
    const strict = await startJwt({});
    expect(await strict.call({ header: { typ: 'application/AT+jwt' } })).toBe(200);
    expect(await strict.call({ header: { typ: 'JWT' } })).toBe(401);
    expect(await strict.call({ header: { typ: undefined } })).toBe(401);
    expect(await strict.call({ claims: { nonce: 'n' } })).toBe(200);

    const keycloak = await startJwt({ typ: 'JWT' });
    expect(await keycloak.call({ header: { typ: 'JWT' } })).toBe(200);
    expect(await keycloak.call({ header: { typ: 'at+jwt' } })).toBe(401);
    for (const claims of [
      { nonce: 'n' },
      { at_hash: 'h' },
      { c_hash: 'h' },
      { typ: 'ID' },
      { token_use: 'id' },
    ]) {
      expect([claims, await keycloak.call({ header: { typ: 'JWT' }, claims })]).toEqual([claims, 401]);
    }

    const either = await startJwt({ typ: ['JWT', 'at+jwt'] });
    expect(await either.call({ header: { typ: 'jwt' } })).toBe(200);
    expect(await either.call({ header: { typ: 'at+jwt' } })).toBe(200);
    expect(await either.call({ header: { typ: undefined } })).toBe(401);

    const untyped = await startJwt({ typ: false });
    for (const typ of [undefined, 'JWT', 'at+jwt']) expect(await untyped.call({ header: { typ } })).toBe(200);
    for (const typ of ['dpop+jwt', 'token-introspection+jwt', 'logout+jwt', '', 7, null]) {
      expect([typ, await untyped.call({ header: { typ } })]).toEqual([typ, 401]);
    }
  });

  test('invariant 5: nothing is accepted past exp + clockTolerance', async () => {
    const as = await startAuthorizationServer(world);
    const api = await startWith(platform, { issuer: as.issuer });
    const token = await mint(as, { lifetime: 60 });
    await api.call(token).expect(200);
    const { exp } = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as {
      exp: number;
    };
    vi.useFakeTimers({ toFake: ['Date'] });
    vi.setSystemTime(exp * 1000 + 4_999);
    await api.call(token).expect(200);
    vi.setSystemTime(exp * 1000 + 5_000);
    await api.call(token).expect(401);
  });
});
