import { Controller, Get } from '@nestjs/common';
import { exportJWK, exportPKCS8, generateKeyPair } from 'jose';
import { KeyObject } from 'node:crypto';
import {
  AccessToken,
  type AuthorizationServerOptions,
  type RemoteIntrospectionOptions,
  type VerifiedAccessToken,
} from 'nestjs-cert-bound-auth';
import type {
  TestAuthorizationServer,
  TestServerRequest,
  TestTokenOptions,
} from 'nestjs-cert-bound-auth/testing';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { type Platform, PLATFORMS } from '../support/platforms.js';
import {
  API_CLIENT,
  createWorld,
  startApi,
  startAuthorizationServer,
  type TokenCall,
  tokenCallTo,
} from '../support/world.js';

@Controller()
class TokenController {
  @Get() token(@AccessToken() token: VerifiedAccessToken): object {
    const shown = { ...token, scopes: [...token.scopes], claims: structuredClone(token.claims) };
    // Invariant 9: what a handler changes is its own.
    (token.scopes as Set<string>).add('stolen');
    (token.claims as Record<string, unknown>)['stolen'] = true;
    (token.claims['cnf'] as Record<string, unknown>)['x5t#S256'] = 'stolen';
    return shown;
  }
}

const world = await createWorld();
afterEach(() => {
  vi.useRealTimers();
});

async function startWith(
  platform: Platform,
  as: TestAuthorizationServer,
  introspection: Partial<RemoteIntrospectionOptions> = {},
  server: Partial<AuthorizationServerOptions> = {},
): Promise<{ readonly call: TokenCall }> {
  const options = { clientAuthentication: API_CLIENT, ...introspection };
  const trusted = [{ issuer: as.issuer, introspection: options, ...server }];
  return { call: tokenCallTo(await startApi(world, platform, trusted, [TokenController]), world) };
}

const opaque = (as: TestAuthorizationServer, options: TestTokenOptions = {}): string =>
  as.opaqueToken({ certificate: world.client1, ...options });

function lastIntrospection(as: TestAuthorizationServer): TestServerRequest {
  const request = as.requests.findLast(({ endpoint }) => endpoint === 'introspection');
  if (request === undefined) throw new Error('no introspection yet');
  return request;
}

describe.each(PLATFORMS)('the introspection of opaque tokens on %s', (platform) => {
  test('INV3: an answer that is nested too deeply is an outage', async () => {
    const as = await startAuthorizationServer(world);
    const api = await startWith(platform, as);
    const [deep, cnf] = ['['.repeat(20_000) + ']'.repeat(20_000), { 'x5t#S256': world.client1.thumbprint }];
    const claims = { active: true, aud: 'https://api.example.com', exp: 9_999_999_999, cnf };
    const body = `{"deep":${deep},${JSON.stringify(claims).slice(1)}`;
    as.behave('introspection', { status: 200, body });
    expect((await api.call('x')).status).toBe(503);
  });

  test('an opaque token is looked up and has the same shape as a JWT', async () => {
    const as = await startAuthorizationServer(world);
    const api = await startWith(platform, as);
    const { status, body } = await api.call(opaque(as, { scope: 'a b' }));
    expect(status).toBe(200);
    expect(body).toMatchObject({
      issuer: as.issuer,
      subject: 'user-1',
      clientId: 'client-1',
      audience: ['https://api.example.com'],
      scopes: ['a', 'b'],
      confirmation: { certificateThumbprint: world.client1.thumbprint },
      boundBy: ['certificate'],
      claims: { active: true },
    });
    expect((await api.call(opaque(as), 'client2')).status).toBe(401);
    expect(lastIntrospection(as).form.get('token_type_hint')).toBe('access_token');
  });

  test('an answer without sub, jti, iat, iss and scope is enough (RFC 7662 §2.2)', async () => {
    const as = await startAuthorizationServer(world);
    const api = await startWith(platform, as);
    const claims = { sub: undefined, jti: undefined, iat: undefined, iss: undefined };
    const { status, body } = await api.call(opaque(as, { claims }));
    expect([status, (body as { scopes: unknown }).scopes]).toEqual([200, []]);
  });

  test('an opaque token is refused where there is no introspection, and nothing is asked', async () => {
    const as = await startAuthorizationServer(world);
    const api = await startWith(platform, as, {}, { introspection: undefined as never });
    expect((await api.call(opaque(as))).status).toBe(401);
    expect(as.requests).toEqual([]);
  });

  test('the endpoint, parameters and headers are as configured, and a token adds no parameters of its own', async () => {
    const as = await startAuthorizationServer(world, { discovery: 'none' });
    const api = await startWith(
      platform,
      as,
      {
        endpoint: as.introspectionEndpoint,
        parameters: { resource: 'a&b=c' },
        headers: { 'x-tenant': 'bank' },
      },
      { jwt: { jwksUri: as.jwksUri } },
    );
    expect((await api.call(opaque(as))).status).toBe(200);
    const { form, headers } = lastIntrospection(as);
    expect(form.get('resource')).toBe('a&b=c');
    expect(headers['x-tenant']).toBe('bank');
    expect((await api.call('abc+/~.def==')).status).toBe(401);
    expect(lastIntrospection(as).form.get('token')).toBe('abc+/~.def==');
  });

  test('RFC7662-2: aud is required unless the option is if-present, and is then still checked', async () => {
    const as = await startAuthorizationServer(world);
    const strict = await startWith(platform, as);
    const loose = await startWith(platform, as, { audience: 'if-present' });
    const without = { claims: { aud: undefined } };
    expect((await strict.call(opaque(as, without))).status).toBe(401);
    const response = await loose.call(opaque(as, without));
    expect([response.status, (response.body as { audience: unknown }).audience]).toEqual([200, []]);
    expect((await loose.call(opaque(as, { audience: 'other' }))).status).toBe(401);
  });

  test('concurrent look-ups of one token are one call, also without a cache', async () => {
    const as = await startAuthorizationServer(world);
    const api = await startWith(platform, as);
    await api.call(opaque(as));
    const before = as.count('introspection');
    const token = opaque(as);
    const responses = await Promise.all(Array.from({ length: 10 }, async () => api.call(token)));
    expect(responses.map(({ status }) => status)).toEqual(Array.from({ length: 10 }, () => 200));
    expect(as.count('introspection') - before).toBeLessThan(10);
    await api.call(token);
    as.revoke(token);
    expect((await api.call(token)).status).toBe(401);
  });
});

describe.each(PLATFORMS)('the introspection cache on %s', (platform) => {
  const later = (seconds: number): void => {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + seconds * 1000 });
  };

  test('the cache keeps active answers for ttl, and every check still runs behind it', async () => {
    const as = await startAuthorizationServer(world);
    const api = await startWith(platform, as, { cache: {} });
    const token = opaque(as, { lifetime: 600, scope: 'a' });
    expect((await api.call(token)).body).toMatchObject({ scopes: ['a'] });
    as.revoke(token);
    const { status, body } = await api.call(token);
    expect([status, (body as { scopes: unknown }).scopes]).toEqual([200, ['a']]);
    expect((body as VerifiedAccessToken).claims).not.toHaveProperty('stolen');
    expect((await api.call(token, 'client2')).status).toBe(401);
    expect(as.count('introspection')).toBe(1);
    later(61);
    expect((await api.call(token)).status).toBe(401);
    expect(as.count('introspection')).toBe(2);
  });

  test('the cache never keeps an answer past exp', async () => {
    const as = await startAuthorizationServer(world);
    const api = await startWith(platform, as, { cache: { ttl: 3600 } });
    const token = opaque(as, { lifetime: 30 });
    expect((await api.call(token)).status).toBe(200);
    later(31);
    expect((await api.call(token)).status).toBe(200);
    expect(as.count('introspection')).toBe(2);
    later(5);
    expect((await api.call(token)).status).toBe(401);
  });

  test('the cache keeps inactive answers for a shorter time', async () => {
    const as = await startAuthorizationServer(world);
    const api = await startWith(platform, as, { cache: { negativeTtl: 5 } });
    for (const _ of [1, 2]) expect((await api.call('unknown-token')).status).toBe(401);
    expect(as.count('introspection')).toBe(1);
    later(6);
    expect((await api.call('unknown-token')).status).toBe(401);
    expect(as.count('introspection')).toBe(2);
  });

  test('the cache has a bound', async () => {
    const as = await startAuthorizationServer(world);
    const api = await startWith(platform, as, { cache: { maxEntries: 2 } });
    const tokens = [opaque(as), opaque(as), opaque(as)];
    for (const token of tokens) await api.call(token);
    await api.call(tokens[0] ?? '');
    expect(as.count('introspection')).toBe(4);
    await api.call(tokens[0] ?? '');
    expect(as.count('introspection')).toBe(4);
  });

  test('the cache keeps no outage', async () => {
    const as = await startAuthorizationServer(world);
    const api = await startWith(platform, as, { cache: {} });
    const token = opaque(as);
    as.behave('introspection', { status: 500 });
    expect((await api.call(token)).status).toBe(503);
    as.behave('introspection', 'normal');
    expect((await api.call(token)).status).toBe(200);
  });
});

describe.each(PLATFORMS)('client authentication at the introspection endpoint on %s', (platform) => {
  test('client_secret_basic form-encodes id and secret first (RFC 6749 §2.3.1)', async () => {
    const client = { clientId: 'api:1 ü', clientSecret: 's%e:c r+e&t' };
    const as = await startAuthorizationServer(world, { introspectionClient: client });
    const api = await startWith(platform, as, {
      clientAuthentication: { method: 'client_secret_basic', ...client },
    });
    expect((await api.call(opaque(as))).status).toBe(200);
    const [, credentials = ''] = (lastIntrospection(as).headers['authorization'] as string).split(' ');
    expect(Buffer.from(credentials, 'base64').toString()).toBe('api%3A1+%C3%BC:s%25e%3Ac+r%2Be%26t');
  });

  test.each(['PEM', 'JWK', 'KeyObject', 'CryptoKey'])(
    'private_key_jwt takes the key as a %s',
    async (form) => {
      const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true });
      const publicJwk = await exportJWK(publicKey);
      const as = await startAuthorizationServer(world, {
        introspectionClient: { clientId: 'api', publicKey: publicJwk },
      });
      const keys = {
        PEM: await exportPKCS8(privateKey),
        JWK: { ...(await exportJWK(privateKey)), kid: 'from-jwk' },
        KeyObject: KeyObject.from(privateKey),
        CryptoKey: privateKey,
      };
      const key = keys[form as 'PEM'];
      const api = await startWith(platform, as, {
        clientAuthentication: { method: 'private_key_jwt', clientId: 'api', key, algorithm: 'ES256' },
      });
      expect((await api.call(opaque(as))).status).toBe(200);
      expect((await api.call(opaque(as))).status).toBe(200);
      const assertions = as.requests.flatMap(({ form: sent }) => sent.getAll('client_assertion'));
      expect(new Set(assertions).size).toBe(2);
      const [header = '', payload = ''] = (assertions[0] ?? '')
        .split('.')
        .map((part) => Buffer.from(part, 'base64url').toString());
      expect(JSON.parse(header)).toEqual({
        alg: 'ES256',
        typ: 'JWT',
        ...(form === 'JWK' ? { kid: 'from-jwk' } : {}),
      });
      expect(JSON.parse(payload)).toMatchObject({ iss: 'api', sub: 'api', aud: as.issuer });
    },
  );

  test('RFC8705-5: tls_client_auth presents a certificate, at the alias where there is one', async () => {
    const certificate = await world.ca.issueClientCertificate('api');
    const as = await startAuthorizationServer(world, {
      introspectionClient: { clientId: 'api', certificate },
    });
    const tls = { ca: world.ca.cert, key: certificate.key, cert: certificate.cert };
    const introspection = { clientAuthentication: { method: 'tls_client_auth', clientId: 'api' } } as const;
    const api = await startWith(platform, as, introspection, { tls });
    expect((await api.call(opaque(as))).status).toBe(200);
    expect(lastIntrospection(as).certificateThumbprint).toBe(certificate.thumbprint);

    const metadata = {
      issuer: as.issuer,
      jwks_uri: as.jwksUri,
      introspection_endpoint: `${as.issuer}/nowhere`,
      mtls_endpoint_aliases: { introspection_endpoint: as.introspectionEndpoint },
    };
    as.behave('metadata', { status: 200, body: JSON.stringify(metadata) });
    const aliased = await startWith(platform, as, introspection, { tls });
    expect((await aliased.call(opaque(as))).status).toBe(200);
    const bySecret = await startWith(platform, as);
    expect((await bySecret.call(opaque(as))).status).toBe(503);
  });

  test('a refusal of our own credentials is our fault, so it is 503 and not 401', async () => {
    const as = await startAuthorizationServer(world);
    const api = await startWith(platform, as, {
      clientAuthentication: { ...API_CLIENT, clientSecret: 'wrong' },
    });
    expect((await api.call(opaque(as))).status).toBe(503);
  });
});

describe.each(PLATFORMS)('invariant 3: what the endpoint answers, on %s', (platform) => {
  test.each([
    [400, '{"error":"unsupported_token_type"}', 401],
    [400, '{"error":"invalid_request"}', 401],
    [400, '', 503],
    [400, '{}', 503],
    [400, '<html>No required SSL certificate was sent</html>', 503],
    [400, '{"error":"invalid_client"}', 503],
    [400, '{"error":"unauthorized_client"}', 503],
    [401, '{"error":"invalid_client"}', 503],
    [401, '', 503],
    [403, '', 503],
    [404, '', 503],
    [429, '', 503],
    [500, '{"active":false}', 503],
    [302, '{"active":true}', 503],
    [204, '', 503],
    [200, '', 503],
    [200, 'null', 503],
    [200, '[]', 503],
    [200, '"active"', 503],
    [200, '<html>', 503],
    [200, '{"active":', 503],
    [200, '{}', 503],
    [200, '{"active":"true"}', 401],
    [200, '{"active":1}', 401],
    [200, '{"active":null}', 401],
    [200, '{"active":false}', 401],
  ])('an endpoint that answers %i %s makes the API answer %i', async (status, body, expected) => {
    const as = await startAuthorizationServer(world);
    const api = await startWith(platform, as);
    const token = opaque(as);
    as.behave('introspection', { status, body, headers: { location: as.introspectionEndpoint } });
    const response = await api.call(token);
    expect(response.status).toBe(expected);
    expect(response.headers['retry-after'] !== undefined).toBe(expected === 503);
    as.behave('introspection', 'normal');
    expect((await api.call(token)).status).toBe(200);
  });

  test.each(['hang', 'reset'] as const)(
    'an endpoint that does not answer (%s) makes the API answer 503',
    async (behaviour) => {
      const as = await startAuthorizationServer(world);
      const api = await startWith(platform, as, {}, { http: { timeout: 200 } });
      as.behave('introspection', behaviour);
      expect((await api.call(opaque(as))).status).toBe(503);
    },
  );

  test('FAPI2-4: an authorization server that is down, or has a certificate of another CA, makes the API answer 503', async () => {
    const as = await startAuthorizationServer(world);
    const api = await startWith(platform, as);
    const untrusting = await startWith(platform, as, {}, { tls: { ca: (await createWorld()).ca.cert } });
    expect((await untrusting.call(opaque(as))).status).toBe(503);
    expect(as.requests).toEqual([]);
    const token = opaque(as);
    expect((await api.call(token)).status).toBe(200);
    await as.stop();
    expect((await api.call(token)).status).toBe(503);
    await as.resume();
    expect((await api.call(token)).status).toBe(200);
  });
});

describe.each(PLATFORMS)("introspection with tokens: 'all' on %s", (platform) => {
  const known = async (
    as: TestAuthorizationServer,
    answer: Record<string, unknown> = {},
  ): Promise<string> => {
    const token = await as.accessToken({ certificate: world.client1 });
    const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as object;
    const whole = Object.entries({ active: true, ...claims, ...answer });
    as.answerIntrospection(token, Object.fromEntries(whole.filter(([, value]) => value !== undefined)));
    return token;
  };

  test('FAPI2-1: a JWT is verified locally and introspected as well', async () => {
    const as = await startAuthorizationServer(world);
    const api = await startWith(platform, as, { tokens: 'all' });
    const token = await known(as);
    expect((await api.call(token)).status).toBe(200);
    as.revoke(token);
    expect((await api.call(token)).status).toBe(401);
    const asked = as.count('introspection');
    expect(
      (await api.call(await as.accessToken({ certificate: world.client1, fault: 'tampered' }))).status,
    ).toBe(401);
    expect(as.count('introspection')).toBe(asked);
    expect((await api.call(opaque(as))).status).toBe(200);
  });

  test.each([
    ['no cnf', { cnf: undefined }],
    ['another cnf', { cnf: { 'x5t#S256': 'A'.repeat(43) } }],
    ['an additional member of cnf', { cnf: { 'x5t#S256': 'A'.repeat(43), jkt: 'x' } }],
    ['another iss', { iss: 'https://other.example.com' }],
    ['the aud of other APIs', { aud: ['other'] }],
    ['another jti', { jti: 'other' }],
    ['another subject', { sub: 'other' }],
    ['another client', { client_id: 'other' }],
    ['no exp', { exp: undefined }],
  ])('RFC7662-2: a JWT whose answer has %s is refused', async (_name, answer) => {
    const as = await startAuthorizationServer(world);
    const api = await startWith(platform, as, { tokens: 'all' });
    expect((await api.call(await known(as, answer))).status).toBe(401);
  });

  test('an answer may leave out aud with if-present, and may order aud as it likes', async () => {
    const as = await startAuthorizationServer(world);
    const api = await startWith(platform, as, { tokens: 'all', audience: 'if-present' });
    expect((await api.call(await known(as, { aud: undefined }))).status).toBe(200);
    expect((await api.call(await known(as, { aud: ['https://api.example.com'] }))).status).toBe(200);
  });

  test('a JWT is only introspected with jwt: false', async () => {
    const as = await startAuthorizationServer(world);
    const api = await startWith(platform, as, {}, { jwt: false });
    const token = await known(as);
    expect((await api.call(token)).status).toBe(200);
    as.revoke(token);
    expect((await api.call(token)).status).toBe(401);
    expect(as.count('jwks')).toBe(0);
  });
});
