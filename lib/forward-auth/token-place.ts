import { invalidRequest, missingCredentials, type OAuthError } from '../challenge/oauth-error.js';
import type { AuthenticationScheme } from '../decision.js';
import { cookiesNamed } from '../request/cookies.js';
import { isAuthorization } from './authorization-header.js';
import type { TokenCookie, TokenHeader, TokenPlace, TokenQuery } from './forward-auth.options.js';
import type { ForwardedTarget, HeaderField } from './forwarded-request.js';

/** A request whose token is in the `Authorization` header, wherever it came. */
export interface RequestWithToken {
  readonly target: ForwardedTarget | undefined;
  readonly fields: readonly HeaderField[];
  /** What follows the policy's path in the URL that was asked for: a query, or nothing. @default nothing */
  readonly asked?: string;
}

/**
 * Moves the token from its place into the `Authorization` header; what the client sent there is dropped, and not
 * looked at. A token with a proof beside it becomes one of the scheme `DPoP`.
 * @param places in their order: the first that holds something counts; `undefined` for the header itself
 * @param schemes those accepted
 * @throws OAuthError 401 without code where there is no token, 400 where there are several
 */
export function moveToken(
  request: RequestWithToken,
  places: readonly TokenPlace[] | undefined,
  schemes: readonly AuthenticationScheme[],
): RequestWithToken {
  const place = places?.find((each, index) => index === places.length - 1 || holds(request, each));
  if (place === undefined || isUsualHeader(place)) return request;
  const { token, rest } = take(request, place);
  const { fields } = withoutAuthorization(rest);
  const hasProof = fields.some(([name]) => name.toLowerCase() === 'dpop');
  const scheme = schemes.includes('DPoP') && hasProof ? 'DPoP' : 'Bearer';
  return { ...rest, fields: [...fields, ['Authorization', `${scheme} ${token}`]] };
}

/** What a client sends there counts only where it is one of the places. */
export function withoutAuthorization(request: RequestWithToken): RequestWithToken {
  return { ...request, fields: request.fields.filter(([name]) => !isAuthorization(name)) };
}

interface Taken {
  readonly token: string;
  readonly rest: RequestWithToken;
}

/** Whether anything is there at all, right or wrong. */
export function holds(request: RequestWithToken, place: TokenPlace): boolean {
  if (place.header !== undefined) return isFilled(valuesOf(request.fields, place.header));
  if (place.cookie !== undefined) return isFilled(cookiesOf(request, place));
  return [request.target?.uri, request.asked].some((url) =>
    isFilled(parametersOf(url ?? '', place).found.map(({ pair }) => pair.value)),
  );
}

function isFilled(values: readonly string[]): boolean {
  return values.some((value) => value !== '');
}

/** The usual header, in a list of places. */
function isUsualHeader({ header }: TokenPlace): boolean {
  return header !== undefined && isAuthorization(header);
}

function take(request: RequestWithToken, place: TokenPlace): Taken {
  if (place.header !== undefined) return takeFromHeader(request, place);
  return place.cookie === undefined ? takeFromQuery(request, place) : takeFromCookie(request, place);
}

function takeFromHeader(request: RequestWithToken, { header, prefix = '' }: TokenHeader): Taken {
  const values = valuesOf(request.fields, header);
  const value = only(values, `the header ${header}`);
  if (!value.startsWith(prefix)) {
    throw missingCredentials('credentials_missing', {
      detail: `the header ${header} does not begin as it should`,
    });
  }
  return { token: value.slice(prefix.length), rest: request };
}

function takeFromCookie(request: RequestWithToken, place: TokenCookie): Taken {
  return { token: only(cookiesOf(request, place), `the cookie ${place.cookie}`), rest: request };
}

function cookiesOf({ fields }: RequestWithToken, { cookie }: TokenCookie): readonly string[] {
  return cookiesNamed(cookie, valuesOf(fields, 'cookie'));
}

/** From the URL that the proxy asked for, or that of its client; where both have one, it is the same. */
function takeFromQuery(request: RequestWithToken, place: TokenQuery): Taken {
  const { method = '', uri = '' } = request.target ?? {};
  const { path, found, others } = parametersOf(uri, place);
  if (found.some(({ parameter }) => !parameter.startsWith(`${encodeURIComponent(place.unsafeQuery)}=`))) {
    throw invalidRequest('credentials_malformed', {
      detail: `the query parameter ${place.unsafeQuery} is written in another way, which no proxy would take away`,
    });
  }
  const sent = found.map(({ pair }) => pair.value);
  const asked = parametersOf(request.asked ?? '', place).found.map(({ pair }) => pair.value);
  // One of them would be left where a proxy takes the other away, though one be empty.
  if (sent.length > 1 || asked.length > 1) throw repeated(`the query parameter ${place.unsafeQuery}`);
  const isSame = sent.length === 1 && asked.length === 1 && sent[0] === asked[0];
  const values = isSame ? sent : [...asked, ...sent].filter((value) => value !== '');
  const token = only(values, `the query parameter ${place.unsafeQuery}`);
  const rest = others.length === 0 ? path : `${path}?${others.join('&')}`;
  return { token, rest: { ...request, target: request.target && { method, uri: rest } } };
}

interface Parameter {
  /** As it was sent. */
  readonly parameter: string;
  readonly pair: { readonly name: string; readonly value: string };
}

/** The parameters of this name, and the others as they were sent. */
function parametersOf(
  url: string,
  { unsafeQuery }: TokenQuery,
): { readonly path: string; readonly found: readonly Parameter[]; readonly others: readonly string[] } {
  const [path = '', query = ''] = splitOnce(url.replace(/#.*$/, ''), '?');
  const all = query.split('&').map((parameter) => ({ parameter, pair: pairOf(parameter) }));
  return {
    path,
    found: all.filter(({ pair }) => pair.name === unsafeQuery),
    others: all.filter(({ pair }) => pair.name !== unsafeQuery).map(({ parameter }) => parameter),
  };
}

function pairOf(parameter: string): { readonly name: string; readonly value: string } {
  // After a `?` of ours: the first one is dropped, and a second is part of the name.
  const [[name = '', value = ''] = []] = new URLSearchParams(`?${parameter}`);
  return { name, value };
}

function splitOnce(text: string, separator: string): readonly string[] {
  const at = text.indexOf(separator);
  return at === -1 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}

function valuesOf(fields: readonly HeaderField[], name: string): readonly string[] {
  const wanted = name.toLowerCase();
  return fields.filter(([sent]) => sent.toLowerCase() === wanted).map(([, value]) => value);
}

function only(values: readonly string[], place: string): string {
  if (values.length > 1) throw repeated(place);
  const [value = ''] = values;
  if (value === '') throw missingCredentials('credentials_missing', { detail: `no token in ${place}` });
  return value;
}

function repeated(place: string): OAuthError {
  return invalidRequest('credentials_repeated', { detail: `more than one of ${place}` });
}
