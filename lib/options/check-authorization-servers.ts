import { createSecureContext } from 'node:tls';
import { isAllowedUrl } from '../access-token/authorization-server-http.js';
import { readPrivateKey } from '../access-token/client-authentication.js';
import { isPublicSigningKey } from '../access-token/signing-keys.js';
import type {
  AuthorizationServerOptions,
  CertBoundAuthOptions,
  JwtOptions,
} from '../cert-bound-auth.options.js';
import { type ConfigurationProblem, problem } from './configuration-error.js';

/** Checks what the fields of the options say together; each has the right type already. */
export function checkAuthorizationServers({
  authorizationServers,
}: CertBoundAuthOptions): readonly ConfigurationProblem[] {
  return [
    ...authorizationServers.flatMap((server, index) => checkServer(server, `authorizationServers[${index}]`)),
    ...checkUnique(authorizationServers),
    ...checkOneForOpaqueTokens(authorizationServers),
  ];
}

function checkServer(server: AuthorizationServerOptions, path: string): readonly ConfigurationProblem[] {
  return [
    ...checkIssuer(server, path),
    ...checkUrls(server, path),
    ...checkKeys(server.jwt === false ? {} : (server.jwt ?? {}), path),
    ...checkWays(server, path),
    ...checkTls(server, path),
    ...checkClientAuthentication(server, path),
    ...checkReserved(server, path),
  ];
}

/** Discovery needs a URL; without it, any string can be an issuer. */
function checkIssuer(server: AuthorizationServerOptions, path: string): readonly ConfigurationProblem[] {
  const { issuer } = server;
  if (!needsDiscovery(server)) return [];
  if (isAllowedUrl(issuer, allowsHttp(server)) && !/[?#]/.test(issuer)) return [];
  const remedy =
    'discovery needs an https: URL without query and fragment; else give jwksUri or jwks, and endpoint';
  return [problem(`${path}.issuer`, issuer, remedy)];
}

function needsDiscovery({ jwt, introspection }: AuthorizationServerOptions): boolean {
  const keysKnown = jwt === false || jwt?.jwks !== undefined || jwt?.jwksUri !== undefined;
  return !keysKnown || (introspection !== undefined && introspection.endpoint === undefined);
}

function allowsHttp({ http }: AuthorizationServerOptions): boolean {
  return http?.allowLoopbackHttp ?? false;
}

function checkUrls(server: AuthorizationServerOptions, path: string): readonly ConfigurationProblem[] {
  const urls = [
    ['jwt.jwksUri', server.jwt === false ? undefined : server.jwt?.jwksUri],
    ['introspection.endpoint', server.introspection?.endpoint],
  ] as const;
  return urls
    .filter(([, url]) => url !== undefined && !isAllowedUrl(url, allowsHttp(server)))
    .map(([name, url]) => problem(`${path}.${name}`, url, 'give an https: URL'));
}

function checkKeys({ jwks, jwksUri }: JwtOptions, path: string): readonly ConfigurationProblem[] {
  if (jwks === undefined) return [];
  if (jwksUri !== undefined) return [problem(`${path}.jwt.jwks`, jwks, 'give jwks or jwksUri, not both')];
  return jwks.keys.every((key) => isPublicSigningKey(key))
    ? []
    : [problem(`${path}.jwt.jwks`, jwks, 'every key must be a public RSA, EC or OKP key')];
}

function checkWays(
  { jwt, introspection }: AuthorizationServerOptions,
  path: string,
): readonly ConfigurationProblem[] {
  if (jwt !== false || introspection !== undefined) return [];
  return [
    problem(`${path}.jwt`, jwt, 'without JWTs there must be introspection, or no token can be verified'),
  ];
}

function checkTls({ tls }: AuthorizationServerOptions, path: string): readonly ConfigurationProblem[] {
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
  { introspection, tls }: AuthorizationServerOptions,
  path: string,
): readonly ConfigurationProblem[] {
  const authentication = introspection?.clientAuthentication;
  if (authentication?.method === 'tls_client_auth' && tls?.cert === undefined) {
    return [problem(`${path}.tls`, tls, 'tls_client_auth needs key and cert of this API')];
  }
  if (authentication?.method !== 'private_key_jwt') return [];
  try {
    readPrivateKey(authentication.key);
    return [];
  } catch (error) {
    const at = `${path}.introspection.clientAuthentication.key`;
    return [problem(at, authentication.key, `it is no private key: ${messageOf(error)}`)];
  }
}

const RESERVED_PARAMETERS = ['token', 'token_type_hint', 'client_id', 'client_secret', 'client_assertion'];
const RESERVED_HEADERS = ['authorization', 'content-type', 'content-length', 'accept', 'host', 'connection'];

function checkReserved(
  { introspection }: AuthorizationServerOptions,
  path: string,
): readonly ConfigurationProblem[] {
  const { parameters = {}, headers = {} } = introspection ?? {};
  return [
    ...reserved(parameters, RESERVED_PARAMETERS, `${path}.introspection.parameters`),
    ...reserved(headers, RESERVED_HEADERS, `${path}.introspection.headers`),
  ];
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

function checkUnique(servers: readonly AuthorizationServerOptions[]): readonly ConfigurationProblem[] {
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
  servers: readonly AuthorizationServerOptions[],
): readonly ConfigurationProblem[] {
  const remedy =
    'an opaque token does not say who issued it: only one server can have introspection for them';
  return servers
    .map((server, index) => ({ server, index }))
    .filter(({ server }) => server.introspection !== undefined)
    .slice(1)
    .map(({ server, index }) =>
      problem(`authorizationServers[${index}].introspection`, server.introspection, remedy),
    );
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
