import { type JwtRules, normalizeType, RFC9068_REQUIRED_CLAIMS } from '../access-token/jwt-verifier.js';
import { bytesOf, hmacAlgorithmsFor } from '../jose/shared-secret.js';
import type { RefreshRules } from '../authorization-server/refreshed-value.js';
import type { SignatureAlgorithm } from '../jose/jws-signature.js';
import type {
  AuthorizationServerOptions,
  CertBoundAuthOptions,
  ClientCertificateOptions,
  DpopOptions,
  HeaderClientCertificateOptions,
  IntrospectionCacheOptions,
  JwtOptions,
  KeyCacheOptions,
  UnboundRequest,
} from '../cert-bound-auth.options.js';
import { normalizeBase } from '../dpop/target-uri.js';
import { checkAuthorizationServers } from './check-authorization-servers.js';
import { CertBoundAuthConfigurationError } from './configuration-error.js';
import { checkClientCertificate } from './check-client-certificate.js';
import { checkDpop } from './check-dpop.js';
import { checkReportUnbound } from './check-report-unbound.js';
import { checkOptionsShape, DPOP_ALGORITHMS, JWS_ALGORITHMS } from './options-schema.js';
import type {
  KeySource,
  ResolvedDpop,
  ResolvedHeaderCertificate,
  ResolvedAuthorizationServer,
  ResolvedClaimNames,
  ResolvedClientCertificate,
  ResolvedIntrospection,
  ResolvedOptions,
} from './resolved-options.js';

/**
 * Checks the options and fills in the defaults.
 * @throws CertBoundAuthConfigurationError naming every wrong field
 */
export function resolveOptions(given: CertBoundAuthOptions): ResolvedOptions {
  const { options, problems: shape } = checkOptionsShape(given);
  const problems =
    shape.length > 0
      ? shape
      : [
          ...checkAuthorizationServers(options),
          ...checkClientCertificate(options),
          ...checkDpop(options),
          ...checkReportUnbound(options),
        ];
  if (problems.length > 0) throw new CertBoundAuthConfigurationError(problems);
  return {
    authorizationServers: options.authorizationServers.map((server) => resolveServer(server, options)),
    clientCertificate: resolveCertificateSource(options.clientCertificate),
    dpop: resolveDpop(options.dpop),
    reportUnbound: resolveReport(options.reportUnbound ?? false),
    tokenCache: resolveTokenCache(options.tokenCache),
    bootstrap: options.bootstrap ?? 'lazy',
    realm: options.realm,
    exposeToken: options.exposeToken ?? false,
    validate:
      options.validate === undefined ? undefined : (token, request) => options.validate?.(token, request),
  };
}

function resolveCertificateSource(
  source: ClientCertificateOptions = { from: 'tls' },
): ResolvedClientCertificate {
  switch (source.from) {
    case 'tls':
      return { from: 'tls', trust: source.trust ?? 'ca' };
    case 'custom':
      return { from: 'custom', trust: source.trust, find: (request) => source.find(request) };
    case 'header':
      return {
        from: 'header',
        header: source.header.toLowerCase(),
        format: source.format,
        trustedProxies: source.trustedProxies,
        trust: source.trust,
        chainHeader: source.chainHeader?.toLowerCase(),
        verifyHeader: resolveVerifyHeader(source.verifyHeader),
      };
  }
}

function resolveVerifyHeader(
  header: HeaderClientCertificateOptions['verifyHeader'],
): ResolvedHeaderCertificate['verifyHeader'] {
  if (header === undefined) return undefined;
  if (typeof header === 'string') return { name: header.toLowerCase(), value: 'SUCCESS' };
  return { name: header.name.toLowerCase(), value: header.value };
}

function resolveDpop(dpop: DpopOptions | undefined): ResolvedDpop | undefined {
  if (dpop === undefined) return undefined;
  return {
    publicBasesOf: resolvePublicUrl(dpop.publicUrl),
    algorithms: dpop.algorithms ?? DPOP_ALGORITHMS,
    proofLifetime: dpop.proofLifetime ?? 60,
    clockSkew: dpop.clockSkew ?? 10,
    maxProofLength: dpop.maxProofLength ?? 4096,
    nonce: dpop.nonce ?? 'off',
    nonceSecret: dpop.nonceSecret === undefined ? undefined : Buffer.from(bytesOf(dpop.nonceSecret)),
    nonceLifetime: dpop.nonceLifetime ?? 300,
    replayStore: dpop.replayStore,
  };
}

/** What is known at boot is normalised at boot. */
function resolvePublicUrl(publicUrl: DpopOptions['publicUrl']): ResolvedDpop['publicBasesOf'] {
  if (typeof publicUrl === 'function') return (request) => basesOf(publicUrl(request));
  const bases = basesOf(publicUrl);
  return () => bases;
}

function basesOf(urls: string | readonly string[]): readonly string[] {
  return [urls].flat().map((url) => {
    if (typeof url !== 'string') throw new TypeError(`the function returned ${kindOf(url)}, not a string`);
    const base = normalizeBase(url);
    if (base === undefined) throw new TypeError('it is no https: origin and path prefix');
    return base;
  });
}

function kindOf(value: unknown): string {
  return value instanceof Promise ? 'a Promise (it must answer at once)' : `a value of type ${typeof value}`;
}

function resolveReport(
  report: boolean | ((request: UnboundRequest) => unknown),
): ResolvedOptions['reportUnbound'] {
  if (report === false) return undefined;
  return report === true ? () => undefined : report;
}

function resolveTokenCache(cache: CertBoundAuthOptions['tokenCache'] = {}): ResolvedOptions['tokenCache'] {
  if (cache === false) return undefined;
  return { maxEntries: cache.maxEntries ?? 100_000, maxSize: cache.maxSize ?? 134_217_728 };
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
    names: {
      scope: server.claims?.scope ?? 'scope',
      clientId: server.claims?.clientId ?? 'client_id',
      subject: server.claims?.subject ?? 'sub',
    },
  };
  const jwt = server.jwt === false ? {} : (server.jwt ?? {});
  return {
    issuer: server.issuer,
    binding: server.binding ?? options.binding ?? 'required',
    claimNames: context.names,
    keys: resolveKeys(jwt),
    jwt: server.jwt === false ? undefined : resolveJwt(jwt, context),
    introspection: resolveIntrospection(server.introspection, algorithmsOf(jwt), context),
    http: {
      connectTimeout: server.http?.connectTimeout ?? 3_000,
      timeout: server.http?.timeout ?? 5_000,
      maxResponseSize: server.http?.maxResponseSize ?? 1_048_576,
      maxConnections: server.http?.maxConnections ?? 64,
      allowLoopbackHttp: server.http?.allowLoopbackHttp ?? false,
      tls: server.tls ?? {},
    },
    keyCache: resolveKeyCache(server.keyCache),
  };
}

/** Where `maxAge` alone is given and short, the old is fetched anew in its second half. */
function resolveKeyCache({
  maxAge = 600,
  refreshAfter = Math.min(300, maxAge / 2),
  staleIfError = 0,
}: KeyCacheOptions = {}): RefreshRules {
  return { refreshAfter, maxAge, staleIfError };
}

function resolveKeys({ jwks, jwksUri, secret }: JwtOptions): KeySource {
  if (secret !== undefined) return { kind: 'secret', secret: bytesOf(secret) };
  if (jwks !== undefined) return { kind: 'fixed', jwks };
  return jwksUri === undefined ? { kind: 'discovered' } : { kind: 'jwks-uri', url: jwksUri };
}

/** HMAC with a secret, and nothing else; else what is asymmetric, and never HMAC. */
function algorithmsOf({ secret, algorithms }: JwtOptions): readonly SignatureAlgorithm[] {
  return secret === undefined ? (algorithms ?? JWS_ALGORITHMS) : hmacAlgorithmsFor(bytesOf(secret));
}

function resolveJwt(jwt: JwtOptions, context: ClaimContext): JwtRules {
  const { issuer, audience, clockTolerance, names } = context;
  return {
    algorithms: algorithmsOf(jwt),
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

/** A server that puts the client or the subject elsewhere is asked for it there. */
function localName(claim: string, names: ResolvedClaimNames): string {
  if (claim === 'client_id') return names.clientId;
  return claim === 'sub' ? names.subject : claim;
}

function stringClaims(names: ResolvedClaimNames): readonly string[] {
  return ['sub', 'jti', names.subject, names.clientId];
}

function resolveTypes(typ: NonNullable<JwtOptions['typ']>): readonly (string | undefined)[] {
  if (typ === false) return ['at+jwt', 'jwt', undefined];
  return [typ].flat().map((type) => normalizeType(type));
}

function resolveIntrospection(
  introspection: AuthorizationServerOptions['introspection'],
  algorithms: readonly SignatureAlgorithm[],
  context: ClaimContext,
): ResolvedIntrospection | undefined {
  if (introspection === undefined) return undefined;
  const { issuer, audience, clockTolerance, names } = context;
  const { cache } = introspection;
  return {
    source: resolveSource(introspection, algorithms, context),
    tokens: introspection.tokens ?? 'opaque',
    cache: cache === undefined ? undefined : resolveCache(cache),
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

function resolveCache({
  ttl,
  negativeTtl,
  maxEntries,
  shared,
}: IntrospectionCacheOptions): NonNullable<ResolvedIntrospection['cache']> {
  return {
    ttl: ttl ?? 60,
    negativeTtl: negativeTtl ?? 10,
    maxEntries: maxEntries ?? 10_000,
    shared: shared === undefined ? undefined : { store: shared.store, secret: bytesOf(shared.secret) },
  };
}

function resolveSource(
  introspection: NonNullable<AuthorizationServerOptions['introspection']>,
  algorithms: readonly SignatureAlgorithm[],
  { issuer, audience, clockTolerance }: ClaimContext,
): ResolvedIntrospection['source'] {
  if (introspection.introspect !== undefined) {
    return { kind: 'in-process', introspect: async (token) => introspection.introspect(token) };
  }
  const { clientAuthentication, endpoint, parameters, headers, responseFormat } = introspection;
  const signed = {
    issuer,
    audience: [clientAuthentication.clientId, ...audience],
    algorithms,
    clockTolerance,
  };
  return {
    kind: 'remote',
    clientAuthentication,
    endpoint,
    parameters: { ...parameters },
    headers: { ...headers },
    signed: responseFormat === 'jwt' ? signed : undefined,
  };
}
