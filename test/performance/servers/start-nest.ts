import type { INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { Server } from 'node:https';
import { mutualTls } from 'nestjs-cert-bound-auth';
import type { ServerSettings } from './server-settings.js';

/** Starts a Nest app with mutual TLS on a free port. */
export async function startNest(
  { platform, tls }: ServerSettings,
  module: object,
  configure?: (app: INestApplication) => unknown,
): Promise<Server> {
  const options = { logger: false, abortOnError: false } as const;
  const https = mutualTls(tls);
  const app =
    platform === 'fastify'
      ? await NestFactory.create(module as never, new FastifyAdapter({ https }), options)
      : await NestFactory.create(module as never, { ...options, httpsOptions: https });
  configure?.(app);
  await app.listen(0, '127.0.0.1');
  return app.getHttpServer() as Server;
}
