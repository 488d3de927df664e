import { Controller, Get, type INestApplication } from '@nestjs/common';
import {
  AccessToken,
  type AuthorizationServerOptions,
  AuthorizationServers,
  type CertBoundAuthOptions,
  describeOpenApi,
  Policy,
} from 'nestjs-cert-bound-auth';
import type { TestAuthorizationServer, TestJwtOptions } from 'nestjs-cert-bound-auth/testing';
import type { Test } from 'supertest';
import { describe, expect, test, vi } from 'vitest';
import { loggedRefusal } from '../support/logged-refusal.js';
import { type Platform, PLATFORMS } from '../support/platforms.js';
import { RecordingLogger } from '../support/recording-logger.js';
import {
  API_CLIENT,
  AUDIENCE,
  clientOf,
  createWorld,
  startApi,
  startAuthorizationServer,
} from '../support/world.js';

const world = await createWorld();

@Controller()
class TenantsController {
  @Get(['a', 'b', 'fixed']) get(@AccessToken('issuer') issuer: string): string {
    return issuer;
  }
  @Get('partners') @Policy('partners') partners(@AccessToken('issuer') issuer: string): string {
    return issuer;
  }
}

type Tenant = 'a' | 'b';
type Named = AuthorizationServerOptions | undefined;
type Resolve = NonNullable<CertBoundAuthOptions['resolveAuthorizationServer']>;

interface Asked {
  readonly url?: string;
  readonly originalUrl?: string;
  readonly headers: { readonly host?: string };
}

/** By the first segment of the path, or by the first label of the host. */
const BY = {
  path: ({ originalUrl, url = '' }: Asked): string => (originalUrl ?? url).split('/')[1] ?? '',
  host: ({ headers }: Asked): string => (headers.host ?? '').split('.')[0] ?? '',
} as const;

interface Tenants {
  readonly app: INestApplication;
  readonly logger: RecordingLogger;
  readonly as: Readonly<Record<Tenant | 'fixed', TestAuthorizationServer>>;
  /** What the app has of each tenant. */
  readonly known: Map<string, () => Named>;
  readonly resolve: ReturnType<typeof vi.fn<Resolve>>;
  readonly tokenOf: (whose: Tenant | 'fixed', token?: TestJwtOptions) => Promise<string>;
  readonly get: (path: string, token: string, certificate?: 'client1' | 'client2' | 'none') => Test;
  readonly reason: () => unknown;
}

interface StartOptions {
  readonly by?: keyof typeof BY;
  readonly options?: Partial<CertBoundAuthOptions>;
  readonly resolve?: (settings: Named, issuer: string) => ReturnType<Resolve>;
}

async function start(
  platform: Platform,
  { by = 'path', options = {}, resolve: say = (settings) => settings }: StartOptions = {},
): Promise<Tenants> {
  const [a, b, fixed] = await Promise.all([1, 2, 3].map(async () => startAuthorizationServer(world)));
  if (a === undefined || b === undefined || fixed === undefined) throw new Error('three were started');
  const as = { a, b, fixed };
  const tls = { ca: world.ca.cert };
  const known = new Map<string, () => Named>([
    ['a', () => ({ issuer: a.issuer, tls })],
    ['b', () => ({ issuer: b.issuer, tls })],
  ]);
  const resolve = vi.fn<Resolve>((issuer, request) => {
    const settings = known.get(BY[by](request as Asked))?.();
    return say(settings?.issuer === issuer ? settings : undefined, issuer);
  });
  const logger = new RecordingLogger();
  const app = await startApi(world, platform, fixed, [TenantsController], {
    logger,
    options: { resolveAuthorizationServer: resolve, policies: { partners: {} }, ...options },
  });
  return {
    app,
    logger,
    as,
    known,
    resolve,
    tokenOf: async (whose, token) => as[whose].accessToken({ certificate: world.client1, ...token }),
    get: (path, token, certificate = 'client1') =>
      clientOf(app, world, certificate === 'none' ? undefined : world[certificate], token).get(path),
    reason: () => loggedRefusal(logger.ours.at(-1)).reason,
  };
}

const OF_EACH: readonly (readonly [Tenant, Tenant])[] = [
  ['a', 'a'],
  ['a', 'b'],
  ['b', 'a'],
  ['b', 'b'],
];

describe.each(PLATFORMS)('tenants with servers of their own on %s', (platform) => {
  test.each(['path', 'host'] as const)(
    'the token of each passes at its own %s and nowhere else, whether it is known or not, in whatever order',
    async (by) => {
      const { get, tokenOf } = await start(platform, { by });
      for (const round of [OF_EACH, OF_EACH.toReversed(), [...OF_EACH, ...OF_EACH]]) {
        const tokens = { a: await tokenOf('a'), b: await tokenOf('b') };
        for (const [token, place] of round) {
          const sent =
            by === 'path'
              ? get(`/${place}`, tokens[token])
              : get('/a', tokens[token]).disableTLSCerts().set('Host', `${place}.api.example`);
          expect([token, place, (await sent).status]).toEqual([token, place, token === place ? 200 : 401]);
        }
      }
    },
  );

  test('an app that answers later is waited for, also for a token that is known', async () => {
    const { get, tokenOf, reason } = await start(platform, { resolve: async (settings) => settings });
    const token = await tokenOf('a');
    await get('/a', token).expect(200);
    await get('/b', token).expect(401);
    expect(reason()).toBe('issuer_unknown');
    await get('/a', token).expect(200);
  });

  test('nobody is contacted for an issuer that the app does not know for this request', async () => {
    const { get, tokenOf, as, reason } = await start(platform);
    const stranger = await startAuthorizationServer(world);
    await get('/a', await stranger.accessToken({ certificate: world.client1 })).expect(401);
    expect(reason()).toBe('issuer_unknown');
    await get('/b', await tokenOf('a')).expect(401);
    expect([stranger, as.a, as.b].map(({ requests }) => requests.length)).toEqual([0, 0, 0]);
  });

  test('FAPI2-6: the keys of one tenant verify no token of another', async () => {
    const { get, tokenOf, as, reason } = await start(platform);
    await get('/a', await tokenOf('a')).expect(200);
    await get('/b', await tokenOf('b')).expect(200);
    await get('/a', await tokenOf('b', { claims: { iss: as.a.issuer } })).expect(401);
    const { kid } = as.a.signingKey.jwk;
    await get('/a', await tokenOf('b', { claims: { iss: as.a.issuer }, header: { kid } })).expect(401);
    expect(reason()).toBe('signature_invalid');
  });

  test('a thief, an unbound token and another audience get nothing', async () => {
    const { get, tokenOf, as } = await start(platform);
    await get('/a', await tokenOf('a'), 'client2').expect(401);
    await get('/a', await as.a.accessToken()).expect(401);
    await get('/a', await tokenOf('a', { audience: 'https://other.example.com' })).expect(401);
  });

  test('no server is asked for a request without a certificate, which is refused whatever it said', async () => {
    const { get, tokenOf, as, reason } = await start(platform);
    await get('/a', await tokenOf('a'), 'none').expect(401);
    expect([reason(), as.a.requests.length]).toEqual(['certificate_missing', 0]);
  });

  test('a tenant that is shut out is so at once, and its known token passes again when it is back', async () => {
    const { get, tokenOf, known, as } = await start(platform);
    const token = await tokenOf('a');
    await get('/a', token).expect(200);
    const settings = known.get('a');
    known.delete('a');
    await get('/a', token).expect(401);
    known.set('a', settings ?? (() => undefined));
    await get('/a', token).expect(200);
    expect(as.a.requests.filter(({ endpoint }) => endpoint === 'jwks')).toHaveLength(1);
  });

  test('a known token is verified anew by settings that have changed', async () => {
    const { get, tokenOf, known, as } = await start(platform);
    const token = await tokenOf('a');
    await get('/a', token).expect(200);
    const tls = { ca: world.ca.cert };
    known.set('a', () => ({ issuer: as.a.issuer, tls, audience: 'https://other.example.com' }));
    await get('/a', token).expect(401);
    known.set('a', () => ({ issuer: as.a.issuer, tls }));
    await get('/a', token).expect(200);
  });

  test('the answer is 503 where the app names another server, or wrong settings, and nobody is contacted', async () => {
    let say: (settings: Named) => unknown = (settings) => settings;
    const { get, tokenOf, as, reason, logger } = await start(platform, {
      resolve: (settings) => say(settings) as Named,
    });
    const wrong: readonly ((settings: Named) => unknown)[] = [
      () => ({ issuer: as.b.issuer, tls: { ca: world.ca.cert } }),
      (settings) => ({ ...settings, binding: 'if-bound' }),
      (settings) => ({ ...settings, jwt: { algorithms: ['none'] } }),
      () => null,
      () => {
        throw new Error('no database');
      },
      async () => Promise.reject(new Error('no database')),
    ];
    const token = await tokenOf('a');
    for (say of wrong) {
      await get('/a', token).expect(503).expect('Retry-After', /^\d+$/);
      expect(reason()).toBe('authorization_server_unresolved');
    }
    expect(logger.ours.at(-1)).toMatchObject({
      level: 'error',
      text: expect.stringContaining('no database'),
    });
    expect([as.a, as.b].map(({ requests }) => requests.length)).toEqual([0, 0]);
    say = (settings) => settings;
    await get('/a', token).expect(200);
    say = wrong[0] ?? say;
    await get('/a', token).expect(503);
  });

  test('servers in the list are accepted everywhere, and the app is not asked about their tokens or opaque ones', async () => {
    const { get, tokenOf, as, resolve } = await start(platform);
    const token = await tokenOf('fixed');
    for (const path of ['/a', '/b', '/fixed', '/fixed']) await get(path, token).expect(200, as.fixed.issuer);
    await get('/a', as.a.opaqueToken({ certificate: world.client1 })).expect(401);
    expect(resolve).not.toHaveBeenCalled();
  });

  test('JWTs that the server of a tenant is asked about are refused as soon as it calls them inactive', async () => {
    const introspection = { clientAuthentication: API_CLIENT, tokens: 'all' } as const;
    const { get, tokenOf, known, as } = await start(platform);
    known.set('a', () => ({ issuer: as.a.issuer, tls: { ca: world.ca.cert }, introspection }));
    const token = await tokenOf('a');
    as.a.answerIntrospection(token, { active: false });
    await get('/a', token).expect(401);
  });

  test('a policy takes over the tenants with the servers of the module, and keeps its own caches', async () => {
    const { get, tokenOf, known } = await start(platform);
    known.set('partners', known.get('a') ?? (() => undefined));
    const token = await tokenOf('a');
    await get('/a', token).expect(200);
    await get('/partners', token).expect(200);
    known.delete('partners');
    await get('/partners', token).expect(401);
    await get('/a', token).expect(200);
  });

  test('a policy with servers of its own knows no tenants of the module', async () => {
    const partnersAs = await startAuthorizationServer(world);
    const partners = { authorizationServers: [{ issuer: partnersAs.issuer, tls: { ca: world.ca.cert } }] };
    const { get, tokenOf, known, resolve } = await start(platform, { options: { policies: { partners } } });
    known.set('partners', known.get('a') ?? (() => undefined));
    await get('/partners', await tokenOf('a')).expect(401);
    await get('/partners', await tokenOf('fixed')).expect(401);
    expect(resolve).not.toHaveBeenCalled();
    await get('/partners', await partnersAs.accessToken({ certificate: world.client1 })).expect(200);
  });

  test('a policy with tenants of its own knows neither the servers nor the tenants of the module', async () => {
    const partnersAs = await startAuthorizationServer(world);
    const own: Resolve = (issuer) =>
      issuer === partnersAs.issuer ? { issuer, tls: { ca: world.ca.cert } } : undefined;
    const { get, tokenOf, known, resolve } = await start(platform, {
      options: { policies: { partners: { resolveAuthorizationServer: own } } },
    });
    known.set('partners', known.get('a') ?? (() => undefined));
    await get('/partners', await tokenOf('a')).expect(401);
    await get('/partners', await tokenOf('fixed')).expect(401);
    expect(resolve).not.toHaveBeenCalled();
    const token = await partnersAs.accessToken({ certificate: world.client1 });
    await get('/partners', token).expect(200);
    await get('/a', token).expect(401);
  });

  test('keys are withdrawn of the servers that are held, and neither health nor metadata tells of them', async () => {
    const { app, get, tokenOf, as } = await start(platform, {
      options: {
        authorizationServers: [],
        protectedResource: { resource: AUDIENCE },
      },
    });
    const token = await tokenOf('a');
    await get('/a', token).expect(200);
    const servers = app.get(AuthorizationServers);
    expect(servers.health()).toEqual([]);
    await servers.refreshKeys('https://nobody.example.com');
    await as.a.rotateKeys({ keep: false });
    await servers.refreshKeys(as.a.issuer);
    await get('/a', token).expect(401);
    const { body } = await clientOf(app, world).get('/.well-known/oauth-protected-resource').expect(200);
    expect(body).not.toHaveProperty('authorization_servers');
  });

  test('OpenAPI says of routes that all servers are named later that they need a token', async () => {
    const { app } = await start(platform, { options: { authorizationServers: [] } });
    const { paths, components } = describeOpenApi(app, { paths: { '/a': { get: {} } }, components: {} });
    expect(paths).toMatchObject({ '/a': { get: { security: [{ oauth2: [], mutualTLS: [] }] } } });
    expect(components).toMatchObject({
      securitySchemes: { oauth2: { type: 'http', scheme: 'bearer' } },
    });
  });
});
