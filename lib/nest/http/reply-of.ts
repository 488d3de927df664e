import type { HttpRequest } from '../../request/http-request.js';
import type { HttpResponse } from './refuse.js';

const REPLY = Symbol('reply');

interface RequestWithReply {
  [REPLY]?: HttpResponse;
  readonly res?: HttpResponse;
}

/** A request of Fastify does not know its reply: this hook lets it. */
export function keepReply(request: object, reply: object, done: () => void): void {
  (request as RequestWithReply)[REPLY] = reply as HttpResponse;
  done();
}

/** The response to a request, for the strategy, which gets none from Passport. */
export function responseOf(request: HttpRequest): HttpResponse {
  const { res, [REPLY]: reply } = request as RequestWithReply;
  const response = reply ?? res;
  if (response === undefined) throw new Error('no response belongs to this request');
  return response;
}
