import { type ExecutionContext, Logger, UnauthorizedException } from '@nestjs/common';
import type { HttpResponse } from './challenge/refuse.js';
import type { HttpRequest } from './request/http-request.js';

/** Request and response of an execution context, as the platform has them. */
export interface HttpExchange {
  readonly request: HttpRequest & { user?: unknown };
  readonly response: HttpResponse;
}

const logger = new Logger('CertBoundAuth');

/**
 * The HTTP exchange behind a context.
 * @throws UnauthorizedException for any other context: what can't be checked is refused
 */
export function httpExchangeOf(context: ExecutionContext): HttpExchange {
  if (context.getType<string>() === 'http') {
    const http = context.switchToHttp();
    return { request: http.getRequest(), response: http.getResponse() };
  }
  logger.error(
    `refused reason=context_unsupported context=${context.getType<string>()} ` +
      `handler=${context.getClass().name}.${context.getHandler().name}: only HTTP routes can be protected; ` +
      `mark the handler @Public() and protect it otherwise`,
  );
  throw new UnauthorizedException();
}
