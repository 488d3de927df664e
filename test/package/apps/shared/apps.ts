import {
  type DynamicModule,
  type INestApplication,
  Injectable,
  Module,
  type NestApplicationOptions,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { CertBoundAuthModule, type CertBoundAuthOptions, mutualTls } from 'nestjs-cert-bound-auth';
import { PassportController, PaymentsController } from './payments.controller.js';
import type { Platform } from './platforms.js';
import { type AppName, ORIGIN } from './request-table.js';
import type { World } from './world.js';

const LOGGING: NestApplicationOptions = { logger: ['fatal', 'error'], abortOnError: false };

/** Stands for an app's configuration service. */
@Injectable()
class Settings {
  static current: CertBoundAuthOptions;
  async load(): Promise<CertBoundAuthOptions> {
    return Promise.resolve(Settings.current);
  }
}

@Module({ providers: [Settings], exports: [Settings] })
class SettingsModule {}

@Module({ controllers: [PaymentsController, PassportController] })
class AppModule {}

/** Starts an app on a free port of 127.0.0.1. */
export async function startApp(name: AppName, platform: Platform, world: World): Promise<INestApplication> {
  const module = { module: AppModule, imports: [authModule(name, world)] };
  const app = await createApp(module, platform, world);
  app.enableCors({ origin: [ORIGIN] });
  const other = (_request: unknown, response: { send(body: string): unknown }): unknown =>
    response.send('there');
  app.getHttpAdapter().get('/other', other as never);
  await app.listen(0, '127.0.0.1');
  return app;
}

function authModule(name: AppName, { authorizationServer }: World): DynamicModule {
  const options = authorizationServer.moduleOptions;
  if (name === 'forRoot') return CertBoundAuthModule.forRoot(options);
  Settings.current = options;
  return CertBoundAuthModule.forRootAsync({
    imports: [SettingsModule],
    inject: [Settings],
    useFactory: async (settings: Settings) => settings.load(),
    globalGuards: false,
  });
}

async function createApp(module: DynamicModule, platform: Platform, world: World): Promise<INestApplication> {
  const { key, cert } = world.server;
  const https = mutualTls({ key, cert, ca: world.ca.cert, clientAuth: 'request' });
  switch (platform) {
    case 'express':
      return NestFactory.create(module, { ...LOGGING, httpsOptions: https });
    case 'fastify':
      return NestFactory.create(module, new FastifyAdapter({ https }), LOGGING);
    case 'fastify http2':
      return NestFactory.create(module, new FastifyAdapter({ http2: true, https }), LOGGING);
    case 'fastify http2 allowHTTP1':
      return NestFactory.create(
        module,
        new FastifyAdapter({ http2: true, https: { ...https, allowHTTP1: true } }),
        LOGGING,
      );
  }
}
