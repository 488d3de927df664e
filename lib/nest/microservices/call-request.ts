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
    headers: headersOf(rawHeaders),
    rawHeaders,
    socket,
    context,
  };
  return request;
}

/** As Node joins them: what came several times is in one text. */
function headersOf(rawHeaders: readonly string[]): Readonly<Record<string, string>> {
  const headers: Record<string, string> = Object.create(null) as Record<string, string>;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? '';
    const value = rawHeaders[index + 1] ?? '';
    headers[name] = headers[name] === undefined ? value : `${headers[name]}, ${value}`;
  }
  return headers;
}
