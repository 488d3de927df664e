import { Controller } from '@nestjs/common';
import { Query, Resolver } from '@nestjs/graphql';
import { MessagePattern } from '@nestjs/microservices';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import {
  AccessToken,
  AllowAnonymous,
  CertBoundAuthModule,
  Scopes,
  type VerifiedAccessToken,
} from 'nestjs-cert-bound-auth';
import { describe, expect, test } from 'vitest';
import { startTcpMessages } from '../support/tcp-messages.js';
import { connectBy, connected, portOf, refused, startGateways } from '../support/websockets.js';
import { createWorld, startAuthorizationServer } from '../support/world.js';
import { answerTo } from './websockets/chat.gateway.js';
import { query, startBank } from './graphql/bank.js';

const whoOf = (token: VerifiedAccessToken | undefined): string => token?.subject ?? 'everyone';

@Resolver()
class RatesResolver {
  @Query(() => String, { nullable: true }) @AllowAnonymous() rates(
    @AccessToken() token?: VerifiedAccessToken,
  ): string {
    return `rates for ${whoOf(token)}`;
  }
  @Query(() => String, { nullable: true }) @Scopes('rates') closed(): string {
    return 'closed';
  }
}

@WebSocketGateway({ path: '/chat' })
@AllowAnonymous()
class RatesGateway {
  @SubscribeMessage('rates') rates(client: object): unknown {
    return answerTo(client, 'rates');
  }
  @SubscribeMessage('closed') @Scopes('rates') closed(client: object): unknown {
    return answerTo(client, 'closed');
  }
}

@WebSocketGateway({ path: '/chat' })
class ClosedGateway {
  @SubscribeMessage('other') other(client: object): unknown {
    return answerTo(client, 'other');
  }
}

@Controller()
class RatesController {
  @MessagePattern('rates') @AllowAnonymous() rates(): string {
    return 'rates';
  }
  @MessagePattern('closed') closed(): string {
    return 'closed';
  }
}

const world = await createWorld();

describe.each(['apollo on express', 'apollo on fastify', 'mercurius'] as const)(
  'fields for callers without credentials, by %s',
  (server) => {
    test('they are resolved for whoever shows nothing, and for nobody who shows a bad token', async () => {
      const bank = await startBank(world, [server, 'code-first'], { providers: [RatesResolver] });
      const { data, errors } = await query(bank, world, '{ rates closed }', {});
      expect(data).toEqual({ rates: 'rates for everyone', closed: null });
      expect(errors.map(({ path }) => path)).toEqual([['closed']]);
      const bad = await query(bank, world, '{ rates }', { certificate: world.client1, token: 'nonsense' });
      expect(bad.data).toEqual({ rates: null });
      const token = await bank.as.accessToken({ certificate: world.client1, subject: 'alice' });
      const known = await query(bank, world, '{ rates }', { certificate: world.client1, token });
      expect(known.data).toEqual({ rates: 'rates for alice' });
    });
  },
);

describe.each(['ws', 'socket.io'] as const)(
  'a gateway for callers without credentials over %s',
  (carrier) => {
    test('it lets in whoever shows nothing, judges whoever shows a token, and keeps closed what demands more', async () => {
      const as = await startAuthorizationServer(world);
      const auth = CertBoundAuthModule.forRoot(as.moduleOptions);
      const app = await startGateways(world, 'express', carrier, auth, [RatesGateway]);
      const client = await connected(connectBy(carrier, world, { port: portOf(app) }));
      expect(await client.ask('rates')).toBe('rates');
      expect(await client.ask('closed')).toMatchObject({ exception: { statusCode: 401 } });
      const bad = await refused(connectBy(carrier, world, { port: portOf(app), token: 'nonsense' }));
      expect(bad.status).toBe(401);
    });

    test('it opens nothing for another gateway at the same path', async () => {
      const as = await startAuthorizationServer(world);
      const auth = CertBoundAuthModule.forRoot(as.moduleOptions);
      const app = await startGateways(world, 'express', carrier, auth, [RatesGateway, ClosedGateway]);
      expect((await refused(connectBy(carrier, world, { port: portOf(app) }))).status).toBe(401);
    });
  },
);

test('a message handler for callers without credentials answers whoever shows nothing, over TCP', async () => {
  const as = await startAuthorizationServer(world);
  const send = await startTcpMessages(world, as, RatesController);
  expect(await send('rates', {})).toBe('rates');
  expect(await send('rates', { token: 'nonsense' })).toMatchObject({ statusCode: 401 });
  expect(await send('closed', {})).toMatchObject({ statusCode: 401 });
});
