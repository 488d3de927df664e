import type { INestApplication, NestApplicationOptions } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { ServerOptions } from 'node:https';

export type Platform = 'express' | 'fastify';

const ALL: readonly Platform[] = ['express', 'fastify'];

/** The HTTP platforms that every end-to-end case runs on; the mutation tests and some versions of Node use only one. */
export const PLATFORMS: readonly Platform[] = ALL.filter((platform) =>
  (process.env['TEST_PLATFORMS'] ?? ALL.join()).includes(platform),
);

/** Options of {@link startApp}. */
export interface StartAppOptions {
  /** Changes the app before it is initialised (CORS, filters, pipes). */
  readonly configure?: (app: INestApplication) => void;
  /** @default a free one */
  readonly port?: number;
  /** Nest's logger; silent unless given. */
  readonly logger?: NonNullable<Parameters<typeof NestFactory.create>[2]>['logger'];
}

/** Starts a Nest app with these TLS options (plain HTTP without) on a free port of 127.0.0.1. */
export async function startApp(
  platform: Platform,
  module: object,
  httpsOptions?: ServerOptions,
  { configure, port = 0, logger = false }: StartAppOptions = {},
): Promise<INestApplication> {
  const app = await createApp(platform, module, httpsOptions, logger);
  configure?.(app);
  await app.listen(port, '127.0.0.1');
  return app;
}

async function createApp(
  platform: Platform,
  module: object,
  httpsOptions: ServerOptions | undefined,
  logger: NonNullable<StartAppOptions['logger']>,
): Promise<INestApplication> {
  const options = { logger, abortOnError: false };
  if (platform === 'fastify') {
    const adapter =
      httpsOptions === undefined ? new FastifyAdapter() : new FastifyAdapter({ https: httpsOptions });
    return NestFactory.create<NestFastifyApplication>(module as never, adapter, options);
  }
  return NestFactory.create(
    module as never,
    httpsOptions === undefined ? options : { ...options, httpsOptions: httpsOptions as HttpsOptions },
  );
}

type HttpsOptions = NonNullable<NestApplicationOptions['httpsOptions']>;
