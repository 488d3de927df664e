import type { DynamicModule, INestApplication } from '@nestjs/common';
import type { Server } from 'node:https';
import {
  type AuthorizationServerOptions,
  CertBoundAuthModule,
  type CertBoundAuthOptions,
  TokenRevocations,
} from 'nestjs-cert-bound-auth';
import { PaymentsController } from './payments.controller.js';
import { PUBLIC_URL, type ServerSettings } from './server-settings.js';
import { startNest } from './start-nest.js';

/** Proofs are made before they are sent. */
const PROOF_LIFETIME = 3600;

/** As many opaque tokens as any scenario has. */
const MOST_ANSWERS = 100_000;

/** More than any scenario has. */
const MOST_REVOKED = 2_000_000;

/** Bytes: room for as many tokens as any scenario has, for what they cost and not what fits is the question. */
const TOKEN_CACHE_SIZE = 2 ** 29;

/** Nest with this library, which protects every route. */
export async function startLibrary(settings: ServerSettings): Promise<Server> {
  class App {}
  const module = { module: App, imports: authOf(settings), controllers: [PaymentsController] };
  const apps: INestApplication[] = [];
  const server = await startNest(settings, module, (app) => apps.push(app));
  for (const app of apps) await revokeTokens(app, settings);
  return server;
}

async function revokeTokens(
  app: INestApplication,
  { revokedTokens = 0, issuers: [first] }: ServerSettings,
): Promise<void> {
  const revocations = app.get(TokenRevocations);
  for (let index = 0; index < revokedTokens; index += 1)
    await revocations.revoke({ issuer: first?.issuer ?? '', tokenId: `revoked-${index}` });
}

/** The library's module, where the variant has it. */
export function authOf(settings: ServerSettings): DynamicModule[] {
  return settings.variant === 'library' ? [CertBoundAuthModule.forRoot(optionsOf(settings))] : [];
}

function optionsOf(settings: ServerSettings): CertBoundAuthOptions {
  return {
    audience: settings.audience,
    tokenCache: { maxSize: TOKEN_CACHE_SIZE },
    ...(settings.revokedTokens === undefined ? {} : { revocations: { maxEntries: MOST_REVOKED } }),
    authorizationServers: settings.issuers.map(({ issuer, jwksUri }, index) => ({
      issuer,
      jwt: { jwksUri },
      http: { allowLoopbackHttp: true },
      ...(index === 0 ? introspectionOf(settings) : {}),
    })),
    ...(settings.dpop === true ? { dpop: { publicUrl: PUBLIC_URL, proofLifetime: PROOF_LIFETIME } } : {}),
  };
}

function introspectionOf({
  introspectionEndpoint: endpoint,
}: ServerSettings): Pick<AuthorizationServerOptions, 'introspection'> {
  if (endpoint === undefined) return {};
  return {
    introspection: {
      endpoint,
      clientAuthentication: { method: 'none', clientId: 'api' },
      cache: { ttl: 3600, maxEntries: MOST_ANSWERS },
    },
  };
}
