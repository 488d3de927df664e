import type { RenderedRefusal } from '../../challenge/challenge.js';
import type { OAuthError } from '../../challenge/oauth-error.js';
import type { HttpRequest } from '../../request/http-request.js';
import { Exchange } from '../exchange/exchange.js';
import { recordOf } from '../exchange/request-record.js';
import { AccessRefusedException } from '../http/access-refused.exception.js';
import { httpRouteOf } from '../http/http-exchange.js';

/** A call of one tool, among all that a request may bring: it is refused in the answer of MCP, not in that of HTTP. */
export class McpExchange extends Exchange {
  /** @param tool as the app has registered it */
  constructor(
    request: HttpRequest,
    private readonly tool: string,
  ) {
    super(request, recordOf(request));
  }

  /** Tools of the SDK have no checks of the app's own. */
  get params(): undefined {
    return undefined;
  }

  get route(): string {
    return `${httpRouteOf(this.request)} tool ${this.tool}`;
  }

  refuse(error: OAuthError, rendered: RenderedRefusal): Error {
    return new AccessRefusedException(rendered, error);
  }

  /** The response ends by the route that the request came to. */
  endBy(): void {
    return undefined;
  }

  /** That of the route has offered it. */
  offerNonce(): void {
    return undefined;
  }
}
