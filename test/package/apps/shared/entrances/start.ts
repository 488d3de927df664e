import type { INestApplication, ModuleMetadata } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { AddressInfo } from 'node:net';
import { CertBoundAuthModule, mutualTls } from 'nestjs-cert-bound-auth';
import type { World } from '../world.js';

export type Adapter = 'express' | 'fastify';

/** An app with the module, and what the row adds. */
export function appModule(
  { authorizationServer }: World,
  { imports = [], ...others }: ModuleMetadata,
): ModuleMetadata & { readonly module: new () => object } {
  class AppModule {}
  const auth = CertBoundAuthModule.forRoot(authorizationServer.moduleOptions);
  return { module: AppModule, imports: [auth, ...imports], ...others };
}

/** Starts it on a free port of 127.0.0.1. */
export async function startApp(
  adapter: Adapter,
  world: World,
  metadata: ModuleMetadata,
  configure?: (app: INestApplication) => unknown,
): Promise<INestApplication> {
  const https = mutualTls({ key: world.server.key, cert: world.server.cert, ca: world.ca.cert });
  const module = appModule(world, metadata);
  const options = { logger: false, abortOnError: false } as const;
  const app =
    adapter === 'express'
      ? await NestFactory.create(module, { ...options, httpsOptions: https })
      : await NestFactory.create(module, new FastifyAdapter({ https }), options);
  configure?.(app);
  await app.listen(0, '127.0.0.1');
  return app;
}

export function portOf(app: INestApplication): number {
  return ((app.getHttpServer() as { address(): unknown }).address() as AddressInfo).port;
}
