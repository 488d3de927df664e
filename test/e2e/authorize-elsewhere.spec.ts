import { Controller } from '@nestjs/common';
import { Query, Resolver } from '@nestjs/graphql';
import { MessagePattern } from '@nestjs/microservices';
import { ConnectedSocket, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import {
  AccessToken,
  authorize,
  CertBoundAuthModule,
  type VerifiedAccessToken,
} from 'nestjs-cert-bound-auth';
import { describe, expect, test } from 'vitest';
import { startTcpMessages } from '../support/tcp-messages.js';
import { connectBy, connected, portOf, startGateways } from '../support/websockets.js';
import { createWorld, startAuthorizationServer } from '../support/world.js';
import { query, startBank } from './graphql/bank.js';
import { answerTo } from './websockets/chat.gateway.js';

@Resolver()
class TransfersResolver {
  @Query(() => String, { nullable: true }) async transfer(
    @AccessToken() token: VerifiedAccessToken,
  ): Promise<string> {
    await authorize(token, { scopes: ['transfers'] });
    return 'transferred';
  }
}

@WebSocketGateway({ path: '/chat' })
class TransfersGateway {
  @SubscribeMessage('transfer') async transfer(
    @ConnectedSocket() client: object,
    @AccessToken() token: VerifiedAccessToken,
  ): Promise<unknown> {
    await authorize(token, { scopes: ['transfers'] });
    return answerTo(client, 'transferred');
  }
}

@Controller()
class TransfersController {
  @MessagePattern('transfer') async transfer(@AccessToken() token: VerifiedAccessToken): Promise<string> {
    await authorize(token, { scopes: ['transfers'] });
    return 'transferred';
  }
}

const world = await createWorld();

describe.each(['apollo on express', 'apollo on fastify', 'mercurius'] as const)(
  'what code demands in a resolver, by %s',
  (server) => {
    test('a field is refused as by a decorator where the token does not have it', async () => {
      const bank = await startBank(world, [server, 'code-first'], { providers: [TransfersResolver] });
      const call = async (scope: string): ReturnType<typeof query> => {
        const token = await bank.as.accessToken({ certificate: world.client1, scope });
        return query(bank, world, '{ transfer }', { certificate: world.client1, token });
      };
      expect((await call('transfers')).data).toEqual({ transfer: 'transferred' });
      const refused = await call('');
      expect(refused.data).toEqual({ transfer: null });
      expect(refused.codes).toEqual(['FORBIDDEN']);
    });
  },
);

test.each(['ws', 'socket.io'] as const)(
  'what code demands of a message over %s is told to its client',
  async (carrier) => {
    const as = await startAuthorizationServer(world);
    const auth = CertBoundAuthModule.forRoot(as.moduleOptions);
    const app = await startGateways(world, 'express', carrier, auth, [TransfersGateway]);
    const ask = async (scope: string): Promise<unknown> => {
      const token = await as.accessToken({ certificate: world.client1, scope });
      const client = await connected(
        connectBy(carrier, world, { port: portOf(app), token, certificate: world.client1 }),
      );
      return client.ask('transfer');
    };
    expect(await ask('transfers')).toBe('transferred');
    expect(await ask('')).toMatchObject({ exception: { statusCode: 403 } });
  },
);

test('what code demands of a message over TCP is told to its sender', async () => {
  const as = await startAuthorizationServer(world);
  const call = await startTcpMessages(world, as, TransfersController);
  const send = async (scope: string): Promise<unknown> => {
    const token = await as.accessToken({ certificate: world.client1, scope });
    return call('transfer', { token });
  };
  expect(await send('transfers')).toBe('transferred');
  expect(await send('')).toMatchObject({ statusCode: 403 });
});
