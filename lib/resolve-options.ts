import { normalizeType, RFC9068_REQUIRED_CLAIMS } from './access-token/jwt-verifier.js';
import type {
  AuthorizationServerOptions,
  CertBoundAuthOptions,
  JwtOptions,
} from './cert-bound-auth.options.js';
import { checkAuthorizationServers } from './options/check-authorization-servers.js';
import { CertBoundAuthConfigurationError } from './options/configuration-error.js';
import { checkOptionsShape, JWS_ALGORITHMS } from './options/options-schema.js';
import type {
  ResolvedAuthorizationServer,
  ResolvedClaimNames,
  ResolvedIntrospection,
  ResolvedJwt,
  ResolvedOptions,
} from './options/resolved-options.js';

/**
 * Checks the options and fills in the defaults.
 * @throws CertBoundAuthConfigurationError naming every wrong field
 */
export function resolveOptions(options: CertBoundAuthOptions): ResolvedOptions {
  const shape = checkOptionsShape(options);
  const problems = shape.length > 0 ? shape : checkAuthorizationServers(options);
  if (problems.length > 0) throw new CertBoundAuthConfigurationError(problems);
  return {
    authorizationServers: options.authorizationServers.map((server) => resolveServer(server, options)),
    clientCertificate: { from: 'tls', trust: options.clientCertificate?.trust ?? 'ca' },
    realm: options.realm,
    exposeToken: options.exposeToken ?? false,
    validate: options.validate?.bind(options),
  };
}

/** What the checks of claims need beside the server's own options. */
interface ClaimContext {
  readonly issuer: string;
  readonly audience: readonly string[];
  readonly clockTolerance: number;
  readonly names: ResolvedClaimNames;
}

function resolveServer(
  server: AuthorizationServerOptions,
  options: CertBoundAuthOptions,
): ResolvedAuthorizationServer {
  const context: ClaimContext = {
    issuer: server.issuer,
    audience: [server.audience ?? options.audience].flat(),
    clockTolerance: options.clockTolerance ?? 5,
    names: { scope: server.claims?.scope ?? 'scope', clientId: server.claims?.clientId ?? 'client_id' },
  };
  return {
    issuer: server.issuer,
    binding: server.binding ?? options.binding ?? 'required',
    claimNames: context.names,
    jwt: server.jwt === false ? undefined : resolveJwt(server.jwt ?? {}, context),
    introspection: resolveIntrospection(server.introspection, context),
    http: {
      connectTimeout: server.http?.connectTimeout ?? 3_000,
      timeout: server.http?.timeout ?? 5_000,
      maxResponseSize: server.http?.maxResponseSize ?? 1_048_576,
      allowLoopbackHttp: server.http?.allowLoopbackHttp ?? false,
      tls: server.tls ?? {},
    },
  };
}

function resolveJwt(jwt: JwtOptions, context: ClaimContext): ResolvedJwt {
  const { issuer, audience, clockTolerance, names } = context;
  return {
    keys: jwt,
    algorithms: jwt.algorithms ?? JWS_ALGORITHMS,
    types: resolveTypes(jwt.typ ?? 'at+jwt'),
    claims: {
      issuer,
      issuerPresence: 'required',
      audience,
      audiencePresence: 'required',
      clockTolerance,
      requiredClaims: jwt.requiredClaims ?? RFC9068_REQUIRED_CLAIMS.map((name) => localName(name, names)),
      forbiddenClaims: jwt.forbiddenClaims ?? [],
      ...(jwt.maxTokenAge === undefined ? {} : { maxTokenAge: jwt.maxTokenAge }),
      stringClaims: stringClaims(names),
    },
  };
}

/** A server that puts the client elsewhere is asked for it there. */
function localName(claim: string, names: ResolvedClaimNames): string {
  return claim === 'client_id' ? names.clientId : claim;
}

function stringClaims(names: ResolvedClaimNames): readonly string[] {
  return ['sub', 'jti', names.clientId];
}

function resolveTypes(typ: NonNullable<JwtOptions['typ']>): readonly (string | undefined)[] {
  if (typ === false) return ['at+jwt', 'jwt', undefined];
  return [typ].flat().map((type) => normalizeType(type));
}

function resolveIntrospection(
  introspection: AuthorizationServerOptions['introspection'],
  { issuer, audience, clockTolerance, names }: ClaimContext,
): ResolvedIntrospection | undefined {
  if (introspection === undefined) return undefined;
  const { cache } = introspection;
  return {
    clientAuthentication: introspection.clientAuthentication,
    endpoint: introspection.endpoint,
    tokens: introspection.tokens ?? 'opaque',
    parameters: introspection.parameters ?? {},
    headers: introspection.headers ?? {},
    cache:
      cache === undefined
        ? undefined
        : {
            ttl: cache.ttl ?? 60,
            negativeTtl: cache.negativeTtl ?? 10,
            maxEntries: cache.maxEntries ?? 10_000,
          },
    claims: {
      issuer,
      issuerPresence: 'if-present',
      audience,
      audiencePresence: introspection.audience ?? 'required',
      clockTolerance,
      requiredClaims: [],
      forbiddenClaims: [],
      stringClaims: stringClaims(names),
    },
  };
}
