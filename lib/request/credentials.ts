import type { IncomingMessage } from 'node:http';
import { invalidRequest, missingCredentials, type OAuthError } from '../challenge/oauth-error.js';
import { headerValues } from './header-values.js';
import { type HttpRequest, rawRequestOf } from './http-request.js';

/** How an access token is sent: a bearer token, or one that comes with a proof of its key (RFC 9449 §7.1). */
export type AuthenticationScheme = 'Bearer' | 'DPoP';

/** The `Authorization` header of a request, of a scheme that is accepted. */
export interface Authorization {
  readonly scheme: AuthenticationScheme;
  readonly header: string;
}

/**
 * How each scheme looks. A scheme is the longest run of token characters (RFC 9110 §5.6.2) and ignores case (§11.1):
 * `Bearer,` is malformed, `Bearers` another scheme. Then one or more spaces, and a b64token (RFC 6750 §2.1).
 */
const PATTERNS = {
  Bearer: patternsOf('bearer'),
  DPoP: patternsOf('dpop'),
} as const;

function patternsOf(scheme: string): { readonly start: RegExp; readonly whole: RegExp } {
  return {
    start: new RegExp(`^${scheme}(?![!#$%&'*+\\-.^_\`|~\\w])`, 'i'),
    whole: new RegExp(`^${scheme} +([A-Za-z0-9\\-._~+/]+=*) *$`, 'i'),
  };
}

/**
 * Reads the `Authorization` header of a request, the only place that a token is taken from.
 * @param schemes those accepted
 * @throws OAuthError 401 without code where there is none of these, 400 where there are several
 * @see RFC 6750 §3.1, RFC 9449 §7.1
 */
export function readAuthorization(
  request: HttpRequest,
  schemes: readonly AuthenticationScheme[],
): Authorization {
  const headers = headerValues(rawRequestOf(request), 'authorization');
  if (headers.length > 1) {
    throw invalidRequest('credentials_repeated', { detail: 'more than one Authorization header' });
  }
  const [header] = headers;
  if (header === undefined) throw missingCredentials('credentials_missing', { detail: whatElse(request) });
  const scheme = schemes.find((accepted) => PATTERNS[accepted].start.test(header));
  if (scheme !== undefined) return { scheme, header };
  throw missingCredentials('credentials_missing', {
    detail: `the Authorization header is not of the ${schemes.join(' or ')} scheme`,
  });
}

/**
 * Reads the token itself.
 * @throws OAuthError 400 where it is malformed, or sent in another way as well
 * @see RFC 6750 §2
 */
export function readToken({ scheme, header }: Authorization, request: HttpRequest): string {
  const token = PATTERNS[scheme].whole.exec(header)?.[1];
  if (token === undefined) {
    throw invalidRequest('credentials_malformed', {
      detail: `the Authorization header is not "${scheme}" and one token`,
    });
  }
  if (hasTokenInQuery(rawRequestOf(request))) throw sentTwice('query');
  if (hasTokenInForm(request)) throw sentTwice('form body');
  return token;
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

function sentTwice(place: string): OAuthError {
  return invalidRequest('credentials_repeated', { detail: `a token in the header and in the ${place}` });
}

function whatElse(request: HttpRequest): string {
  if (hasTokenInQuery(rawRequestOf(request))) return 'access_token in the query is not accepted';
  if (hasTokenInForm(request)) return 'access_token in a form body is not accepted';
  return 'no Authorization header';
}
