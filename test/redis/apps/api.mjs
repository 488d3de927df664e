// @ts-check
/** One instance of an API, in a process of its own: it imports the package as an app does, so it is JavaScript. */
import 'reflect-metadata';
import { Controller, Get } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Redis } from 'ioredis';
import { CertBoundAuthModule, RedisReplayStore } from 'nestjs-cert-bound-auth';
import { createClient } from 'redis';

/** @type {import('../support/api-process.js').ApiSettings} */
const settings = JSON.parse(process.argv[2] ?? '');

class PaymentsController {
  list() {
    return 'payments';
  }
}
Controller('payments')(PaymentsController);
const list = Object.getOwnPropertyDescriptor(PaymentsController.prototype, 'list');
Get()(PaymentsController.prototype, 'list', list ?? {});

class AppModule {}

const root = {
  module: AppModule,
  imports: [
    CertBoundAuthModule.forRoot({
      ...settings.auth,
      dpop: {
        publicUrl: settings.publicUrl,
        replayStore: new RedisReplayStore(connect(), { timeout: settings.timeout }),
      },
    }),
  ],
  controllers: [PaymentsController],
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
await app.listen(0, '127.0.0.1');
process.once('disconnect', () => process.exit());
process.send?.({ url: await app.getUrl() });
