import type { INestApplication, Type } from '@nestjs/common';
import type { AuthorizationServerOptions } from 'nestjs-cert-bound-auth';
import type { TestAuthorizationServer } from 'nestjs-cert-bound-auth/testing';
import type { Platform } from './platforms.js';
import { RecordingLogger } from './recording-logger.js';
import {
  startApi,
  type StartApiOptions,
  startAuthorizationServer,
  type TokenCall,
  tokenCallTo,
  type World,
} from './world.js';

/** An API, the authorization server that it trusts, and what the API logs. */
export interface ProtectedApi {
  readonly as: TestAuthorizationServer;
  readonly app: INestApplication;
  readonly logger: RecordingLogger;
  readonly call: TokenCall;
}

/** Options of {@link startProtectedApi}. */
export interface StartProtectedApiOptions extends Omit<StartApiOptions, 'logger'> {
  /** How the API uses the authorization server, beside its issuer and its CA. */
  readonly server?: Omit<AuthorizationServerOptions, 'issuer'>;
}

/** Starts an authorization server and an API with these controllers that trusts it; both end with the test. */
export async function startProtectedApi(
  world: World,
  platform: Platform,
  controllers: readonly Type[],
  { server, ...start }: StartProtectedApiOptions = {},
): Promise<ProtectedApi> {
  const as = await startAuthorizationServer(world);
  const logger = new RecordingLogger();
  const app = await startApi(world, platform, [{ issuer: as.issuer, ...server }], controllers, {
    ...start,
    logger,
  });
  return { as, app, logger, call: tokenCallTo(app, world) };
}
