import type { IncomingMessage } from 'node:http';

/** What this module reads of a request of Express (an `IncomingMessage`) or of Fastify (which has it as `raw`). */
export interface HttpRequest {
  readonly raw?: IncomingMessage;
  readonly body?: unknown;
  /** The request target as it was sent, where routers shorten `url` on the way. */
  readonly originalUrl?: string;
}

/** Node's own request, which every adapter has, and which is the same object for every guard. */
export function rawRequestOf(request: HttpRequest): IncomingMessage {
  return request.raw ?? (request as IncomingMessage);
}

/** Scheme and authority of a request target in absolute form (RFC 9112 §3.2.2): whoever sends it may write what it likes. */
const AUTHORITY = /^[a-z][a-z\d+.-]*:\/\/[^/?#]*/i;

/**
 * The path of a request as it was sent: without query, without the fragment that routers cut off too, and without the
 * authority that it may begin with. It begins with a slash.
 */
export function requestPathOf(request: HttpRequest): string {
  const target = request.originalUrl ?? rawRequestOf(request).url ?? '';
  const start = target.startsWith('/') ? 0 : (AUTHORITY.exec(target)?.[0].length ?? 0);
  const end = target.search(/[?#]/);
  const path = target.slice(start, end === -1 ? target.length : end);
  return path.startsWith('/') ? path : `/${path}`;
}
