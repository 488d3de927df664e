import type { CertBoundAuthOptions, SharedIntrospectionCacheOptions } from 'nestjs-cert-bound-auth';
import type { TestAuthorizationServer, TestTokenOptions } from 'nestjs-cert-bound-auth/testing';
import type { Response } from 'supertest';
import type { Platform } from './platforms.js';
import type { RecordingLogger } from './recording-logger.js';
import { TokenController } from './token-controller.js';
import { clientOf, startApi, type World } from './world.js';

/** One instance of an API that shares introspection answers with others. */
export interface SharingApi {
  call(token: string, certificate?: 'client1' | 'client2'): Promise<Response>;
}

/** How {@link startSharingApi} is set up beside what it shares. */
export interface SharingApiOptions {
  readonly ttl?: number;
  readonly negativeTtl?: number;
  readonly logger?: RecordingLogger;
}

/** Starts one; it ends with the test. */
export async function startSharingApi(
  world: World,
  platform: Platform,
  as: TestAuthorizationServer,
  shared: SharedIntrospectionCacheOptions,
  { logger, ...times }: SharingApiOptions = {},
): Promise<SharingApi> {
  const options = optionsOf(world, as, { ...times, shared });
  const app = await startApi(world, platform, as, [TokenController], {
    options,
    ...(logger === undefined ? {} : { logger }),
  });
  return {
    call: async (token, certificate = 'client1') => clientOf(app, world, world[certificate], token).get('/'),
  };
}

function optionsOf(
  { ca }: World,
  { issuer }: TestAuthorizationServer,
  cache: object,
): Pick<CertBoundAuthOptions, 'authorizationServers'> {
  const clientAuthentication = {
    method: 'client_secret_basic',
    clientId: 'api',
    clientSecret: 'api-secret',
  } as const;
  return {
    authorizationServers: [{ issuer, tls: { ca: ca.cert }, introspection: { clientAuthentication, cache } }],
  };
}

/** Issues an opaque token that is bound to the certificate of client 1. */
export function opaqueToken(
  world: World,
  as: TestAuthorizationServer,
  options: TestTokenOptions = {},
): string {
  return as.opaqueToken({ certificate: world.client1, ...options });
}
