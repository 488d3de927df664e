import type { JWK } from 'jose';
import { validateHeaderName, validateHeaderValue } from 'node:http';
import { createSecureContext } from 'node:tls';
import { isAllowedUrl, remedyForHttp } from '../authorization-server/authorization-server-http.js';
import { importPublicKey } from '../jose/import-public-key.js';
import { normalizeType } from '../jose/media-type.js';
import { bytesOf, hmacAlgorithmsFor } from '../jose/shared-secret.js';
import { isPublicSigningKey } from '../authorization-server/key-set.js';
import { fitnessOf } from '../jose/key-fitness.js';
import type { AuthorizationServerSettings } from '../access-token/authorization-server-rules.js';
import type { ClientSecretJwtSettings } from '../introspection/client-authentication.js';
import type { RemoteIntrospectionSettings } from '../introspection/introspection-rules.js';
import type { CertBoundAuthSettings } from './cert-bound-auth.settings.js';
import { isProxyUrl } from './authorization-server.settings.js';
import { checkPrivateKey } from './check-private-key.js';
import { type ConfigurationProblem, problem } from './configuration-error.js';
import { messageOf } from '../common/message-of.js';

/** Checks what the fields of the options say together; each has the right type already. */
export function checkAuthorizationServers({
  authorizationServers,
  introspectionOrder,
}: CertBoundAuthSettings): readonly ConfigurationProblem[] {
  return [
    ...authorizationServers.flatMap((server, index) => checkServer(server, `authorizationServers[${index}]`)),
    ...checkUnique(authorizationServers),
    ...(introspectionOrder === undefined ? checkOneForOpaqueTokens(authorizationServers) : []),
  ];
}

function checkServer(server: AuthorizationServerSettings, path: string): readonly ConfigurationProblem[] {
  return [
    ...checkIssuer(server, path),
    ...checkUrls(server, path),
    ...checkProxy(server, path),
    ...checkKeys(server, path),
    ...checkTypes(server, path),
    ...checkSignedAnswers(server, path),
    ...checkWays(server, path),
    ...checkTls(server, path),
    ...checkClientAuthentication(server, path),
    ...checkReserved(server, path),
    ...checkKeyCache(server, path),
    ...checkRevalidation(server, path),
  ];
}

function checkKeyCache(
  { keyCache }: AuthorizationServerSettings,
  path: string,
): readonly ConfigurationProblem[] {
  const { refreshAfter = 0, maxAge } = keyCache;
  if (refreshAfter <= maxAge) return [];
  return [problem(`${path}.keyCache.refreshAfter`, refreshAfter, `at most maxAge, which is ${maxAge}`)];
}

/** It is for JWTs alone that are verified locally as well. */
function checkRevalidation(
  { jwt, introspection }: AuthorizationServerSettings,
  path: string,
): readonly ConfigurationProblem[] {
  const { tokens, revalidateAfter, revalidateInBackground = false } = introspection ?? {};
  const at = `${path}.introspection`;
  if (revalidateAfter === undefined) {
    return revalidateInBackground
      ? [problem(`${at}.revalidateInBackground`, true, 'say after how many seconds: revalidateAfter')]
      : [];
  }
  if (tokens !== 'all') {
    return [problem(`${at}.revalidateAfter`, revalidateAfter, "it is for JWTs: give tokens: 'all', too")];
  }
  return jwt === false
    ? [
        problem(
          `${at}.revalidateAfter`,
          revalidateAfter,
          'without jwt nothing is verified locally: use cache.ttl',
        ),
      ]
    : [];
}

/** Discovery needs a URL; without it, any string can be an issuer. */
function checkIssuer(server: AuthorizationServerSettings, path: string): readonly ConfigurationProblem[] {
  const { issuer } = server;
  if (!needsDiscovery(server)) return [];
  if (isAllowedUrl(issuer, server.http.allowLoopbackHttp) && !/[?#]/.test(issuer)) return [];
  const remedy = /[?#]/.test(issuer) ? undefined : remedyForHttp(issuer);
  return [problem(`${path}.issuer`, issuer, remedy ?? URL_FOR_DISCOVERY)];
}

const URL_FOR_DISCOVERY =
  'discovery needs an https: URL without query and fragment; else give jwksUri or jwks, and endpoint';

function needsDiscovery(server: AuthorizationServerSettings): boolean {
  const { jwt } = server;
  const remote = remoteIntrospectionOf(server);
  const keysKnown =
    jwt === false
      ? (remote?.responseFormat ?? 'json') === 'json'
      : Boolean(jwt.jwks ?? jwt.jwksUri ?? jwt.secret);
  return !keysKnown || (remote !== undefined && remote.endpoint === undefined);
}

function remoteIntrospectionOf({
  introspection,
}: AuthorizationServerSettings): RemoteIntrospectionSettings | undefined {
  return introspection === undefined || 'introspect' in introspection ? undefined : introspection;
}

function checkUrls(server: AuthorizationServerSettings, path: string): readonly ConfigurationProblem[] {
  const urls = [
    ['jwt.jwksUri', server.jwt === false ? undefined : server.jwt.jwksUri],
    ['introspection.endpoint', remoteIntrospectionOf(server)?.endpoint],
  ] as const;
  return urls
    .filter(([, url]) => url !== undefined && !isAllowedUrl(url, server.http.allowLoopbackHttp))
    .map(([name, url]) => problem(`${path}.${name}`, url, remedyForHttp(url ?? '') ?? 'give an https: URL'));
}

/** What is wrong in the environment would be found out by the first call. */
/** Whether the proxies that the environment names are such. */
export function checkProxy(
  { http: { proxy } }: { readonly http: Pick<AuthorizationServerSettings['http'], 'proxy'> },
  path: string,
): readonly ConfigurationProblem[] {
  if (proxy !== 'environment') return [];
  return ['https_proxy', 'HTTPS_PROXY', 'http_proxy', 'HTTP_PROXY']
    .filter((name) => Boolean(process.env[name]) && !isProxyUrl(process.env[name]))
    .map((name) => problem(`${path}.http.proxy`, proxy, `${name} is no http: or https: URL of a proxy`));
}

function checkKeys({ jwt }: AuthorizationServerSettings, path: string): readonly ConfigurationProblem[] {
  if (jwt === false) return [];
  const { jwks, jwksUri, secret, algorithms } = jwt;
  const given = Object.entries({ jwks, jwksUri, secret }).filter(([, value]) => value !== undefined);
  if (given.length > 1) {
    return given.slice(1).map(([name, value]) => problem(`${path}.jwt.${name}`, value, ONE_KEY_SOURCE));
  }
  if (secret !== undefined && algorithms !== undefined) {
    return [
      problem(`${path}.jwt.algorithms`, algorithms, 'leave it out: with a secret only HMAC is accepted'),
    ];
  }
  return jwks === undefined || jwks.keys.every((key) => isUsableKey(key))
    ? []
    : [problem(`${path}.jwt.jwks`, jwks, KEYS_NEEDED)];
}

/** A set may hold keys that are for something else. */
function isUsableKey(key: JWK): boolean {
  if (!isPublicSigningKey(key)) return false;
  const fitness = fitnessOf(key, 'lenient');
  if (fitness.kind === 'unfit') return false;
  try {
    const jwk = fitness.kind === 'fit' ? fitness.jwk : key;
    return importPublicKey(jwk).type === 'public';
  } catch {
    return false;
  }
}

const KEYS_NEEDED =
  'every key must be a public RSA, EC or OKP key (RSA: 2048 to 8192 bits, an odd exponent from 65537 up to 2^32)';
const ONE_KEY_SOURCE = 'give only one of jwks, jwksUri and secret';

/** Types of JWTs that are sent to an API, or about it, and are no access tokens. */
const OTHER_TYPES = new Set([
  'token-introspection+jwt',
  'dpop+jwt',
  'logout+jwt',
  'statuslist+jwt',
  'secevent+jwt',
  'oauth-authz-req+jwt',
]);

function checkTypes({ jwt }: AuthorizationServerSettings, path: string): readonly ConfigurationProblem[] {
  if (jwt === false || jwt.typ === false) return [];
  return [jwt.typ].flat().some((type) => OTHER_TYPES.has(normalizeType(type)))
    ? [problem(`${path}.jwt.typ`, jwt.typ, 'such a JWT is never an access token')]
    : [];
}

function checkWays(
  { jwt, introspection }: AuthorizationServerSettings,
  path: string,
): readonly ConfigurationProblem[] {
  if (jwt !== false || introspection !== undefined) return [];
  return [
    problem(`${path}.jwt`, jwt, 'without JWTs there must be introspection, or no token can be verified'),
  ];
}

/** A signed answer is verified with the server's public keys. */
function checkSignedAnswers(
  server: AuthorizationServerSettings,
  path: string,
): readonly ConfigurationProblem[] {
  const { jwt } = server;
  const format = remoteIntrospectionOf(server)?.responseFormat;
  if ((format ?? 'json') === 'json' || jwt === false || jwt.secret === undefined) return [];
  const remedy = 'answers signed with a shared secret are not supported: leave responseFormat out';
  return [problem(`${path}.introspection.responseFormat`, format, remedy)];
}

/** Whether these serve for calls. */
export function checkTls(
  { tls }: Pick<AuthorizationServerSettings, 'tls'>,
  path: string,
): readonly ConfigurationProblem[] {
  if (tls === undefined) return [];
  if ((tls.key === undefined) !== (tls.cert === undefined)) {
    return [problem(`${path}.tls`, tls, 'key and cert belong together')];
  }
  try {
    createSecureContext(tls as object);
    return [];
  } catch (error) {
    return [problem(`${path}.tls`, tls, `it cannot be used: ${messageOf(error)}`)];
  }
}

function checkClientAuthentication(
  server: AuthorizationServerSettings,
  path: string,
): readonly ConfigurationProblem[] {
  const { tls } = server;
  const authentication = remoteIntrospectionOf(server)?.clientAuthentication;
  const at = `${path}.introspection.clientAuthentication`;
  switch (authentication?.method) {
    case 'tls_client_auth':
    case 'self_signed_tls_client_auth':
      return tls?.cert === undefined
        ? [problem(`${path}.tls`, tls, `${authentication.method} needs key and cert of this API`)]
        : [];
    case 'client_secret_jwt':
      return checkSecret(authentication, `${at}.clientSecret`);
    case 'private_key_jwt':
      return checkPrivateKey(authentication, `${at}.key`);
    default:
      return [];
  }
}

function checkSecret(
  { clientSecret, algorithm }: ClientSecretJwtSettings,
  path: string,
): readonly ConfigurationProblem[] {
  if (hmacAlgorithmsFor(bytesOf(clientSecret)).includes(algorithm)) return [];
  return [problem(path, clientSecret, `it is too short for ${algorithm} (RFC 7518 §3.2)`)];
}

const RESERVED_PARAMETERS = ['token', 'token_type_hint', 'client_id', 'client_secret', 'client_assertion'];
const RESERVED_HEADERS = [
  'authorization',
  'proxy-authorization',
  'content-type',
  'content-length',
  'accept',
  'accept-encoding',
  'host',
  'connection',
];

function checkReserved(server: AuthorizationServerSettings, path: string): readonly ConfigurationProblem[] {
  const { parameters = {}, headers = {} } = remoteIntrospectionOf(server) ?? {};
  return [
    ...reserved(parameters, RESERVED_PARAMETERS, `${path}.introspection.parameters`),
    ...reserved(headers, RESERVED_HEADERS, `${path}.introspection.headers`),
    ...Object.entries(headers)
      .filter(([name, value]) => !isHeader(name, value))
      .map(([name, value]) =>
        problem(`${path}.introspection.headers.${name}`, value, 'it is no HTTP header'),
      ),
  ];
}

function isHeader(name: string, value: string): boolean {
  try {
    validateHeaderName(name);
    validateHeaderValue(name, value);
    return true;
  } catch {
    return false;
  }
}

function reserved(
  given: Readonly<Record<string, string>>,
  names: readonly string[],
  path: string,
): readonly ConfigurationProblem[] {
  return Object.entries(given)
    .filter(([name]) => names.includes(name.toLowerCase()))
    .map(([name, value]) => problem(`${path}.${name}`, value, 'it is set by this module'));
}

function checkUnique(servers: readonly AuthorizationServerSettings[]): readonly ConfigurationProblem[] {
  const issuers = servers.map((server) => server.issuer);
  return issuers
    .map((issuer, index) => ({ issuer, index }))
    .filter(({ issuer, index }) => issuers.indexOf(issuer) !== index)
    .map(({ issuer, index }) =>
      problem(`authorizationServers[${index}].issuer`, issuer, 'an earlier server has the same issuer'),
    );
}

/** An opaque token does not say who issued it. */
function checkOneForOpaqueTokens(
  servers: readonly AuthorizationServerSettings[],
): readonly ConfigurationProblem[] {
  const remedy =
    "an opaque token does not say who issued it: set introspectionOrder: 'by-configuration' to ask several servers";
  return servers
    .map((server, index) => ({ server, index }))
    .filter(({ server }) => server.introspection !== undefined)
    .slice(1)
    .map(({ server, index }) =>
      problem(`authorizationServers[${index}].introspection`, server.introspection, remedy),
    );
}
