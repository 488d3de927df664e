import { Controller, Get, type INestApplication, Post, type Type, VersioningType } from '@nestjs/common';
import {
  AnyScope,
  AuthorizationDetails,
  CertBoundAuthModule,
  type CertBoundAuthOptions,
  describeEntrances,
  type ProtectedResourceOptions,
  Public,
  Scopes,
} from 'nestjs-cert-bound-auth';
import { assertNothingOpen } from 'nestjs-cert-bound-auth/testing';
import { createLocalJWKSet, exportJWK, jwtVerify } from 'jose';
import { describe, expect, test } from 'vitest';
import { newKeyPair } from '../support/key-pair.js';
import { type Platform, PLATFORMS, startApp } from '../support/platforms.js';
import { type ProtectedApi, startProtectedApi } from '../support/protected-api.js';
import { challengeOf, clientOf, createWorld, startApi, whenOver } from '../support/world.js';

@Controller('payments')
@Scopes('payments:read')
class PaymentsController {
  @Get() list(): string {
    return 'listed';
  }
  @Post() @AnyScope('payments:write', 'admin') create(): string {
    return 'created';
  }
  @Post('initiate')
  @AuthorizationDetails('payment_initiation', { actions: ['initiate'] })
  initiate(): string {
    return 'initiated';
  }
  @Get('open') @Public() open(): string {
    return 'open';
  }
}

/** Takes every path for its own. */
@Controller()
class EveryPathController {
  @Get('*') answer(): string {
    return 'every path';
  }
}

const RESOURCE = 'https://api.example.com';
const DOCUMENT = '/.well-known/oauth-protected-resource';

const world = await createWorld();

interface Started {
  readonly resource?: Partial<ProtectedResourceOptions>;
  readonly options?: Partial<CertBoundAuthOptions>;
  readonly controllers?: readonly Type[];
  readonly configure?: (app: INestApplication) => void;
  readonly globalGuards?: boolean;
}

describe.each(PLATFORMS)('the metadata of a protected resource on %s', (platform: Platform) => {
  const start = async ({
    resource = {},
    options = {},
    controllers = [PaymentsController],
    ...others
  }: Started = {}): Promise<INestApplication> =>
    startApi(world, platform, { issuer: 'https://as.example.com' }, controllers, {
      options: { protectedResource: { resource: RESOURCE, ...resource }, ...options },
      ...others,
    });
  const documentOf = async (started: Started): Promise<unknown> => {
    const app = await start(started);
    return (await clientOf(app, world).get(DOCUMENT).expect(200)).body;
  };

  test('RFC9728-1, RFC9728-7, RFC9728-13: anyone gets a JSON object that says what the module enforces', async () => {
    const response = await clientOf(await start(), world)
      .get(DOCUMENT)
      .expect(200);
    expect(response.headers).toMatchObject({
      'content-type': 'application/json',
      'cache-control': 'public, max-age=3600',
    });
    expect(response.body).toEqual({
      resource: RESOURCE,
      authorization_servers: ['https://as.example.com'],
      bearer_methods_supported: ['header'],
      tls_client_certificate_bound_access_tokens: true,
    });
  });

  test('RFC9728-7, RFC9396-12: what the options tell is in the document, with the algorithms for DPoP proofs', async () => {
    const told = await documentOf({
      resource: {
        name: 'Payments',
        documentation: 'https://docs.example.com',
        policyUri: 'https://docs.example.com/policy',
        termsOfServiceUri: 'https://docs.example.com/terms',
        scopesSupported: ['payments:read'],
        authorizationDetailsTypes: ['payment_initiation'],
      },
      options: { dpop: { publicUrl: RESOURCE, algorithms: ['ES256'] } },
    });
    expect(told).toMatchObject({
      resource_name: 'Payments',
      resource_documentation: 'https://docs.example.com',
      resource_policy_uri: 'https://docs.example.com/policy',
      resource_tos_uri: 'https://docs.example.com/terms',
      scopes_supported: ['payments:read'],
      authorization_details_types_supported: ['payment_initiation'],
      dpop_signing_alg_values_supported: ['ES256'],
    });
  });

  test('RFC9728-8: it says that every token must be DPoP-bound only where no certificate can be proved', async () => {
    const dpop = { publicUrl: RESOURCE };
    expect(await documentOf({ options: { dpop } })).not.toHaveProperty('dpop_bound_access_tokens_required');
    const authorizationServers = [{ issuer: 'https://as.example.com' }];
    const protectedResource = { resource: RESOURCE };
    const withoutTls = async (binding: 'required' | 'if-bound'): Promise<unknown> => {
      const auth = CertBoundAuthModule.forRoot({
        audience: RESOURCE,
        authorizationServers,
        dpop,
        binding,
        protectedResource,
      });
      class App {}
      const app = await startApp(platform, { module: App, imports: [auth] });
      whenOver(async () => app.close());
      const response = await fetch(`${await app.getUrl()}${DOCUMENT}`);
      return response.json();
    };
    const required = await withoutTls('required');
    expect(required).toHaveProperty('dpop_bound_access_tokens_required', true);
    expect(required).not.toHaveProperty('tls_client_certificate_bound_access_tokens');
    expect(await withoutTls('if-bound')).not.toHaveProperty('dpop_bound_access_tokens_required');
  });

  test('RFC9728-13, RFC9396-12: it names the scopes and types that handlers demand only where the app says so', async () => {
    expect(
      await documentOf({
        resource: { scopesSupported: 'enforced', authorizationDetailsTypes: 'enforced' },
      }),
    ).toMatchObject({
      scopes_supported: ['payments:read', 'payments:write', 'admin'],
      authorization_details_types_supported: ['payment_initiation'],
    });
  });

  test('MCP-9: it never names offline_access, though a handler demands it', async () => {
    @Controller()
    class OfflineController {
      @Get() @Scopes('offline_access', 'a') get(): void {}
    }
    const resource = { scopesSupported: 'enforced' } as const;
    expect(await documentOf({ resource, controllers: [OfflineController] })).toMatchObject({
      scopes_supported: ['a'],
    });
  });

  test.each([
    ['https://api.example.com/', ''],
    ['https://api.example.com/payments', '/payments'],
    ['https://api.example.com/payments/', '/payments/'],
    ['https://api.example.com/a:b/(c)*', '/a:b/(c)*'],
    ['https://api.example.com/?t=1', '?t=1'],
  ])('RFC9728-3, RFC9728-4: the document of %s is where the identifier says', async (resource, end) => {
    const app = await start({ resource: { resource } });
    const { body } = await clientOf(app, world).get(`${DOCUMENT}${end}`).expect(200);
    expect(body).toHaveProperty('resource', resource);
    await clientOf(app, world).get(`${DOCUMENT}/elsewhere`).expect(401);
    const other = resource.endsWith('=1') ? `${DOCUMENT}?t=2` : `${DOCUMENT}${end}/x`;
    await clientOf(app, world).get(other).expect(401);
  });

  test.each([
    ['http', 'http://api.example.com'],
    ['a fragment', 'https://api.example.com/payments#part'],
    ['userinfo', 'https://user@api.example.com'],
    ['a name alone', 'api.example.com'],
  ])('RFC9728-2: an identifier with %s stops the boot', async (_, resource) => {
    await expect(start({ resource: { resource } })).rejects.toThrow(/- protectedResource\.resource /);
  });

  test('RFC9728-6: a member without values is left out', async () => {
    for (const resource of [
      { scopesSupported: [], authorizationDetailsTypes: 'enforced' },
      { scopesSupported: 'enforced' },
    ] as const) {
      const told = await documentOf({ resource, controllers: [EveryPathController] });
      expect(Object.keys(told as object)).toEqual([
        'resource',
        'authorization_servers',
        'bearer_methods_supported',
        'tls_client_certificate_bound_access_tokens',
      ]);
    }
  });

  test('RFC9728-10: signed metadata says the same, and who vouches for it', async () => {
    const { privateKey, publicKey } = newKeyPair('ec', { namedCurve: 'P-256' });
    const signWith = {
      key: privateKey,
      algorithm: 'ES256',
      issuer: 'https://registry.example.com',
      keyId: 'k',
    } as const;
    const { signed_metadata: jwt, ...plain } = (await documentOf({ resource: { signWith } })) as {
      readonly signed_metadata: string;
    };
    const keys = createLocalJWKSet({ keys: [{ ...(await exportJWK(publicKey)), kid: 'k' }] });
    const { payload, protectedHeader } = await jwtVerify(jwt, keys);
    const { iss, iat, ...members } = payload;
    expect(protectedHeader).toEqual({ alg: 'ES256', kid: 'k', typ: 'oauth-protected-resource+jwt' });
    expect(iss).toBe('https://registry.example.com');
    expect(iat).toBeTypeOf('number');
    expect(members).toEqual(plain);
  });

  test('RFC9728-15: a page of any origin may read it, after a preflight too', async () => {
    const app = await start({ configure: (nest) => nest.enableCors({ origin: 'https://other.example' }) });
    const got = await clientOf(app, world).get(DOCUMENT).set('Origin', 'https://page.example').expect(200);
    expect(got.headers['access-control-allow-origin']).toBe('*');
    const preflight = await clientOf(app, world)
      .options(DOCUMENT)
      .set('Origin', 'https://page.example')
      .set('Access-Control-Request-Method', 'GET')
      .set('Access-Control-Request-Headers', 'mcp-protocol-version')
      .expect(204);
    expect(preflight.headers).toMatchObject({
      'access-control-allow-origin': '*',
      'access-control-allow-headers': '*',
    });
  });

  test('RFC9728-16: prefix, versions, middleware and routes of the app do not hide it', async () => {
    const app = await start({
      controllers: [EveryPathController],
      configure: (nest) => {
        nest.setGlobalPrefix('v1');
        nest.enableVersioning({ type: VersioningType.URI, defaultVersion: '1' });
      },
    });
    expect((await clientOf(app, world).get(DOCUMENT).expect(200)).body).toHaveProperty('resource', RESOURCE);
    const every = await start({ controllers: [EveryPathController] });
    expect((await clientOf(every, world).get(DOCUMENT).expect(200)).body).toHaveProperty(
      'resource',
      RESOURCE,
    );
  });

  test('RFC9728-16: HEAD has the headers of GET and no body, and other methods are refused', async () => {
    const app = await start();
    const head = await clientOf(app, world).head(DOCUMENT).expect(200);
    expect(Number(head.headers['content-length'])).toBeGreaterThan(0);
    const post = await clientOf(app, world).post(DOCUMENT).expect(405);
    expect(post.headers['allow']).toBe('GET, HEAD, OPTIONS');
  });

  test('it is served where the app has no global guard as well', async () => {
    const app = await start({ globalGuards: false });
    await clientOf(app, world).get(DOCUMENT).expect(200);
  });

  test('it is listed as a public entrance, and needs to be named in assertNothingOpen', async () => {
    const app = await start();
    expect(describeEntrances(app)).toContainEqual(
      expect.objectContaining({ kind: 'path', name: DOCUMENT, access: 'public' }),
    );
    assertNothingOpen(app, { except: [DOCUMENT, 'GET /payments/open'] });
  });

  test('nothing is served, and no challenge names it, where the option is not given', async () => {
    const { app } = await startProtectedApi(world, platform, [PaymentsController]);
    const response = await clientOf(app, world).get(DOCUMENT).expect(401);
    expect(challengeOf(response)).toBe('Bearer');
  });
});

describe.each(PLATFORMS)('a challenge that names the metadata on %s', (platform: Platform) => {
  const resource = 'https://api.example.com/payments';
  const metadata =
    'resource_metadata="https://api.example.com/.well-known/oauth-protected-resource/payments"';
  const startWith = async (options: Partial<CertBoundAuthOptions> = {}): Promise<ProtectedApi> =>
    startProtectedApi(world, platform, [PaymentsController], {
      options: { protectedResource: { resource }, ...options },
    });

  test('RFC9728-11, MCP-2, MCP-6: a 401 without token has it, and the scopes of the route', async () => {
    const { app } = await startWith();
    const response = await clientOf(app, world).get('/payments').expect(401);
    expect(challengeOf(response)).toBe(`Bearer scope="payments:read", ${metadata}`);
  });

  test('RFC9728-11: each scheme has it', async () => {
    const { app } = await startWith({ dpop: { publicUrl: RESOURCE, algorithms: ['ES256'] }, realm: 'r' });
    const response = await clientOf(app, world).post('/payments').expect(401);
    const scope = 'scope="payments:read payments:write admin"';
    expect(challengeOf(response)).toBe(
      `Bearer realm="r", ${scope}, ${metadata}, DPoP realm="r", ${scope}, algs="ES256", ${metadata}`,
    );
  });

  test('MCP-3, MCP-4: a token that is invalid, expired, or for another API is told the scopes of the route as well', async () => {
    const { as, app } = await startWith();
    const rich = { certificate: world.client1, scope: 'payments:read' };
    for (const token of [
      'nonsense',
      await as.accessToken({ ...rich, lifetime: -60 }),
      await as.accessToken({ ...rich, audience: 'https://other.example.com' }),
    ]) {
      const response = await clientOf(app, world, world.client1, token).get('/payments').expect(401);
      expect(challengeOf(response)).toMatch(
        /^Bearer error="invalid_token", .*scope="payments:read", resource_metadata=/,
      );
    }
  });

  test('MCP-5: each request needs a token in its own header, and one in the query is none', async () => {
    const { as, app } = await startWith();
    const token = await as.accessToken({ certificate: world.client1, scope: 'payments:read' });
    const get = (path: string, sent?: string): ReturnType<ReturnType<typeof clientOf>['get']> =>
      clientOf(app, world, world.client1, sent).get(path);
    await get('/payments', token).expect(200);
    await get('/payments').expect(401);
    const inQuery = await get(`/payments?access_token=${token}`).expect(401);
    expect(challengeOf(inQuery)).toBe(`Bearer scope="payments:read", ${metadata}`);
    await get(`/payments?access_token=${token}`, token).expect(400);
  });

  test('RFC9728-11, RFC9728-12, MCP-4, MCP-7: a 403 has it, with all scopes that the route needs', async () => {
    const { as, app } = await startWith();
    const token = await as.accessToken({ certificate: world.client1, scope: 'payments:read' });
    const response = await clientOf(app, world, world.client1, token).post('/payments').expect(403);
    expect(challengeOf(response)).toContain('scope="payments:read payments:write admin"');
    expect(challengeOf(response)).toContain(metadata);
  });

  test('RFC9728-11, MCP-4: a malformed request has it, without scopes that are not its fault', async () => {
    const { app } = await startWith();
    const response = await clientOf(app, world)
      .get('/payments')
      .set('Authorization', 'Bearer a b')
      .expect(400);
    expect(challengeOf(response)).toContain(metadata);
    expect(challengeOf(response)).not.toContain('scope=');
  });

  test('what is no handler of Nest has it too, and no scopes', async () => {
    const { app } = await startWith();
    const response = await clientOf(app, world).get('/nowhere').expect(401);
    expect(challengeOf(response)).toBe(`Bearer ${metadata}`);
  });
});
