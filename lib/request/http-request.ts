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

/** Scheme and authority of a request target in absolute form (RFC 9112 §3.2.2), where every router reads them alike. */
const AUTHORITY = /^https?:\/\/(?:[\w.-]+|\[[\da-f:.]+\])(?::\d+)?(?=\/)/i;
/** A segment of one dot or two: what it stands for, routers do not resolve. */
const DOT_SEGMENT = /\/(?:\.|%2e){1,2}(?:\/|$)/i;

/**
 * The path of a request as it was sent: without query, without the fragment that routers cut off too, and without the
 * authority that it may begin with.
 * @returns `undefined` where it is not certain that the router has read the same path
 */
export function requestPathOf(request: HttpRequest): string | undefined {
  // Stryker disable next-line StringLiteral: any other text without a slash in front has no path either
  const target = request.originalUrl ?? rawRequestOf(request).url ?? '';
  const start = target.startsWith('/') ? 0 : AUTHORITY.exec(target)?.[0].length;
  if (start === undefined) return undefined;
  const end = target.search(/[?#]/);
  const path = target.slice(start, end === -1 ? target.length : end);
  return DOT_SEGMENT.test(path) ? undefined : path;
}
