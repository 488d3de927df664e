import type { IncomingMessage } from 'node:http';
import { invalidRequest, missingCredentials, type OAuthError } from '../challenge/oauth-error.js';
import { type HttpRequest, rawRequestOf } from './http-request.js';

/** The credentials of a request: how they were sent, and the token. */
export interface Credentials {
  readonly scheme: 'Bearer';
  readonly token: string;
}

// RFC 6750 §2.1: the scheme, one or more spaces, a b64token. The scheme ignores case (RFC 9110 §11.1).
const BEARER = /^bearer +([A-Za-z0-9\-._~+/]+=*) *$/i;
// A scheme is the longest run of token characters (RFC 9110 §5.6.2): `Bearer,` is malformed, `Bearers` another scheme.
const BEARER_SCHEME = /^bearer(?![!#$%&'*+\-.^_`|~\w])/i;

/**
 * Reads the access token of a request from its `Authorization` header, the only place it is taken from.
 * @throws OAuthError 401 without code where there is none, 400 where it is malformed or sent in several ways
 * @see RFC 6750 §2, §3.1
 */
export function readCredentials(request: HttpRequest): Credentials {
  const raw = rawRequestOf(request);
  const headers = authorizationHeaders(raw);
  if (headers.length > 1) {
    throw invalidRequest('credentials_repeated', { detail: 'more than one Authorization header' });
  }
  const header = headers[0];
  if (header === undefined || !BEARER_SCHEME.test(header)) {
    throw missingCredentials('credentials_missing', { detail: whatCameInstead(request, header) });
  }
  const token = BEARER.exec(header)?.[1];
  if (token === undefined) throw malformed();
  if (hasTokenInQuery(raw)) throw sentTwice('query');
  if (hasTokenInForm(request)) throw sentTwice('form body');
  return { scheme: 'Bearer', token };
}

/** `req.headers` keeps the first of several silently; only the raw list tells. */
function authorizationHeaders(raw: IncomingMessage): readonly string[] {
  const values: string[] = [];
  for (let index = 0; index < raw.rawHeaders.length; index += 2) {
    const name = raw.rawHeaders[index];
    if (name?.length === 13 && name.toLowerCase() === 'authorization') {
      values.push(raw.rawHeaders[index + 1] ?? '');
    }
  }
  return values;
}

function hasTokenInQuery(raw: IncomingMessage): boolean {
  const url = raw.url ?? '';
  const start = url.indexOf('?');
  return start !== -1 && new URLSearchParams(url.slice(start + 1)).has('access_token');
}

/** A JSON body is the app's own: only a form can carry a token (RFC 6750 §2.2). */
function hasTokenInForm(request: HttpRequest): boolean {
  const type = rawRequestOf(request).headers['content-type'] ?? '';
  if (!type.toLowerCase().startsWith('application/x-www-form-urlencoded')) return false;
  const { body } = request;
  return typeof body === 'object' && body !== null && Object.hasOwn(body, 'access_token');
}

function malformed(): OAuthError {
  return invalidRequest('credentials_malformed', {
    detail: 'the Authorization header is not "Bearer" and one token',
  });
}

function sentTwice(place: string): OAuthError {
  return invalidRequest('credentials_repeated', { detail: `a token in the header and in the ${place}` });
}

function whatCameInstead(request: HttpRequest, header: string | undefined): string {
  if (header !== undefined) return 'the Authorization header is not of the Bearer scheme';
  if (hasTokenInQuery(rawRequestOf(request))) return 'access_token in the query is not accepted';
  if (hasTokenInForm(request)) return 'access_token in a form body is not accepted';
  return 'no Authorization header';
}
