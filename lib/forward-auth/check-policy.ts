import { validateHeaderName } from 'node:http';
import { isJsonObject } from '../jose/json-object.js';
import { type ConfigurationProblem, problem } from '../options/configuration-error.js';
import { checkPhantomToken } from './check-phantom-token.js';
import { CREDENTIAL_HEADERS } from './credential-headers.js';
import type { ForwardAuthPolicy } from './forward-auth.options.js';

/** Checks the fields of a policy that the module itself does not have. */
export function checkPolicy(policy: ForwardAuthPolicy): readonly ConfigurationProblem[] {
  return [
    ...checkScopes('scopes', policy.scopes),
    ...checkScopes('anyScope', policy.anyScope),
    ...checkConstraints(policy),
    ...checkCertificateSource(policy.clientCertificate),
    ...checkToken(policy.token),
    ...checkCredentialHeaders(policy.credentialHeaders),
    ...checkPhantomToken(policy),
  ];
}

/** scope-token = 1*( %x21 / %x23-5B / %x5D-7E ) (RFC 6749 §3.3) */
const SCOPE = /^[\x21\x23-\x5b\x5d-\x7e]+$/;

function checkScopes(field: 'scopes' | 'anyScope', scopes: unknown): readonly ConfigurationProblem[] {
  if (scopes === undefined) return [];
  const isList =
    Array.isArray(scopes) && scopes.every((scope) => typeof scope === 'string' && SCOPE.test(scope));
  if (isList && (field === 'scopes' || scopes.length > 0)) return [];
  return [problem(field, scopes, "give a list of scopes, one name each: ['payments:read']")];
}

const CONSTRAINTS = new Set<unknown>(['certificate', 'dpop', 'any']);

function checkConstraints({ senderConstrained, dpop }: ForwardAuthPolicy): readonly ConfigurationProblem[] {
  if (senderConstrained === undefined) return [];
  const constraints: readonly unknown[] = [senderConstrained].flat();
  if (constraints.length === 0 || !constraints.every((constraint) => CONSTRAINTS.has(constraint))) {
    return [
      problem(
        'senderConstrained',
        senderConstrained,
        "use 'certificate', 'dpop' or 'any', or a list of such",
      ),
    ];
  }
  return constraints.includes('dpop') && dpop === undefined
    ? [
        problem(
          'senderConstrained',
          senderConstrained,
          "'dpop' needs the option dpop: nobody could be let in",
        ),
      ]
    : [];
}

function checkCertificateSource(source: unknown): readonly ConfigurationProblem[] {
  if (!isJsonObject(source) || source['from'] !== 'tls') return [];
  const remedy =
    "use { from: 'header', header, format, trust }: the certificate of the connection is the proxy's own";
  return [problem('clientCertificate.from', source['from'], remedy)];
}

const TOKEN_PLACE =
  'use one of { header, prefix? }, { cookie } and { unsafeQuery }, or a list of them, or leave it out for Authorization';
const COOKIE_NAME = /^[!#$%&'*+\-.^_`|~\w]+$/;

function checkToken(token: unknown): readonly ConfigurationProblem[] {
  if (!Array.isArray(token)) return checkTokenPlace(token);
  if (token.length === 0) return [problem('token', token, TOKEN_PLACE)];
  return token.flatMap((place: unknown, index) =>
    isJsonObject(place) && isUsualHeader(place)
      ? []
      : checkTokenPlace(place ?? null).map((wrong) => ({
          ...wrong,
          path: wrong.path.replace('token', `token[${index}]`),
        })),
  );
}

/** The header that is looked at where no place is named. */
function isUsualHeader({ header, ...others }: Readonly<Record<string, unknown>>): boolean {
  return (
    typeof header === 'string' &&
    header.toLowerCase() === 'authorization' &&
    Object.values(others).every((other) => other === undefined)
  );
}

function checkTokenPlace(place: unknown): readonly ConfigurationProblem[] {
  if (place === undefined) return [];
  const fields = isJsonObject(place) ? definedFields(place) : [];
  const names = fields.filter((name) => name !== 'prefix');
  const [name] = names;
  if (!isJsonObject(place) || names.length !== 1 || !isPlaceName(name, fields)) {
    return [problem('token', place, TOKEN_PLACE)];
  }
  return checkPlaceFields(name, place);
}

function definedFields(place: Readonly<Record<string, unknown>>): readonly string[] {
  return Object.keys(place).filter((name) => place[name] !== undefined);
}

function isPlaceName(
  name: string | undefined,
  fields: readonly string[],
): name is 'header' | 'cookie' | 'unsafeQuery' {
  if (name === 'header') return true;
  return (name === 'cookie' || name === 'unsafeQuery') && !fields.includes('prefix');
}

function checkPlaceFields(
  name: 'header' | 'cookie' | 'unsafeQuery',
  place: Readonly<Record<string, unknown>>,
): readonly ConfigurationProblem[] {
  const { [name]: value, prefix } = place;
  const isPrefix = prefix === undefined || (typeof prefix === 'string' && /^[\x20-\x7e]+$/.test(prefix));
  return [
    ...(isPlaceValue(name, value) ? [] : [problem(`token.${name}`, value, 'give its name')]),
    ...(isPrefix ? [] : [problem('token.prefix', prefix, "give printable ASCII, as 'Token '")]),
  ];
}

function isPlaceValue(name: 'header' | 'cookie' | 'unsafeQuery', value: unknown): boolean {
  if (typeof value !== 'string' || value === '') return false;
  if (name === 'cookie') return COOKIE_NAME.test(value);
  return name === 'unsafeQuery' || (isHeaderName(value) && value.toLowerCase() !== 'authorization');
}

/** What an answer says otherwise, or what is between two hops alone (RFC 9110 §7.6.1). */
const RESERVED = new Set([
  ...Object.values(CREDENTIAL_HEADERS).map((name) => name.toLowerCase()),
  'authorization',
  'www-authenticate',
  'dpop-nonce',
  'retry-after',
  'cache-control',
  'set-cookie',
  'location',
  'date',
  'host',
  'connection',
  'keep-alive',
  'content-length',
  'content-type',
  'transfer-encoding',
  'te',
  'trailer',
  'upgrade',
]);

function checkCredentialHeaders(headers: unknown): readonly ConfigurationProblem[] {
  if (headers === undefined) return [];
  if (!isJsonObject(headers)) {
    return [
      problem(
        'credentialHeaders',
        headers,
        "give the claim of each header: { 'X-Credential-Tenant': 'tenant.id' }",
      ),
    ];
  }
  const names = Object.keys(headers).map((name) => name.toLowerCase());
  return Object.entries(headers).flatMap(([name, claim], index) => {
    const at = `credentialHeaders.${name}`;
    if (!isHeaderName(name)) return [problem(at, claim, 'it is no name of a header')];
    if (RESERVED.has(name.toLowerCase())) return [problem(at, claim, 'this header is set by this module')];
    if (names.indexOf(name.toLowerCase()) !== index)
      return [problem(at, claim, 'this header is there already')];
    return typeof claim === 'string' && claim !== ''
      ? []
      : [problem(at, claim, 'name a claim, or a path by dots')];
  });
}

/** Whether a header can have this name (RFC 9110 §5.1). */
export function isHeaderName(name: string): boolean {
  try {
    validateHeaderName(name);
    return true;
  } catch {
    return false;
  }
}
