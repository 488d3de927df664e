import type { SharedIntrospectionCacheOptions } from 'nestjs-cert-bound-auth';
import type { TestAuthorizationServer, TestTokenOptions } from 'nestjs-cert-bound-auth/testing';
import type { Platform } from './platforms.js';
import type { RecordingLogger } from './recording-logger.js';
import { TokenController } from './token-controller.js';
import { API_CLIENT, startApi, type TokenCall, tokenCallTo, type World } from './world.js';

/** One instance of an API that shares introspection answers with others. */
export interface SharingApi {
  readonly call: TokenCall;
}

/** Options of {@link startSharingApi}, beside what the instance shares. */
export interface SharingApiOptions {
  readonly ttl?: number;
  readonly negativeTtl?: number;
  readonly logger?: RecordingLogger;
}

/** Starts an instance, which ends with the test. */
export async function startSharingApi(
  world: World,
  platform: Platform,
  as: TestAuthorizationServer,
  shared: SharedIntrospectionCacheOptions,
  { logger, ...times }: SharingApiOptions = {},
): Promise<SharingApi> {
  const introspection = { clientAuthentication: API_CLIENT, cache: { ...times, shared } };
  const trusted = [{ issuer: as.issuer, introspection }];
  const log = logger === undefined ? {} : { logger };
  const app = await startApi(world, platform, trusted, [TokenController], log);
  return { call: tokenCallTo(app, world) };
}

/** Issues an opaque token that is bound to the certificate of client 1. */
export function opaqueToken(
  world: World,
  as: TestAuthorizationServer,
  options: TestTokenOptions = {},
): string {
  return as.opaqueToken({ certificate: world.client1, ...options });
}
