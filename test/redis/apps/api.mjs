// @ts-check
/** One instance of an API, in a process of its own: it imports the package as an app does, so it is JavaScript. */
import 'reflect-metadata';
import { Controller, Get, Inject, Param, Post, Req } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { WsAdapter } from '@nestjs/platform-ws';
import { WebSocketGateway } from '@nestjs/websockets';
import { Redis } from 'ioredis';
import {
  CertBoundAuthModule,
  Public,
  RedisReplayStore,
  RedisRevocationStore,
  RedisWebSocketTicketStore,
  TokenRevocations,
  WebSocketTickets,
} from 'nestjs-cert-bound-auth';
import { createClient } from 'redis';

/** @type {import('../support/api-process.js').ApiSettings} */
const settings = JSON.parse(process.argv[2] ?? '');

class PaymentsController {
  list() {
    return 'payments';
  }
}
Controller('payments')(PaymentsController);
decorate(PaymentsController, 'list', Get());

class TicketsController {
  /** @param {WebSocketTickets} tickets */
  constructor(tickets) {
    this.tickets = tickets;
  }

  /** @param {object} request */
  async create(request) {
    return { ticket: await this.tickets.issue(request, { path: '/chat' }) };
  }
}
Controller('tickets')(TicketsController);
Inject(WebSocketTickets)(TicketsController, undefined, 0);
Req()(TicketsController.prototype, 'create', 0);
decorate(TicketsController, 'create', Post());

class RevocationsController {
  /** @param {TokenRevocations} revocations */
  constructor(revocations) {
    this.revocations = revocations;
  }

  /** @param {string} subject */
  async create(subject) {
    const [{ issuer }] = settings.auth.authorizationServers;
    await this.revocations.revoke({ issuer, subject });
  }
}
Controller('revocations')(RevocationsController);
Inject(TokenRevocations)(RevocationsController, undefined, 0);
Param('subject')(RevocationsController.prototype, 'create', 0);
decorate(RevocationsController, 'create', Post(':subject'));
decorate(RevocationsController, 'create', Public());

class ChatGateway {}
WebSocketGateway({ path: '/chat' })(ChatGateway);

/**
 * @param {Function} type
 * @param {string} name of its method
 * @param {MethodDecorator} decorator
 */
function decorate(type, name, decorator) {
  decorator(type.prototype, name, Object.getOwnPropertyDescriptor(type.prototype, name) ?? {});
}

class AppModule {}
const redis = connect();
const { timeout, revocations } = settings;

const root = {
  module: AppModule,
  imports: [
    CertBoundAuthModule.forRoot({
      ...settings.auth,
      dpop: {
        publicUrl: settings.publicUrl,
        // Beside revocations, Redis is asked about nothing else: what comes of its loss is theirs.
        ...(revocations === undefined && { replayStore: new RedisReplayStore(redis, { timeout }) }),
      },
      ...(revocations && {
        revocations: { store: new RedisRevocationStore(redis, { ...revocations, timeout }) },
      }),
      webSocketTickets: { store: new RedisWebSocketTicketStore(redis, { timeout }) },
    }),
  ],
  controllers: [PaymentsController, TicketsController, RevocationsController],
  providers: [ChatGateway],
};

function connect() {
  const client =
    settings.client === 'redis'
      ? createClient({ url: `redis://127.0.0.1:${settings.redisPort}` })
      : new Redis(settings.redisPort, '127.0.0.1');
  // Without a listener an error of redis would end the process.
  client.on('error', () => undefined);
  if ('isOpen' in client) client.connect().catch(() => undefined);
  return client;
}

const app =
  settings.platform === 'fastify'
    ? await NestFactory.create(root, new FastifyAdapter(), { logger: false })
    : await NestFactory.create(root, { logger: false });
app.useWebSocketAdapter(new WsAdapter(app));
await app.listen(0, '127.0.0.1');
process.once('disconnect', () => process.exit());
process.send?.({ url: await app.getUrl() });
