import { Readable } from 'node:stream';
import type { HttpRequest } from '../../request/http-request.js';
import type { HttpResponse } from '../http/refuse.js';

/** What brought an operation: a request of HTTP, or the handshake of the connection that it came over. */
export type SentBy =
  | { readonly kind: 'request'; readonly request: GivenRequest; readonly response: HttpResponse | undefined }
  | { readonly kind: 'handshake'; readonly request: GivenRequest };

/** A request as Express or Fastify has it, or as Node has it. */
export type GivenRequest = HttpRequest & { user?: unknown };

/**
 * Finds what brought an operation in what a server of GraphQL hands to the function that makes its context: of Apollo on
 * Express, of Apollo or mercurius on Fastify, of graphql-ws.
 */
export function sentByOf([first, second]: readonly unknown[]): SentBy | undefined {
  if (isRequest(first))
    return { kind: 'request', request: first, response: second as HttpResponse | undefined };
  const { extra, req, res } = members(first);
  const handshake = members(extra)['request'];
  if (isRequest(handshake)) return { kind: 'handshake', request: handshake };
  if (isRequest(req)) return { kind: 'request', request: req, response: res as HttpResponse | undefined };
  return undefined;
}

/**
 * Finds it in the context itself, where mercurius leaves it: the reply of a request, or what stands for one with the handshake.
 */
export function sentByOfContext(context: unknown): SentBy | undefined {
  const { reply, request: handshake } = members(context);
  const request = members(reply)['request'] ?? handshake;
  if (!isRequest(request)) return undefined;
  const isReply = members(members(reply)['raw'])['writeHead'] !== undefined;
  return isReply
    ? { kind: 'request', request, response: reply as HttpResponse }
    : { kind: 'handshake', request };
}

/** Node's own request is a stream: nothing that a client could write into a message. */
function isRequest(value: unknown): value is GivenRequest & object {
  return value instanceof Readable || members(value)['raw'] instanceof Readable;
}

function members(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
}
