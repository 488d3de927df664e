import type { IncomingMessage } from 'node:http';
import type { MaybePromise } from '../../common/maybe-promise.js';
import type { Acceptance, Decision } from '../../decision.js';
import { type HttpRequest, rawRequestOf } from '../../request/http-request.js';
import { authenticatorOf } from '../exchange/app-registry.js';
import type { RequestAuthenticator } from '../exchange/request-authenticator.js';
import { authInfoOf, type McpAuthInfo } from './auth-info.js';
import { McpExchange } from './mcp-exchange.js';

/** Node's own request, as transports of the SDK take it. */
export type RequestOfMcp = IncomingMessage & { auth?: McpAuthInfo };

/** Who has sent a message, as the guard of its route has decided. */
export interface McpCaller {
  readonly request: HttpRequest;
  readonly authenticator: RequestAuthenticator;
  readonly acceptance: Acceptance;
}

/** By what was made here, and by nothing else that has the same shape. */
const callers = new WeakMap<object, McpCaller>();

/** The caller for whom this was made by {@link mcpRequest}; `undefined` for any other object. */
export function callerOf(authInfo: unknown): McpCaller | undefined {
  return typeof authInfo === 'object' && authInfo !== null ? callers.get(authInfo) : undefined;
}

/**
 * The request to hand to `handleRequest()` of the official SDK of MCP: Node's own, with `auth` as the guard has decided about
 * it. On a route that is public, and behind no guard of this module, `auth` is taken away: then protected tools are refused.
 * @param request of the handler, as `@Req()` gives it, on Express or Fastify
 * @throws Error where the app that it came to does not import `CertBoundAuthModule`
 * @example
 * ```ts
 * import { All, Controller, Req, Res } from '@nestjs/common';
 * import type { Request, Response } from 'express';
 * import { mcpRequest, type RequestOfMcp } from 'nestjs-cert-bound-auth';
 *
 * declare const transport: {
 *   handleRequest(request: RequestOfMcp, response: Response, body: unknown): Promise<void>;
 * };
 *
 * @Controller('mcp')
 * export class McpEndpoint {
 *   @All()
 *   async handle(@Req() request: Request, @Res() response: Response): Promise<void> {
 *     await transport.handleRequest(await mcpRequest(request), response, request.body);
 *   }
 * }
 * ```
 */
export async function mcpRequest(request: HttpRequest): Promise<RequestOfMcp> {
  const raw: RequestOfMcp = rawRequestOf(request);
  const authenticator = authenticatorOf(new McpExchange(request, '')).atRouteOf(request);
  const decided: MaybePromise<Decision> | undefined = authenticator.decisionAbout(request);
  const decision = await decided;
  if (decision?.outcome === 'accepted') {
    raw.auth = authInfoOf(decision);
    callers.set(raw.auth, { request, authenticator, acceptance: decision });
  } else {
    delete raw.auth;
  }
  return raw;
}
