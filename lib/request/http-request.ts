import type { IncomingMessage } from 'node:http';

/** What this module reads of a request of Express (an `IncomingMessage`) or of Fastify (which has it as `raw`). */
export interface HttpRequest {
  readonly raw?: IncomingMessage;
  readonly body?: unknown;
  /** The request target as it was sent, where routers shorten `url` on the way. */
  readonly originalUrl?: string;
}

/** Node's own request, as the handlers of Express and middleware get it. */
export type NodeRequest = IncomingMessage & HttpRequest;

/** Node's own request, which every adapter has, and which is the same object for every guard. */
export function rawRequestOf(request: HttpRequest): IncomingMessage {
  return request.raw ?? (request as IncomingMessage);
}

/** Scheme and authority of a request target in absolute form (RFC 9112 §3.2.2), where every router reads them alike. */
const AUTHORITY = /^https?:\/\/(?:[\w.-]+|\[[\da-f:.]+\])(?::\d+)?(?=\/)/i;
/**
 * What parsers read differently, and so may stand for another resource than a proof names: a segment of one dot or two, which
 * routers do not resolve; a backslash, which the parser of Express makes a slash where the target has a fragment, and any
 * parser by the rules of browsers always; whatever is no printable ASCII, which some take for UTF-8, some for Latin-1, and
 * some leave out; a `%` that encodes nothing.
 */
const READ_DIFFERENTLY = /\/(?:\.|%2e){1,2}(?:\/|$)|[^\x21-\x7e]|\\|%(?![\da-f]{2})/i;

/** Nearly every path is made of what can be read in one way only: that is seen with less work. */
const PLAIN = /^(?:\/[\w\-~!$&'()*+,;=:@]+)+$/;

/**
 * The path of a request as it was sent: without query, and without the authority that it may begin with.
 * @returns `undefined` where it is not certain that the router has read the same path: a fragment does not belong into a
 * request (RFC 9112 §3.2), and what begins with two slashes may be an authority
 */
export function requestPathOf(request: HttpRequest): string | undefined {
  // Stryker disable next-line StringLiteral: any other text without a slash in front has no path either
  const target = request.originalUrl ?? rawRequestOf(request).url ?? '';
  const start = target.startsWith('/') ? 0 : AUTHORITY.exec(target)?.[0].length;
  if (start === undefined || target.includes('#')) return undefined;
  const end = target.indexOf('?');
  const path = target.slice(start, end === -1 ? target.length : end);
  return PLAIN.test(path) || isCertain(path) ? path : undefined;
}

function isCertain(path: string): boolean {
  return !path.startsWith('//') && !READ_DIFFERENTLY.test(path);
}
