import { joinedHeaders } from '../../request/joined-headers.js';
import type { HttpRequest } from '../../request/http-request.js';

/** What a call is made of that is no request of HTTP/1.1: credentials and certificate are looked for in it. */
export interface CallParts {
  readonly path: string;
  /** Names in lower case, each followed by its value. */
  readonly rawHeaders: readonly string[];
  /** The connection; an empty object where there is none, or none that is known. */
  readonly socket: object;
  /** What Nest hands to the handler beside the payload, for the app's own functions. */
  readonly context: object;
}

/** A request that stands for a call. */
export type CallRequest = HttpRequest & { user?: unknown; readonly context: object };

/** Makes what stands for the request of a call: everything is sent by POST, as gRPC does (RFC 9449 §4.2 `htm`). */
export function requestOfCall({ path, rawHeaders, socket, context }: CallParts): CallRequest {
  const request = {
    method: 'POST',
    url: path,
    originalUrl: path,
    headers: joinedHeaders(rawHeaders),
    rawHeaders,
    socket,
    context,
  };
  return request;
}
