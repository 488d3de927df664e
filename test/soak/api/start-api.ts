import { readFile } from 'node:fs/promises';
import type { Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { INestApplication, LoggerService } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import {
  CertBoundAuthModule,
  type CertBoundAuthOptions,
  DecisionListener,
  mutualTls,
  TokenRevocations,
  watchTls,
} from 'nestjs-cert-bound-auth';
import { type ApiSettings, AUDIENCE, type Platform, PUBLIC_URL } from '../settings.js';
import { CALL_TIMEOUT, CLOCK_TOLERANCE, INTROSPECTION_CACHE, KEY_CACHE, PROOF_LIFETIME } from '../timing.js';
import { AccountsController } from './accounts.controller.js';
import type { LastDecisions } from './last-decisions.js';

/** Connections end when clients or the server want it, however slow the machine is. */
const IDLE_TIME = 120_000;

/** An API that listens. */
export interface RunningApi {
  readonly port: number;
  readonly revocations: TokenRevocations;
}

/** Starts an API whose TLS files are watched. */
export async function startApi(
  platform: Platform,
  settings: ApiSettings,
  decisions: LastDecisions,
  logger: LoggerService,
): Promise<RunningApi> {
  class App {}
  const listener = { provide: DecisionListener, useValue: decisions };
  const auth = CertBoundAuthModule.forRoot(optionsFor(platform, settings));
  const module = { module: App, imports: [auth], controllers: [AccountsController], providers: [listener] };
  const app = await createApp(platform, module, settings, logger);
  await watchTls(app, settings.tls);
  await app.listen(0, '127.0.0.1');
  const server = app.getHttpServer() as Server;
  server.keepAliveTimeout = IDLE_TIME;
  return { port: (server.address() as AddressInfo).port, revocations: app.get(TokenRevocations) };
}

/** Seconds: as long as tokens of the run live at most, so that entries go again. */
const LONGEST_LIFETIME = 3_600;

/** Caches are small, so that they are full early and memory must stay what it is. */
function optionsFor(platform: Platform, { issuers, ca }: ApiSettings): CertBoundAuthOptions {
  return {
    audience: AUDIENCE,
    clockTolerance: CLOCK_TOLERANCE,
    bootstrap: 'eager',
    tokenCache: { maxEntries: 500 },
    revocations: { maxTokenLifetime: LONGEST_LIFETIME },
    dpop: { publicUrl: PUBLIC_URL, proofLifetime: PROOF_LIFETIME },
    authorizationServers: [
      {
        issuer: issuers[platform],
        tls: { ca },
        http: { connectTimeout: CALL_TIMEOUT, timeout: CALL_TIMEOUT },
        keyCache: KEY_CACHE,
        introspection: {
          clientAuthentication: { method: 'none', clientId: 'api' },
          cache: INTROSPECTION_CACHE,
        },
      },
    ],
  };
}

async function createApp(
  platform: Platform,
  module: object,
  { tls }: ApiSettings,
  logger: LoggerService,
): Promise<INestApplication> {
  const [key, cert, ca] = await Promise.all([readFile(tls.key), readFile(tls.cert), readFile(tls.ca)]);
  const https = mutualTls({ key, cert, ca, clientAuth: 'request' });
  const options = { logger, abortOnError: false };
  return platform === 'fastify'
    ? NestFactory.create(module as never, new FastifyAdapter({ https }), options)
    : NestFactory.create(module as never, { ...options, httpsOptions: https });
}
