import { Controller, type DynamicModule, Inject, Post, Req, type Type } from '@nestjs/common';
import { Args, Query, Resolver } from '@nestjs/graphql';
import { GrpcMethod, MessagePattern } from '@nestjs/microservices';
import { ConnectedSocket, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import {
  AccessToken,
  CertBoundAuthConfigurationError,
  Demand,
  Policy,
  Public,
  WebSocketTickets,
} from 'nestjs-cert-bound-auth';
import { TestDpopClient } from 'nestjs-cert-bound-auth/testing';
import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { grpcClient, startGrpc } from '../support/grpc.js';
import { PLATFORMS, startApp } from '../support/platforms.js';
import { type Api, APIS, IN_HEADER, moduleOf, type ThreeApis, startThreeApis } from '../support/policies.js';
import { watchDecisions } from '../support/watch-decisions.js';
import { startTcpMessages } from '../support/tcp-messages.js';
import {
  type Carrier,
  connectBy,
  connected,
  connectWs,
  portOf,
  refused,
  startGateways,
} from '../support/websockets.js';
import { API_CLIENT, clientOf, createWorld, tlsOf, whenOver } from '../support/world.js';
import { query, startBank } from './graphql/bank.js';
import { answerTo } from './websockets/chat.gateway.js';

const world = await createWorld();
const BOTH = ['https://api.example.com', 'https://legacy.example.com'];

/** What the caller of each API is told, by the API whose token it shows. */
async function outcomes(
  { tokenFor }: ThreeApis,
  ask: (route: Api, token: string) => Promise<unknown>,
): Promise<readonly (readonly [Api, Api, unknown])[]> {
  const all: (readonly [Api, Api, unknown])[] = [];
  for (const shown of APIS) {
    const token = await tokenFor(shown);
    for (const route of APIS) all.push([shown, route, await ask(route, token)]);
  }
  return all;
}

/** What `outcomes` must be. */
const apart = (passed: unknown, denied: unknown): readonly (readonly [Api, Api, unknown])[] =>
  APIS.flatMap((shown) => APIS.map((route) => [shown, route, shown === route ? passed : denied] as const));

const checked: string[] = [];

@Resolver()
class ApisResolver {
  @Query(() => String, { nullable: true }) own(@AccessToken('issuer') issuer: string): string {
    return issuer === '' ? 'nobody' : 'passed';
  }
  @Query(() => String, { nullable: true }) @Policy('partners') partners(): string {
    return 'passed';
  }
  @Query(() => String, { nullable: true }) @Policy('legacy') legacy(
    @AccessToken('subject') subject: string,
  ): string {
    return subject === '' ? 'nobody' : 'passed';
  }
  @Query(() => String, { nullable: true })
  @Policy('legacy')
  @Demand(({ audience }) => checked.push(audience.join(' ')) > 0)
  checkedLegacy(@Args('id') id: string): string {
    return id;
  }
}

describe.each(['apollo on express', 'apollo on fastify', 'mercurius'] as const)(
  'policies of fields, by %s',
  (server) => {
    const start = async (apis: ThreeApis): ReturnType<typeof startBank> =>
      startBank(world, [server, 'code-first'], {
        providers: [ApisResolver],
        as: apis.as,
        options: { ...apis.options, publicPaths: ['/graphql'] },
      });

    test('each field is judged by its own policy, and the token of one passes no field of another', async () => {
      const apis = await startThreeApis(world);
      const bank = await start(apis);
      const certificate = world.client1;
      const seen = await outcomes(apis, async (route, token) => {
        const { data, codes } = await query(bank, world, `{ ${route} }`, { certificate, token });
        return data?.[route] ?? codes[0];
      });
      expect(seen).toEqual(apart('passed', 'UNAUTHENTICATED'));
    });

    test('one operation with fields of several policies gets those that its token is good for', async () => {
      const apis = await startThreeApis(world);
      const bank = await start(apis);
      const certificate = world.client1;
      const both = await apis.tokenFor('own', { audience: BOTH });
      for (const fields of ['own partners legacy', 'legacy partners own', 'partners own legacy']) {
        const mixed = await query(bank, world, `{ ${fields} }`, { certificate, token: both });
        expect(mixed.data).toEqual({ own: 'passed', partners: null, legacy: 'passed' });
        expect(mixed.errors.map(({ path }) => path)).toEqual([['partners']]);
      }
      const thief = await query(bank, world, '{ own partners legacy }', {
        certificate: world.client2,
        token: both,
      });
      expect(thief.data).toEqual({ own: null, partners: null, legacy: null });
      const own = await apis.tokenFor('own');
      const refusedOne = await query(bank, world, '{ own checkedLegacy(id: "1") }', {
        certificate,
        token: own,
      });
      expect(refusedOne.data).toEqual({ own: 'passed', checkedLegacy: null });
      expect(checked).toEqual([]);
    });

    test('a certificate that one policy has found in the connection is none for a policy that looks elsewhere', async () => {
      const apis = await startThreeApis(world, { policies: { partners: { clientCertificate: IN_HEADER } } });
      const bank = await start(apis);
      const caller = { certificate: world.client1, token: await apis.tokenFor('partners') };
      const { data } = await query(bank, world, '{ own partners }', caller);
      expect(data).toEqual({ own: null, partners: null });
    });

    test('one proof is enough for an operation with fields of policies that share the rules of DPoP', async () => {
      const apis = await startThreeApis(world, { dpop: { publicUrl: 'https://api.example.com' } });
      const bank = await start(apis);
      const client = await TestDpopClient.create();
      const token = await apis.as.accessToken({ dpop: client, audience: BOTH });
      const headers = await client.headers({ method: 'POST', url: 'https://api.example.com/graphql', token });
      const send = async (): Promise<unknown> => {
        const response = await clientOf(bank.app, world)
          .post('/graphql')
          .set({ ...headers })
          .send({ query: '{ own legacy }' });
        return (response.body as { readonly data: unknown }).data;
      };
      expect(await send()).toEqual({ own: 'passed', legacy: 'passed' });
      expect(await send()).toEqual({ own: null, legacy: null });
    });
  },
);

@Controller()
class GrpcController {
  @GrpcMethod('Payments', 'Pay') own(): object {
    return { text: 'passed' };
  }
  @GrpcMethod('Payments', 'Open') @Policy('partners') partners(): object {
    return { text: 'passed' };
  }
  @GrpcMethod('Payments', 'Proved') @Policy('legacy') legacy(): object {
    return { text: 'passed' };
  }
}

test('each method of gRPC is judged by its own policy, and the token of one calls no method of another', async () => {
  const apis = await startThreeApis(world);
  const port = await startGrpc(world, { imports: [moduleOf(apis)], controllers: [GrpcController] });
  const methods = { own: 'Pay', partners: 'Open', legacy: 'Proved' } as const;
  const { call } = grpcClient(world, port, world.client1);
  const seen = await outcomes(apis, async (route, token) => {
    const { code, messages } = await call(methods[route], { authorization: `Bearer ${token}` });
    return messages[0] ?? code;
  });
  expect(seen).toEqual(apart('passed', 16));
  const thief = grpcClient(world, port, world.client2);
  const stolen = await apis.tokenFor('partners');
  expect((await thief.call('Open', { authorization: `Bearer ${stolen}` })).code).toBe(16);
});

@Controller()
class MessagesController {
  @MessagePattern('own') own(): string {
    return 'passed';
  }
  @MessagePattern('partners') @Policy('partners') partners(): string {
    return 'passed';
  }
  @MessagePattern('legacy') @Policy('legacy') legacy(): string {
    return 'passed';
  }
}

test('each message over TCP is judged by the policy of its handler', async () => {
  const apis = await startThreeApis(world);
  const call = await startTcpMessages(world, { moduleOptions: apis.options }, MessagesController);
  const seen = await outcomes(apis, async (route, token) => {
    const answer = await call(route, { token });
    return typeof answer === 'string' ? answer : (answer as { readonly statusCode: number }).statusCode;
  });
  expect(seen).toEqual(apart('passed', 401));
});

@WebSocketGateway({ path: '/own' })
class OwnGateway {
  @SubscribeMessage('who') who(
    @ConnectedSocket() client: object,
    @AccessToken('issuer') issuer: string,
  ): unknown {
    return answerTo(client, issuer);
  }
}

@WebSocketGateway({ path: '/partners' })
@Policy('partners')
class PartnersGateway {
  @SubscribeMessage('who') who(
    @ConnectedSocket() client: object,
    @AccessToken('issuer') issuer: string,
  ): unknown {
    return answerTo(client, issuer);
  }
}

@WebSocketGateway({ path: '/legacy' })
@Policy('legacy')
class LegacyGateway {
  @SubscribeMessage('who') who(
    @ConnectedSocket() client: object,
    @AccessToken('issuer') issuer: string,
  ): unknown {
    return answerTo(client, issuer);
  }
}

const CARRIERS: readonly Carrier[] = ['ws', 'socket.io'];

describe.each(CARRIERS)('policies of gateways over %s', (carrier) => {
  const start = async (apis: ThreeApis, gateways: readonly Type[]): ReturnType<typeof startGateways> =>
    startGateways(world, 'express', carrier, moduleOf(apis), gateways);

  test('a connection is decided by the policy of its gateway, and so is what comes over it', async () => {
    const apis = await startThreeApis(world);
    const port = portOf(await start(apis, [OwnGateway, PartnersGateway, LegacyGateway]));
    const certificate = world.client1;
    const seen = await outcomes(apis, async (route, token) => {
      const client = await connectBy(carrier, world, { port, path: `/${route}`, token, certificate });
      if (client.kind === 'refused') return client.refused.status;
      const issuer = await client.ask('who');
      return issuer === (route === 'partners' ? apis.partnersAs : apis.as).issuer ? 'passed' : issuer;
    });
    expect(seen).toEqual(apart('passed', 401));
    const token = await apis.tokenFor('partners');
    const thief = { port, path: '/partners', token, certificate: world.client2 };
    expect((await refused(connectBy(carrier, world, thief))).status).toBe(401);
  });

  test('a token that another policy finds to be revoked goes on to be good where it is', async () => {
    const apis = await startThreeApis(world, {}, { introspection: { clientAuthentication: API_CLIENT } });
    const port = portOf(await start(apis, [OwnGateway, PartnersGateway]));
    const certificate = world.client1;
    const token = apis.partnersAs.opaqueToken({ certificate });
    const client = await connected(
      connectBy(carrier, world, { port, path: '/partners', token, certificate }),
    );
    // The server of the module itself does not know it.
    expect(
      (await refused(connectBy(carrier, world, { port, path: '/own', token, certificate }))).status,
    ).toBe(401);
    await wait(700);
    expect(client.ended).toBeUndefined();
    expect(await client.ask('who')).toBe(apis.partnersAs.issuer);
  });

  test('messages of a public gateway are decided by the one policy that they name', async () => {
    @WebSocketGateway({ path: '/open' })
    @Public()
    class OpenGateway {
      @SubscribeMessage('partners') @Policy('partners') partners(@ConnectedSocket() client: object): unknown {
        return answerTo(client, 'passed');
      }
      @SubscribeMessage('open') open(@ConnectedSocket() client: object): unknown {
        return answerTo(client, 'open');
      }
    }
    const apis = await startThreeApis(world);
    const port = portOf(await start(apis, [OpenGateway]));
    const seen = watchDecisions();
    for (const [api, answer] of [
      ['partners', 'passed'],
      ['own', { exception: expect.objectContaining({ statusCode: 401 }) as unknown }],
    ] as const) {
      const token = await apis.tokenFor(api);
      const client = await connected(
        connectBy(carrier, world, { port, path: '/open', token, certificate: world.client1 }),
      );
      expect(await client.ask('open')).toBe('open');
      expect(await client.ask('partners')).toEqual(answer);
      // Once, at the handshake, when a proof would still be good.
      expect(seen.every(({ policy }) => policy === 'partners')).toBe(true);
    }
  });

  test('the boot stops where one connection would be of several policies', async () => {
    @WebSocketGateway({ path: '/mixed' })
    class MixedGateway {
      @SubscribeMessage('partners') @Policy('partners') partners(): unknown {
        return 'partners';
      }
    }
    @WebSocketGateway({ path: '/own' })
    @Policy('legacy')
    class SecondGateway {
      @SubscribeMessage('second') second(): unknown {
        return 'second';
      }
    }
    const apis = await startThreeApis(world);
    const boot = async (gateways: readonly Type[]): Promise<string> =>
      start(apis, gateways).then(
        () => '',
        (error: unknown) => {
          expect(error).toBeInstanceOf(CertBoundAuthConfigurationError);
          return (error as Error).message;
        },
      );
    expect(await boot([MixedGateway])).toContain(
      "MixedGateway (array): one connection cannot be of several policies (the module's own, partners): put @Policy() on the class",
    );
    expect(await boot([OwnGateway, SecondGateway])).toMatch(/one connection cannot .*legacy/);
  });
});

test('the boot stops where namespaces of one socket.io server are of several policies', async () => {
  @WebSocketGateway({ path: '/own', namespace: 'partners' })
  @Policy('partners')
  class NamespaceGateway {
    @SubscribeMessage('second') second(): unknown {
      return 'second';
    }
  }
  const apis = await startThreeApis(world);
  const booted = startGateways(world, 'express', 'socket.io', moduleOf(apis), [OwnGateway, NamespaceGateway]);
  await expect(booted).rejects.toThrow('one connection cannot be of several policies');
});

@Controller('tickets')
class TicketsController {
  constructor(@Inject(WebSocketTickets) private readonly tickets: WebSocketTickets) {}

  @Post('own') async own(@Req() request: object): Promise<object> {
    return { ticket: await this.tickets.issue(request, { path: '/shared' }) };
  }
  @Post('legacy') @Policy('legacy') async legacy(@Req() request: object): Promise<object> {
    return { ticket: await this.tickets.issue(request, { path: '/shared' }) };
  }
}

describe.each(PLATFORMS)('tickets of policies on %s', (platform) => {
  test.each([
    ['legacy', 'legacy', 'own'],
    ['own', undefined, 'legacy'],
  ] as const)(
    'a ticket that is made under %s serves there, and not where another policy decides',
    async (good, policy, bad) => {
      @WebSocketGateway({ path: '/shared' })
      class SharedGateway {
        @SubscribeMessage('echo') echo(@ConnectedSocket() client: object): unknown {
          return answerTo(client, 'passed');
        }
      }
      if (policy !== undefined) Policy(policy)(SharedGateway);
      const apis = await startThreeApis(world, { webSocketTickets: {} });
      const app = await startGateways(world, platform, 'ws', withTickets(moduleOf(apis)), [SharedGateway]);
      // Good at both.
      const token = await apis.tokenFor('own', { audience: BOTH });
      const connect = async (api: Api): ReturnType<typeof connectWs> => {
        const response = await clientOf(app, world, world.client1, token)
          .post(`/tickets/${api}`)
          .set('Origin', 'https://app.example.com')
          .expect(201);
        const { ticket } = response.body as { readonly ticket: string };
        return connectWs(world, {
          port: portOf(app),
          path: '/shared',
          certificate: world.client1,
          headers: { Origin: 'https://app.example.com' },
          protocols: ['chat', `ticket.${ticket}`],
        });
      };
      expect(await (await connected(connect(good))).ask('echo')).toBe('passed');
      expect((await refused(connect(bad))).status).toBe(401);
    },
  );
});

/** The module, and the routes of tickets beside it. */
function withTickets(auth: DynamicModule): DynamicModule {
  class Tickets {}
  return { module: Tickets, imports: [auth], controllers: [TicketsController] };
}

test('an app of another policy in the same process decides by its own', async () => {
  @Controller('shared')
  @Policy('partners')
  class SharedController {
    @Post() post(): string {
      return 'posted';
    }
  }
  const first = await startThreeApis(world);
  const second = await startThreeApis(world);
  const apps = await Promise.all(
    [first, second].map(async (apis) => {
      const module = { module: class App {}, imports: [moduleOf(apis)], controllers: [SharedController] };
      const app = await startApp('express', module, tlsOf(world));
      whenOver(async () => app.close());
      return app;
    }),
  );
  for (const [index, apis] of [first, second].entries()) {
    const token = await apis.tokenFor('partners');
    const statuses = [];
    for (const app of apps)
      statuses.push((await clientOf(app, world, world.client1, token).post('/shared')).status);
    expect(statuses).toEqual(index === 0 ? [201, 401] : [401, 201]);
  }
});
