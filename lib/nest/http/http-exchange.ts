import { type ExecutionContext, UnauthorizedException } from '@nestjs/common';
import type { HttpResponse } from './refuse.js';
import type { HttpRequest } from '../../request/http-request.js';
import { recordOf, type RequestRecord } from './request-record.js';
import { log } from '../../common/log.js';

/** Request and response of an execution context, as the platform has them. */
export interface HttpExchange {
  readonly request: HttpRequest & { user?: unknown };
  readonly response: HttpResponse;
  readonly record: RequestRecord;
}

/** The HTTP exchange behind a context; `undefined` behind any other. */
export function exchangeOf(context: ExecutionContext): HttpExchange | undefined {
  if (context.getType<string>() !== 'http') return undefined;
  // What `switchToHttp` makes three functions for, and adds them to the context.
  const request: HttpExchange['request'] = context.getArgByIndex(0);
  return { request, response: context.getArgByIndex(1), record: recordOf(request) };
}

/**
 * The HTTP exchange behind a context.
 * @throws UnauthorizedException for any other context: what can't be checked is refused
 */
export function httpExchangeOf(context: ExecutionContext): HttpExchange {
  return exchangeOf(context) ?? refuseContext(context);
}

/** @throws UnauthorizedException: what can't be checked is refused */
export function refuseContext(context: ExecutionContext): never {
  log.error(
    `refused reason=context_unsupported context=${context.getType<string>()} ` +
      `handler=${context.getClass().name}.${context.getHandler().name}: only HTTP routes can be protected; ` +
      `mark the handler @Public() and protect it otherwise`,
  );
  throw new UnauthorizedException();
}
