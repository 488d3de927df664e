import type { IncomingMessage } from 'node:http';
import { invalidRequest, missingCredentials, type OAuthError } from '../challenge/oauth-error.js';
import { headerValues } from './header-values.js';
import { type HttpRequest, rawRequestOf } from './http-request.js';
import type { AuthenticationScheme } from '../decision.js';

/** The `Authorization` header of a request, of a scheme that is accepted. */
export interface Authorization {
  readonly scheme: AuthenticationScheme;
  readonly header: string;
}

/**
 * How each scheme looks. A scheme is the longest run of token characters (RFC 9110 §5.6.2) and ignores case (§11.1):
 * `Bearer,` is malformed, `Bearers` another scheme. Then one or more spaces, and a b64token (RFC 6750 §2.1).
 */
const STARTS = {
  Bearer: startOf('bearer'),
  DPoP: startOf('dpop'),
} as const;

function startOf(scheme: string): RegExp {
  return new RegExp(`^${scheme}(?![!#$%&'*+\\-.^_\`|~\\w])`, 'i');
}

/** @see RFC 6750 §2.1 */
const B64_TOKEN = /^[A-Za-z0-9\-._~+/]+=*$/;

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
  const header = headers[0];
  if (header === undefined) throw missingCredentials('credentials_missing', { detail: whatElse(request) });
  for (const scheme of schemes) if (STARTS[scheme].test(header)) return { scheme, header };
  throw missingCredentials('credentials_missing', {
    detail: `the Authorization header is not of the ${schemes.join(' or ')} scheme`,
  });
}

/**
 * Reads what is sent as the token: all between the spaces. Whether it has the form of one is left to
 * {@link checkTokenForm}, for of one that is known that is known as well.
 * @throws OAuthError 400 where it is sent in another way as well
 * @see RFC 6750 §2
 */
export function readToken({ scheme, header }: Authorization, request: HttpRequest): string {
  const token = betweenSpaces(header, scheme.length);
  if (hasTokenInQuery(rawRequestOf(request))) throw sentTwice('query');
  if (hasTokenInForm(request)) throw sentTwice('form body');
  return token;
}

/** @throws OAuthError 400 for what is not one token, as it comes behind one space at least */
export function checkTokenForm(token: string, { scheme, header }: Authorization): void {
  if (header[scheme.length] === ' ' && B64_TOKEN.test(token)) return;
  throw invalidRequest('credentials_malformed', {
    detail: `the Authorization header is not "${scheme}" and one token`,
  });
}

/** By hand: a pattern would look at each character of the token. */
function betweenSpaces(text: string, from: number): string {
  let [start, end] = [from, text.length];
  while (text[start] === ' ') start += 1;
  // Stryker disable next-line ConditionalExpression,EqualityOperator: the scheme in front stops it as well
  while (end > start && text[end - 1] === ' ') end -= 1;
  return text.slice(start, end);
}

/** Whether a request shows no credentials at any place where some might be looked for, good or bad. */
export function hasNoCredentials(request: HttpRequest): boolean {
  const raw = rawRequestOf(request);
  return (
    headerValues(raw, 'authorization').length === 0 &&
    headerValues(raw, 'dpop').length === 0 &&
    !hasTokenInQuery(raw) &&
    !hasTokenInForm(request)
  );
}

/** A fragment does not belong into a request, but routers cut one off rather than refuse it. */
function hasTokenInQuery(raw: IncomingMessage): boolean {
  // Stryker disable next-line StringLiteral: what a server receives has a URL, only its type says it may not
  const url = raw.url ?? '';
  const start = url.indexOf('?');
  if (start === -1) return false;
  const [query] = url.slice(start + 1).split('#', 1);
  return new URLSearchParams(query).has('access_token');
}

/** A JSON body is the app's own: only a form can carry a token (RFC 6750 §2.2). */
function hasTokenInForm(request: HttpRequest): boolean {
  const { body } = request;
  if (typeof body !== 'object' || body === null || !Object.hasOwn(body, 'access_token')) return false;
  const [type] = headerValues(rawRequestOf(request), 'content-type');
  return type?.toLowerCase().startsWith('application/x-www-form-urlencoded') === true;
}

function sentTwice(place: string): OAuthError {
  return invalidRequest('credentials_repeated', { detail: `a token in the header and in the ${place}` });
}

function whatElse(request: HttpRequest): string {
  if (hasTokenInQuery(rawRequestOf(request))) return 'access_token in the query is not accepted';
  if (hasTokenInForm(request)) return 'access_token in a form body is not accepted';
  return 'no Authorization header';
}
