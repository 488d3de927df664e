import { Controller, Get, type INestApplication, Post, Req, type Type, UseGuards } from '@nestjs/common';
import { AuthGuard } from '@nestjs/passport';
import {
  AccessToken,
  type AccessDecision,
  authorize,
  AuthorizationServers,
  CertBoundAuthHealthIndicator,
  CertBoundAuthModule,
  type CertBoundAuthOptions,
  CertificateBindingGuard,
  describeEntrances,
  mcpRequest,
  Policy,
  Public,
  Scopes,
  SenderConstrained,
  type VerifiedAccessToken,
} from 'nestjs-cert-bound-auth';
import { TestDpopClient } from 'nestjs-cert-bound-auth/testing';
import type supertest from 'supertest';
import { describe, expect, test } from 'vitest';
import { type Platform, PLATFORMS, startApp } from '../support/platforms.js';
import { type Api, APIS, IN_HEADER, type ThreeApis, startThreeApis } from '../support/policies.js';
import { RecordingLogger } from '../support/recording-logger.js';
import { watchDecisions } from '../support/watch-decisions.js';
import { challengeOf, clientOf, createWorld, tlsOf, whenOver } from '../support/world.js';

const world = await createWorld();

@Controller('own')
class OwnController {
  @Get() get(@AccessToken('issuer') issuer: string): string {
    return issuer;
  }
}

@Controller('partners')
@Policy('partners')
class PartnersController {
  @Get() get(@AccessToken('issuer') issuer: string): string {
    return issuer;
  }
  @Get('orders') @Scopes('orders:read') orders(): string {
    return 'orders';
  }
  @Get('legacy') @Policy('legacy') legacy(): string {
    return 'legacy';
  }
  @Get('open') @Public() open(): string {
    return 'open';
  }
  @Post('more') async more(@AccessToken() token: VerifiedAccessToken): Promise<string> {
    await authorize(token, { scopes: ['orders:write'] });
    return 'more';
  }
}

@Controller('legacy')
@Policy('legacy')
class LegacyController {
  @Get() get(@AccessToken('issuer') issuer: string): string {
    return issuer;
  }
  @Get('bound') @SenderConstrained('any') bound(): string {
    return 'bound';
  }
}

/** Extends a class of another policy. */
@Controller('derived')
@Policy('legacy')
class DerivedController extends PartnersController {}

@Controller('inherited')
class InheritedController extends PartnersController {}

@Controller('mixed')
@Public()
class MixedController {
  private readonly answer = 'bound method';
  constructor() {
    this.bound = this.bound.bind(this);
  }
  @Get('partners') @Policy('partners') partners(): string {
    return 'partners';
  }
  @Get('bound') @Policy('partners') bound(): string {
    return this.answer;
  }
}

const CONTROLLERS: readonly Type[] = [
  OwnController,
  PartnersController,
  LegacyController,
  DerivedController,
  InheritedController,
  MixedController,
];

interface Started extends ThreeApis {
  readonly app: INestApplication;
  readonly logger: RecordingLogger;
  readonly get: (path: string, token?: string, certificate?: 'client1' | 'client2') => supertest.Test;
}

interface StartOptions {
  readonly options?: Partial<CertBoundAuthOptions>;
  readonly globalGuards?: boolean;
  readonly controllers?: readonly Type[];
}

async function start(
  platform: Platform,
  { options, globalGuards = true, controllers = CONTROLLERS }: StartOptions = {},
): Promise<Started> {
  const apis = await startThreeApis(world, options);
  const logger = new RecordingLogger();
  const auth = CertBoundAuthModule.forRoot({ ...apis.options, globalGuards });
  const module = { module: class App {}, imports: [auth], controllers };
  const app = await startApp(platform, module, tlsOf(world), { logger });
  whenOver(async () => app.close());
  return {
    ...apis,
    app,
    logger,
    get: (path, token, certificate = 'client1') => clientOf(app, world, world[certificate], token).get(path),
  };
}

/** Every token at every route. */
const ATTACKS = APIS.flatMap((token) => APIS.map((route) => [token, route] as const));

describe.each(PLATFORMS)('policies of routes on %s', (platform) => {
  test('the token of each API passes at its routes, and is refused at those of the others, in whatever order they are asked', async () => {
    const { get, tokenFor } = await start(platform);
    for (const round of [ATTACKS, ATTACKS.toReversed()]) {
      const tokens = new Map<Api, string>();
      for (const api of APIS) tokens.set(api, await tokenFor(api));
      for (const [api, route] of round) {
        const response = await get(`/${route}`, tokens.get(api));
        expect([api, route, response.status]).toEqual([api, route, api === route ? 200 : 401]);
      }
    }
  });

  test('a token that is known to one policy is still verified by another, and passes where both accept it', async () => {
    const { get, as } = await start(platform);
    const both = await as.accessToken({
      certificate: world.client1,
      audience: ['https://api.example.com', 'https://legacy.example.com'],
    });
    for (const path of ['/own', '/legacy', '/own', '/legacy']) await get(path, both).expect(200);
    await get('/partners', both).expect(401);
    await get('/legacy', both, 'client2').expect(401);
    await get('/own', both, 'client2').expect(401);
  });

  test('a thief, another certificate and a forged token get nothing at any of them', async () => {
    const { get, tokenFor, as, partnersAs } = await start(platform);
    const refusals: readonly (readonly [string, string, ('client1' | 'client2')?])[] = [
      ['/partners', await tokenFor('partners'), 'client2'],
      ['/partners', await partnersAs.accessToken({ audience: 'https://partners.example.com' })],
      // The issuer of the partners, and the keys of the module's own server.
      ['/partners', await as.accessToken({ certificate: world.client1, claims: { iss: partnersAs.issuer } })],
      ['/own', await partnersAs.accessToken({ certificate: world.client1, claims: { iss: as.issuer } })],
      [
        '/own',
        await partnersAs.accessToken({ certificate: world.client1, audience: 'https://api.example.com' }),
      ],
    ];
    for (const [path, token, certificate] of refusals) await get(path, token, certificate).expect(401);
  });

  test('an unbound token passes where its policy lets it, and a weaker binding there does not help elsewhere', async () => {
    const { get, as } = await start(platform);
    const unbound = await as.accessToken({
      audience: ['https://api.example.com', 'https://legacy.example.com'],
    });
    await get('/legacy', unbound).expect(200);
    await get('/own', unbound).expect(401);
    await get('/legacy', unbound).expect(200);
    await get('/legacy/bound', unbound).expect(401);
  });

  test('the nearest policy wins: of a method before its class, of a class before the one that it extends', async () => {
    const { get, tokenFor } = await start(platform);
    const partners = await tokenFor('partners');
    const legacy = await tokenFor('legacy');
    await get('/partners/legacy', legacy).expect(200, 'legacy');
    await get('/partners/legacy', partners).expect(401);
    await get('/derived', legacy).expect(200);
    await get('/derived', partners).expect(401);
    await get('/inherited', partners).expect(200);
    await get('/inherited', legacy).expect(401);
    await get('/partners/open').expect(200, 'open');
  });

  test('a policy on a method beats @Public() on its class, and holds for a method that is bound to its instance', async () => {
    const { get, tokenFor } = await start(platform);
    for (const path of ['/mixed/partners', '/mixed/bound']) {
      await get(path).expect(401);
      await get(path, await tokenFor('own')).expect(401);
      await get(path, await tokenFor('partners')).expect(200);
    }
  });

  test('scopes and demands in code are asked of the token that the policy of the route has accepted', async () => {
    const { get, tokenFor, app } = await start(platform);
    const response = await get('/partners/orders', await tokenFor('partners')).expect(403);
    expect(challengeOf(response)).toBe(
      'Bearer realm="partners", error="insufficient_scope", error_description="The access token does not have the scope that this resource needs", scope="orders:read"',
    );
    await get('/partners/orders', await tokenFor('partners', { scope: 'orders:read' })).expect(200);
    await get('/partners/orders', await tokenFor('own', { scope: 'orders:read' })).expect(401);
    const more = async (scope: string): Promise<supertest.Response> =>
      clientOf(app, world, world.client1, await tokenFor('partners', { scope })).post('/partners/more');
    expect((await more('')).status).toBe(403);
    expect((await more('orders:write')).status).toBe(201);
  });

  test('a policy alone protects its routes with globalGuards: false, and guards of the app ask by it', async () => {
    @Controller('guarded')
    @UseGuards(CertificateBindingGuard)
    class GuardedController {
      @Get() @Policy('partners') get(): string {
        return 'guarded';
      }
    }
    @Controller('passport')
    @Policy('partners')
    @UseGuards(AuthGuard('cert-bound'))
    class PassportController {
      @Get() get(@Req() { user }: { readonly user: VerifiedAccessToken }): string {
        return user.issuer;
      }
    }
    const { get, tokenFor, partnersAs } = await start(platform, {
      globalGuards: false,
      controllers: [OwnController, PartnersController, GuardedController, PassportController],
    });
    const partners = await tokenFor('partners');
    const own = await tokenFor('own');
    for (const path of ['/partners', '/guarded', '/passport']) {
      await get(path).expect(401);
      expect([path, (await get(path, own)).status]).toEqual([path, 401]);
      expect([path, (await get(path, partners)).status]).toEqual([path, 200]);
      expect([path, (await get(path, partners, 'client2')).status]).toEqual([path, 401]);
    }
    await get('/passport', partners).expect(200, partnersAs.issuer);
  });

  test('AuthGuard asks by the policy of its route where all is protected', async () => {
    @Controller('passport')
    @UseGuards(AuthGuard('cert-bound'))
    class PassportController {
      @Get() @Policy('partners') get(): string {
        return 'partners';
      }
      @Get('own') own(): string {
        return 'own';
      }
    }
    const { get, tokenFor } = await start(platform, { controllers: [PassportController] });
    await get('/passport', await tokenFor('partners')).expect(200);
    await get('/passport', await tokenFor('own')).expect(401);
    await get('/passport/own', await tokenFor('own')).expect(200);
    await get('/passport/own', await tokenFor('partners')).expect(401);
  });

  test('what is no handler is decided by the options of the module itself', async () => {
    const { get, tokenFor } = await start(platform);
    await get('/nothing', await tokenFor('partners')).expect(401);
    await get('/nothing', await tokenFor('own')).expect(404);
  });

  test('each policy has its own challenge and its own metadata, with the scopes of its own routes', async () => {
    const { get, tokenFor, partnersAs, as, app } = await start(platform, {
      options: {
        protectedResource: { resource: 'https://api.example.com', scopesSupported: 'enforced' },
        policies: {
          partners: {
            protectedResource: {
              resource: 'https://api.example.com/partners',
              scopesSupported: 'enforced',
            },
          },
        },
      },
    });
    const url = 'https://api.example.com/.well-known/oauth-protected-resource';
    expect(challengeOf(await get('/partners').expect(401))).toBe(
      `Bearer realm="partners", resource_metadata="${url}/partners"`,
    );
    expect(challengeOf(await get('/own').expect(401))).toBe(`Bearer resource_metadata="${url}"`);
    // A policy takes over no document: that of the module names other servers.
    expect(challengeOf(await get('/legacy').expect(401))).toBe('Bearer');
    const documents = await Promise.all(
      ['', '/partners'].map(async (path) =>
        clientOf(app, world).get(`/.well-known/oauth-protected-resource${path}`).expect(200),
      ),
    );
    expect(documents.map(({ body }) => body as unknown)).toEqual([
      expect.objectContaining({ authorization_servers: [as.issuer] }),
      expect.objectContaining({
        resource: 'https://api.example.com/partners',
        authorization_servers: [partnersAs.issuer],
        scopes_supported: ['orders:read'],
      }),
    ]);
    expect(documents[0]?.body).not.toHaveProperty('scopes_supported');
    await get('/partners', await tokenFor('own')).expect(401);
  });

  test('documents of metadata in one path are told apart by their query', async () => {
    const resource = 'https://api.example.com/pay';
    const { app } = await start(platform, {
      options: {
        protectedResource: { resource },
        policies: { partners: { protectedResource: { resource: `${resource}?tenant=partners` } } },
      },
    });
    const resourceAt = async (query: string): Promise<unknown> => {
      const path = `/.well-known/oauth-protected-resource/pay${query}`;
      const { body } = await clientOf(app, world).get(path).expect(200);
      return (body as { readonly resource: unknown }).resource;
    };
    expect(await resourceAt('?tenant=partners')).toBe(`${resource}?tenant=partners`);
    expect(await resourceAt('')).toBe(resource);
    expect(await resourceAt('?tenant=other')).toBe(resource);
  });

  test('a DPoP proof is used once, whichever of the policies has taken it', async () => {
    @Controller('shared/path')
    class SharedController {
      @Get() get(): string {
        return 'own';
      }
    }
    @Controller('path')
    @Policy('legacy')
    class PathController {
      @Get() get(): string {
        return 'legacy';
      }
    }
    const { as, app } = await start(platform, {
      options: {
        dpop: { publicUrl: 'https://api.example.com' },
        policies: { legacy: { dpop: { publicUrl: 'https://api.example.com/shared', proofLifetime: 30 } } },
      },
      controllers: [SharedController, PathController],
    });
    const client = await TestDpopClient.create();
    const token = await as.accessToken({
      dpop: client,
      audience: ['https://api.example.com', 'https://legacy.example.com'],
    });
    // The same URL for clients, by which the one and the other is reached.
    const paths = ['/shared/path', '/path'];
    for (const order of [paths, paths.toReversed()]) {
      const proof = await client.proof({ method: 'GET', url: 'https://api.example.com/shared/path', token });
      const statuses = [];
      for (const path of order) {
        const sent = clientOf(app, world)
          .get(path)
          .set({ Authorization: `DPoP ${token}`, DPoP: proof });
        statuses.push((await sent).status);
      }
      expect(statuses).toEqual([200, 401]);
    }
  });

  test('events, the log and the list of entrances name the policy', async () => {
    const { get, tokenFor, app, logger } = await start(platform);
    const seen: readonly AccessDecision[] = watchDecisions();
    await get('/partners', await tokenFor('partners')).expect(200);
    await get('/partners', await tokenFor('own')).expect(401);
    await get('/own', await tokenFor('own')).expect(200);
    expect(seen.map(({ outcome, policy }) => [outcome, policy])).toEqual([
      ['accepted', 'partners'],
      ['refused', 'partners'],
      ['accepted', undefined],
    ]);
    expect(seen[2]).not.toHaveProperty('policy');
    expect(logger.ours.map(({ text }) => text).join('\n')).toMatch(
      /refused .*route="?GET \/partners"? policy=partners/,
    );
    const policies = new Map(describeEntrances(app).map(({ name, policy }) => [name, policy]));
    expect(policies.get('GET /partners')).toBe('partners');
    expect(policies.get('GET /partners/legacy')).toBe('legacy');
    expect(policies.get('GET /own')).toBeUndefined();
  });

  test('the health of the servers is told for each policy, and keys are fetched anew for all', async () => {
    const { get, tokenFor, app, as, partnersAs } = await start(platform);
    await get('/partners', await tokenFor('partners')).expect(200);
    const servers = app.get(AuthorizationServers);
    expect(servers.health().map(({ issuer, policy, keys }) => [issuer, policy, keys.state])).toEqual([
      [as.issuer, undefined, 'not-fetched'],
      [partnersAs.issuer, 'partners', 'fresh'],
      [as.issuer, 'legacy', 'not-fetched'],
    ]);
    const health = app.get(CertBoundAuthHealthIndicator).isHealthy();
    expect(Object.keys(health['authorization-servers'].servers)).toEqual([
      as.issuer,
      `${partnersAs.issuer} (partners)`,
      `${as.issuer} (legacy)`,
    ]);
    await servers.refreshKeys(as.issuer);
    expect(servers.health().map(({ keys }) => keys.state)).toEqual(['fresh', 'fresh', 'fresh']);
  });

  test('each policy makes its own user, and none gets that of another', async () => {
    @Controller('user')
    class UserController {
      @Get() own(@Req() { user }: { readonly user: unknown }): unknown {
        return user;
      }
      @Get('partners') @Policy('partners') partners(@Req() { user }: { readonly user: unknown }): unknown {
        return user;
      }
    }
    const { get, tokenFor } = await start(platform, {
      options: {
        validate: ({ subject }) => ({ customer: subject }),
        policies: { partners: { validate: ({ subject }) => ({ partner: subject }) } },
      },
      controllers: [UserController],
    });
    expect((await get('/user', await tokenFor('own', { subject: 'a' }))).body).toEqual({ customer: 'a' });
    expect((await get('/user/partners', await tokenFor('partners', { subject: 'a' }))).body).toEqual({
      partner: 'a',
    });
  });

  test('mcpRequest() hands on what the policy of the route has found', async () => {
    @Controller('mcp')
    @Policy('partners')
    class McpEndpoint {
      @Get() async get(@Req() request: object): Promise<unknown> {
        return (await mcpRequest(request)).auth ?? 'nobody';
      }
    }
    const { get, tokenFor, partnersAs } = await start(platform, { controllers: [McpEndpoint] });
    const { body } = await get('/mcp', await tokenFor('partners')).expect(200);
    expect(body).toMatchObject({ clientId: 'client-1', extra: { issuer: partnersAs.issuer } });
  });

  test('a certificate counts where the policy looks for it, and that of the connection does not elsewhere', async () => {
    const { get, tokenFor } = await start(platform, {
      options: { policies: { partners: { clientCertificate: IN_HEADER } } },
      controllers: [PartnersController],
    });
    const token = await tokenFor('partners');
    await get('/partners', token).expect(401);
    await get('/partners', token).set('x-client-cert', encodeURIComponent(world.client1.cert)).expect(200);
  });
});
