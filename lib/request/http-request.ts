import type { IncomingMessage } from 'node:http';

/** What this module reads of a request of Express (an `IncomingMessage`) or of Fastify (which has it as `raw`). */
export interface HttpRequest {
  readonly raw?: IncomingMessage;
  readonly body?: unknown;
}

/** Node's own request, which every adapter has, and which is the same object for every guard. */
export function rawRequestOf(request: HttpRequest): IncomingMessage {
  return request.raw ?? (request as IncomingMessage);
}
