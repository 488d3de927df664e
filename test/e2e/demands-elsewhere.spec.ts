import { Controller } from '@nestjs/common';
import { Args, Query, Resolver } from '@nestjs/graphql';
import { MessagePattern } from '@nestjs/microservices';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { CertBoundAuthModule, Demand, RequireClaim } from 'nestjs-cert-bound-auth';
import { beforeEach, describe, expect, test } from 'vitest';
import { startTcpMessages } from '../support/tcp-messages.js';
import { connectBy, connected, portOf, startGateways } from '../support/websockets.js';
import { createWorld, startAuthorizationServer } from '../support/world.js';
import { answerTo } from './websockets/chat.gateway.js';
import { query, startBank } from './graphql/bank.js';

const asked: unknown[] = [];
beforeEach(() => {
  asked.length = 0;
});

/** The owner that a call names must be the caller. */
const OwnOnly = (): MethodDecorator =>
  Demand(({ subject }, { params }) => {
    const { owner } = params as { readonly owner: string };
    asked.push(owner);
    return owner === subject;
  });

@Resolver()
class BalanceResolver {
  @Query(() => String, { nullable: true }) @OwnOnly() balance(@Args('owner') owner: string): string {
    return `balance of ${owner}`;
  }
  @Query(() => String, { nullable: true }) @RequireClaim('role', 'admin') audit(): string {
    return 'audited';
  }
}

@WebSocketGateway({ path: '/chat' })
class BalanceGateway {
  @SubscribeMessage('balance') @OwnOnly() balance(
    client: object,
    { owner }: { readonly owner: string },
  ): unknown {
    return answerTo(client, `balance of ${owner}`);
  }
}

@Controller()
class BalanceController {
  @MessagePattern('balance') @OwnOnly() balance({ owner }: { readonly owner: string }): string {
    return `balance of ${owner}`;
  }
}

const world = await createWorld();

describe.each(['apollo on express', 'apollo on fastify', 'mercurius'] as const)(
  "checks of the app's own in resolvers, by %s",
  (server) => {
    test('each field of an operation is checked with its own arguments, whatever was found of another one', async () => {
      const bank = await startBank(world, [server, 'code-first'], { providers: [BalanceResolver] });
      const token = await bank.as.accessToken({ certificate: world.client1, subject: 'alice' });
      const caller = { certificate: world.client1, token };
      const text =
        '{ own: balance(owner: "alice") other: balance(owner: "bob") again: balance(owner: "alice") }';
      const { data, errors, codes } = await query(bank, world, text, caller);
      expect(data).toEqual({ own: 'balance of alice', other: null, again: 'balance of alice' });
      expect(errors.map(({ path }) => path)).toEqual([['other']]);
      expect(codes).toEqual(['FORBIDDEN']);
      expect(asked).toEqual(['alice', 'bob', 'alice']);
      expect((await query(bank, world, '{ audit }', caller)).codes).toEqual(['FORBIDDEN']);
      const admin = await bank.as.accessToken({ certificate: world.client1, claims: { role: 'admin' } });
      const audit = await query(bank, world, '{ audit }', { certificate: world.client1, token: admin });
      expect(audit.data).toEqual({ audit: 'audited' });
    });
  },
);

test.each(['ws', 'socket.io'] as const)(
  "a check of the app's own sees the content of a message over %s",
  async (carrier) => {
    const as = await startAuthorizationServer(world);
    const auth = CertBoundAuthModule.forRoot(as.moduleOptions);
    const app = await startGateways(world, 'express', carrier, auth, [BalanceGateway]);
    const token = await as.accessToken({ certificate: world.client1, subject: 'alice' });
    const client = await connected(
      connectBy(carrier, world, { port: portOf(app), token, certificate: world.client1 }),
    );
    expect(await client.ask('balance', { owner: 'alice' })).toBe('balance of alice');
    expect(await client.ask('balance', { owner: 'bob' })).toMatchObject({ exception: { statusCode: 403 } });
    expect(await client.ask('balance', { owner: 'alice' })).toBe('balance of alice');
    expect(asked).toEqual(['alice', 'bob', 'alice']);
  },
);

test("a check of the app's own sees the content of a message over TCP", async () => {
  const as = await startAuthorizationServer(world);
  const call = await startTcpMessages(world, as, BalanceController);
  const token = await as.accessToken({ certificate: world.client1, subject: 'alice' });
  const send = async (owner: string): Promise<unknown> => call('balance', { token, owner });
  expect(await send('alice')).toBe('balance of alice');
  expect(await send('bob')).toMatchObject({ statusCode: 403 });
  expect(asked).toEqual(['alice', 'bob']);
});
