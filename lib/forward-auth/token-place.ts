import { invalidRequest, missingCredentials } from '../challenge/oauth-error.js';
import type { AuthenticationScheme } from '../request/credentials.js';
import type { TokenCookie, TokenHeader, TokenPlace, TokenQuery } from './forward-auth.options.js';
import type { ForwardedTarget, HeaderField } from './forwarded-request.js';

/** A request whose token is in the `Authorization` header, wherever it came. */
export interface RequestWithToken {
  readonly target: ForwardedTarget | undefined;
  readonly fields: readonly HeaderField[];
}

/**
 * Moves the token from its place into the `Authorization` header; what the client sent there is dropped, and not
 * looked at. A token with a proof beside it becomes one of the scheme `DPoP`.
 * @param place `undefined` for the header itself
 * @param schemes those accepted
 * @throws OAuthError 401 without code where there is no token, 400 where there are several
 */
export function moveToken(
  request: RequestWithToken,
  place: TokenPlace | undefined,
  schemes: readonly AuthenticationScheme[],
): RequestWithToken {
  if (place === undefined) return request;
  const { token, rest } = take(request, place);
  const fields = rest.fields.filter(([name]) => name.toLowerCase() !== 'authorization');
  const hasProof = fields.some(([name]) => name.toLowerCase() === 'dpop');
  const scheme = schemes.includes('DPoP') && hasProof ? 'DPoP' : 'Bearer';
  return { ...rest, fields: [...fields, ['Authorization', `${scheme} ${token}`]] };
}

interface Taken {
  readonly token: string;
  readonly rest: RequestWithToken;
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

/** A cookie (RFC 6265 §5.4); HTTP/2 may split the header (RFC 9113 §8.2.3). */
function takeFromCookie(request: RequestWithToken, { cookie }: TokenCookie): Taken {
  const pairs = valuesOf(request.fields, 'cookie').flatMap((value) => value.split(';'));
  const values = pairs
    .map((pair) => splitOnce(pair, '=').map((part) => part.replaceAll(/^[ \t]+|[ \t]+$/g, '')))
    .filter(([name]) => name === cookie)
    .map(([, value = '']) => value);
  return { token: only(values, `the cookie ${cookie}`), rest: request };
}

function takeFromQuery(request: RequestWithToken, { unsafeQuery }: TokenQuery): Taken {
  const { method = '', uri = '' } = request.target ?? {};
  const [path = '', query = ''] = splitOnce(uri.replace(/#.*$/, ''), '?');
  const parameters = query.split('&').map((parameter) => ({ parameter, pair: pairOf(parameter) }));
  const found = parameters.filter(({ pair }) => pair.name === unsafeQuery);
  if (found.some(({ parameter }) => !parameter.startsWith(`${encodeURIComponent(unsafeQuery)}=`))) {
    throw invalidRequest('credentials_malformed', {
      detail: `the query parameter ${unsafeQuery} is written in another way, which no proxy would take away`,
    });
  }
  const values = found.map(({ pair }) => pair.value);
  const token = only(values, `the query parameter ${unsafeQuery}`);
  const others = parameters.filter(({ pair }) => pair.name !== unsafeQuery).map(({ parameter }) => parameter);
  const rest = others.length === 0 ? path : `${path}?${others.join('&')}`;
  return { token, rest: { ...request, target: { method, uri: rest } } };
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
  if (values.length > 1)
    throw invalidRequest('credentials_repeated', { detail: `more than one of ${place}` });
  const [value = ''] = values;
  if (value === '') throw missingCredentials('credentials_missing', { detail: `no token in ${place}` });
  return value;
}
