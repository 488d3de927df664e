import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { invalidRequest } from '../challenge/oauth-error.js';
import { type HeaderField, headerFieldsOf, headerValues } from '../request/header-values.js';
import type { HttpRequest } from '../request/http-request.js';
import type { AskingProxy } from './forward-auth.options.js';

export { type HeaderField, headerFieldsOf };

/** What a proxy's client wants, as the proxy says. */
export interface ForwardedTarget {
  readonly method: string;
  /** Path and query, as they were sent. */
  readonly uri: string;
}

/** The headers by which proxies tell it; Envoy's request has method and path of its client's. */
const TARGET_HEADERS = {
  nginx: { method: 'x-original-method', uri: 'x-original-uri' },
  traefik: { method: 'x-forwarded-method', uri: 'x-forwarded-uri' },
  caddy: { method: 'x-forwarded-method', uri: 'x-forwarded-uri' },
} as const;

/** The headers in which the proxy says what its client wants. */
export function targetHeadersOf(proxy: AskingProxy): readonly string[] {
  return proxy === 'envoy' ? [] : Object.values(TARGET_HEADERS[proxy]);
}

/**
 * What the client of the proxy wants.
 * @param rest what follows the policy's path in the URL of the request
 * @returns `undefined` where the proxy does not say all of it
 * @throws OAuthError 400 where it says it more than once: which of them is its own can't be told
 */
export function forwardedTarget(
  raw: IncomingMessage,
  rest: string,
  proxy: AskingProxy,
): ForwardedTarget | undefined {
  if (proxy === 'envoy') return { method: raw.method ?? '', uri: rest };
  const { method: methodHeader, uri: uriHeader } = TARGET_HEADERS[proxy];
  const [method, uri] = [onlyValue(raw, methodHeader), onlyValue(raw, uriHeader)];
  return method === undefined || uri === undefined ? undefined : { method, uri };
}

function onlyValue(raw: IncomingMessage, name: string): string | undefined {
  const values = headerValues(raw, name);
  if (values.length > 1) {
    throw invalidRequest('credentials_malformed', { detail: `the proxy sent more than one header ${name}` });
  }
  return values[0] === '' ? undefined : values[0];
}

/** What differs between the request that asks and the one that it asks about. */
export interface ClientRequest {
  /** `undefined` where the proxy did not say it: no proof can then be for it. */
  readonly target: ForwardedTarget | undefined;
  readonly fields: readonly HeaderField[];
}

/**
 * The request of the proxy's client: on the connection of the one that asks, with method, target and headers of the
 * client's. It has what this library reads of a request and no more: to make one that inherits from Node's own costs more
 * than all the rest of a known token, and slows down what Node itself does with that. The body stays where it is.
 */
export class ForwardedRequest implements HttpRequest {
  readonly method: string | undefined;
  readonly url: string;
  readonly body = undefined;

  /** @param rawHeaders names and values in turn */
  constructor(
    private readonly asking: IncomingMessage,
    target: ForwardedTarget | undefined,
    readonly rawHeaders: readonly string[],
  ) {
    this.method = target?.method;
    this.url = target?.uri ?? '';
  }

  get originalUrl(): string {
    return this.url;
  }

  get socket(): IncomingMessage['socket'] {
    return this.asking.socket;
  }

  /** With HTTP/2. */
  get stream(): unknown {
    return (this.asking as { readonly stream?: unknown }).stream;
  }

  get headers(): IncomingHttpHeaders {
    return headersOf(this.rawHeaders);
  }
}

/**
 * The same for functions of the app, which may rely on whatever Node's request has: it inherits all that from the one that
 * asks.
 */
export function inheritingRequest(raw: IncomingMessage, { target, fields }: ClientRequest): HttpRequest {
  const rawHeaders = fields.flat();
  const own = {
    method: target?.method,
    url: target?.uri ?? '',
    originalUrl: target?.uri ?? '',
    rawHeaders,
    headers: headersOf(rawHeaders),
    body: undefined,
    raw: undefined,
  };
  return Object.create(raw, descriptorsOf(own)) as HttpRequest;
}

/** Own properties, for those of Node's requests are getters without setters in part. */
function descriptorsOf(own: object): PropertyDescriptorMap {
  return Object.fromEntries(
    Object.entries(own).map(([name, value]) => [name, { value: value as unknown, enumerable: true }]),
  );
}

/** Of each header the first: what must not be repeated is looked for in the raw ones. */
function headersOf(rawHeaders: readonly string[]): IncomingHttpHeaders {
  const headers: Record<string, string> = {};
  for (let index = 0; index < rawHeaders.length; index += 2) {
    headers[(rawHeaders[index] ?? '').toLowerCase()] ??= rawHeaders[index + 1] ?? '';
  }
  return headers;
}
