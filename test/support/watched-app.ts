import { Controller, Get, type INestApplication, type NestApplicationOptions, Param } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { CertBoundAuthModule, type CertBoundAuthOptions } from 'nestjs-cert-bound-auth';
import type { ServerOptions } from 'node:https';
import type { AddressInfo } from 'node:net';
import { RecordingLogger } from './recording-logger.js';
import { whenOver } from './world.js';

/** The servers that reload TLS files, with the version of HTTP that their clients speak. */
export const SERVERS = {
  express: 1,
  fastify: 1,
  'fastify http2': 2,
  'fastify http2, client of http1': 1,
} as const;
export type ServerKind = keyof typeof SERVERS;

/** An app with `GET /fast`, and with `GET /slow/:name`, which waits until the test releases it. */
export interface WatchedApp {
  readonly app: INestApplication;
  readonly logger: RecordingLogger;
  /** Names of the slow requests that the app has begun to serve. */
  readonly begun: readonly string[];
  /** Answers all slow requests, now and from now on. */
  release(): void;
  readonly port: number;
}

/** Creates such an app, which ends with the test. @param auth options of the module that protects it; none by default */
export async function createWatchedApp(
  kind: ServerKind,
  tls: ServerOptions | undefined,
  auth?: CertBoundAuthOptions,
): Promise<WatchedApp> {
  const begun: string[] = [];
  let release = (): void => undefined;
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });

  @Controller()
  class TestController {
    @Get('fast') fast(): string {
      return 'fast';
    }
    @Get('slow/:name') async slow(@Param('name') name: string): Promise<string> {
      begun.push(name);
      await released;
      return name;
    }
  }
  class App {}
  const imports = auth === undefined ? [] : [CertBoundAuthModule.forRoot(auth)];
  const logger = new RecordingLogger();
  const module = { module: App, imports, controllers: [TestController] };
  const app = await create(kind, module, tls, { logger, abortOnError: false });
  whenOver(async () => {
    release();
    await app.close();
  });
  const port = (): number => (app.getHttpServer() as { address(): AddressInfo }).address().port;
  return {
    app,
    logger,
    begun,
    release: () => release(),
    get port() {
      return port();
    },
  };
}

async function create(
  kind: ServerKind,
  module: object,
  https: ServerOptions | undefined,
  options: NestApplicationOptions,
): Promise<INestApplication> {
  if (kind === 'express') {
    const tls = https === undefined ? {} : { httpsOptions: https as HttpsOptions };
    return NestFactory.create(module as never, { ...options, ...tls });
  }
  const http2 = kind === 'fastify' ? {} : { http2: true };
  const tls = https === undefined ? {} : { https: { allowHTTP1: true, ...https } };
  return NestFactory.create(module as never, new FastifyAdapter({ ...http2, ...tls } as never), options);
}

type HttpsOptions = NonNullable<NestApplicationOptions['httpsOptions']>;
