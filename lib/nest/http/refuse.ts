import type { HttpException } from '@nestjs/common';
import type { OutgoingHttpHeader, ServerResponse } from 'node:http';
import { AccessRefusedException, chosenExceptionOf } from './access-refused.exception.js';
import type { RenderedRefusal } from '../../challenge/challenge.js';
import type { OAuthError } from '../../challenge/oauth-error.js';

/** A response of Express (a `ServerResponse`), or a reply of Fastify, which has that as `raw`. */
export type HttpResponse = ServerResponse | FastifyReply;

/** What this module uses of a reply of Fastify. */
export interface FastifyReply {
  readonly raw: ServerResponse;
  getHeader(name: string): OutgoingHttpHeader | undefined;
  header(name: string, value: string | readonly string[]): unknown;
  removeHeader(name: string): unknown;
  code(status: number): { send(body: unknown): unknown };
}

/**
 * Puts the challenge on the response and makes the exception to throw. The header is set on Node's own response,
 * before the exception is thrown: so it survives every exception filter of the app.
 */
export function refuse(error: OAuthError, rendered: RenderedRefusal, response: HttpResponse): HttpException {
  const own = chosenExceptionOf(error);
  // `validate` chose a status of its own; only a 401 is still ours to challenge.
  if (own === undefined || own.getStatus() === 401) {
    addChallenge(response, rendered.challenge);
    setHeaders(response, rendered.headers);
    if (rendered.nonce !== undefined) setNonce(response, rendered.nonce);
  }
  return own ?? new AccessRefusedException(rendered, error);
}

/** Other strategies may challenge as well: theirs stays. */
function addChallenge(response: HttpResponse, challenge: string | undefined): void {
  const raw = 'raw' in response ? response.raw : response;
  if (challenge === undefined || raw.headersSent) return;
  if (!listOf(raw.getHeader('www-authenticate')).includes(challenge)) {
    raw.appendHeader('WWW-Authenticate', challenge);
  }
  exposeHeader(response, 'WWW-Authenticate');
}

/** Sets headers on Node's own response, and on the reply of Fastify, whose own would replace them. */
function setHeaders(response: HttpResponse, headers: Readonly<Record<string, string>>): void {
  const raw = 'raw' in response ? response.raw : response;
  if (raw.headersSent) return;
  for (const [name, value] of Object.entries(headers)) {
    raw.setHeader(name, value);
    if ('raw' in response) response.header(name, value);
    exposeHeader(response, name);
  }
}

/**
 * Hands out the nonce for the client's next proof. A response with a nonce is for no cache (RFC 9449 §8), whatever the
 * handler says of it.
 */
export function setNonce(response: HttpResponse, nonce: string): void {
  const raw = 'raw' in response ? response.raw : response;
  if (raw.headersSent) return;
  setHeaders(response, { 'DPoP-Nonce': nonce });
  keepFromCaches(raw);
}

/** A response is for no cache, whatever the handler says of it. */
export function keepFromCaches(raw: ServerResponse): void {
  raw.setHeader('Cache-Control', 'no-store');
  const writeHead = raw.writeHead.bind(raw) as (...values: readonly unknown[]) => typeof raw;
  raw.writeHead = (...values: readonly unknown[]): typeof raw => {
    raw.setHeader('Cache-Control', 'no-store');
    return writeHead(...values.map((value) => withoutCacheControl(value)));
  };
}

/** The headers that Fastify gives to `writeHead` would replace those of the response. */
function withoutCacheControl(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).filter(([name]) => name.toLowerCase() !== 'cache-control'));
}

/** A browser shows its script the challenge only where CORS says so; `enableCors()` exposes nothing by itself. */
function exposeHeader(response: HttpResponse, name: string): void {
  if (headerOf(response, 'access-control-allow-origin') === undefined) return;
  const exposed = listOf(headerOf(response, 'access-control-expose-headers'))
    .flatMap((value) => value.split(','))
    .map((value) => value.trim());
  if (exposed.some((value) => value.toLowerCase() === name.toLowerCase())) return;
  const value = [...exposed, name].join(', ');
  if ('raw' in response) response.header('Access-Control-Expose-Headers', value);
  else response.setHeader('Access-Control-Expose-Headers', value);
}

/** Fastify keeps its headers beside those of Node's response until it sends them. */
export function headerOf(response: HttpResponse, name: string): OutgoingHttpHeader | undefined {
  return response.getHeader(name) ?? ('raw' in response ? response.raw.getHeader(name) : undefined);
}

export function listOf(header: OutgoingHttpHeader | undefined): readonly string[] {
  if (header === undefined) return [];
  return Array.isArray(header) ? header : [String(header)];
}
