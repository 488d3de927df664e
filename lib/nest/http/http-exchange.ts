import type { RenderedRefusal } from '../../challenge/challenge.js';
import type { OAuthError } from '../../challenge/oauth-error.js';
import { type HttpRequest, rawRequestOf } from '../../request/http-request.js';
import { connectionOf } from '../../client-certificate/client-certificate.js';
import { Exchange } from '../exchange/exchange.js';
import type { OpenResponses } from '../exchange/open-responses.js';
import { recordOf } from '../exchange/request-record.js';
import type { TokenEnd } from '../exchange/token-end.js';
import { type HttpResponse, refuse, setNonce } from './refuse.js';
import { answerSession } from './session-cookie.js';

/** Request and response of HTTP, as Express or Fastify has them. */
export class HttpExchange extends Exchange {
  constructor(
    request: Exchange['request'],
    readonly response: HttpResponse,
  ) {
    super(request, recordOf(request));
  }

  get route(): string {
    return httpRouteOf(this.request);
  }

  get params(): unknown {
    return (this.request as { readonly params?: unknown }).params;
  }

  refuse(error: OAuthError, rendered: RenderedRefusal): Error {
    return refuse(error, rendered, this.response);
  }

  endBy(end: TokenEnd, responses: OpenResponses): void {
    const raw = 'raw' in this.response ? this.response.raw : this.response;
    responses.keep(connectionOf(this.record.raw), raw, end);
  }

  offerNonce(nonce: string): void {
    setNonce(this.response, nonce);
  }

  override answerSession(cookie: string | undefined): void {
    answerSession(this.response, cookie);
  }

  /** Calls this when the response has been sent, or the client has hung up. */
  whenOver(act: () => void): void {
    const raw = 'raw' in this.response ? this.response.raw : this.response;
    raw.once('close', act);
  }
}

/** Method and path pattern: a path itself may hold what should not be in a log, and a query may hold a token. */
export function httpRouteOf(request: HttpRequest): string {
  const { route, routeOptions } = request as {
    readonly route?: { readonly path?: string };
    readonly routeOptions?: { readonly url?: string };
  };
  return `${rawRequestOf(request).method} ${route?.path ?? routeOptions?.url ?? 'unknown'}`;
}
