import { quoted, quotedList } from '../common/quoted.js';
import { invalidToken, OAuthError } from '../challenge/oauth-error.js';
import { withImplied } from '../claims/implied-scopes.js';
import { andThen, andThenWith, type MaybePromise } from '../common/maybe-promise.js';
import type { AuthorizationServer } from './authorization-server.js';
import type { ResolvedServers } from './resolved-servers.js';
import { describeAccessToken } from './describe-access-token.js';
import type { TokenDescription } from '../decision.js';
import { readTokenShape, type TokenShape } from '../jose/token-shape.js';
import type { StatusReference } from '../status-list/status-reference.js';
import type { VerifiedClaims } from './verified-claims.js';

/** A token that every check of its own has passed, and the server that vouches for it. */
export interface VerifiedToken extends VerifiedClaims {
  readonly server: AuthorizationServer;
  /** Never handed out: whoever gets it gets a copy. */
  readonly description: TokenDescription;
  /** Its scopes, with those that they stand for. */
  readonly granted: ReadonlySet<string>;
  /** Where its status stands; `undefined` where that is nowhere. It is looked up on each request. */
  readonly status: StatusReference | undefined;
}

/** The trusted servers, found by issuer; and those that opaque tokens are looked up at, in this order. */
export interface TrustedServers {
  readonly byIssuer: ReadonlyMap<string, AuthorizationServer>;
  readonly forOpaqueTokens: readonly AuthorizationServer[];
  /** Those that the app names when a token of theirs comes; `undefined` where it names none. */
  readonly resolved?: ResolvedServers | undefined;
}

/**
 * Is called before any of these servers is asked about a token, or for keys that are not known.
 * @throws OAuthError where nothing that they could say would help
 */
export type BeforeAsking = (servers: readonly AuthorizationServer[]) => void;

/** Characters. */
const MAX_TOKEN_LENGTH = 16_384;

/**
 * Verifies an access token with the server that issued it: a JWT by its `iss`, which chooses among the
 * trusted servers and nothing else; any other token by introspection.
 * @param request that it came with: on it may depend which servers are trusted
 * @throws OAuthError 401 `invalid_token`; 503 when the server can't be asked
 */
export function verifyAccessToken(
  token: string,
  servers: TrustedServers,
  request: object,
  beforeAsking: BeforeAsking = () => undefined,
): MaybePromise<VerifiedToken> {
  const shape = readableShape(token);
  if (shape.kind === 'opaque') return lookUpOpaque(token, servers.forOpaqueTokens, beforeAsking);
  return andThen(trustedServer(shape.payload['iss'], servers, request), (server) =>
    verifySelfContained(token, shape, server, beforeAsking),
  );
}

/** What kind of token it is. @throws OAuthError 401 `invalid_token` for one that nothing here can read */
export function readableShape(token: string): TokenShape & { readonly kind: 'jwt' | 'opaque' } {
  if (token.length > MAX_TOKEN_LENGTH) throw invalidToken('token_too_large');
  const shape = readTokenShape(token);
  switch (shape.kind) {
    case 'encrypted':
      throw invalidToken('token_encrypted');
    case 'malformed':
      throw invalidToken('token_malformed', {
        detail: 'its payload is no JSON object, or its signature no base64url',
      });
    case 'opaque':
    case 'jwt':
      return shape;
  }
}

function verifySelfContained(
  token: string,
  shape: TokenShape & { readonly kind: 'jwt' },
  server: AuthorizationServer,
  beforeAsking: BeforeAsking,
): MaybePromise<VerifiedToken> {
  return andThen(
    server.verifyJwt(token, shape, () => beforeAsking([server])),
    (verified) => describe(server, verified),
  );
}

/**
 * The server that is trusted for the tokens of an issuer, for this request.
 * @throws OAuthError 401 `invalid_token` where there is none; 503 where the app cannot tell
 */
export function trustedServer(
  issuer: unknown,
  { byIssuer, resolved }: TrustedServers,
  request: object,
): MaybePromise<AuthorizationServer> {
  const configured = byIssuer.get(issuer as string);
  if (configured !== undefined) return configured;
  if (resolved === undefined) throw unknownIssuer(issuer, [...byIssuer.keys()]);
  return andThenWith(resolved.find(issuer, request), requireTrusted, issuer);
}

function requireTrusted(server: AuthorizationServer | undefined, issuer: unknown): AuthorizationServer {
  if (server !== undefined) return server;
  throw invalidToken('issuer_unknown', {
    detail: `iss is ${quoted(issuer)}, which neither authorizationServers nor resolveAuthorizationServer has for this request`,
  });
}

function withoutSlash(text: string): string {
  return text.replace(/\/$/, '');
}

/** Many an issuer differs from the configured one by the slash at its end alone (RFC 8414 §3.3: compared as text). */
function unknownIssuer(iss: unknown, configured: readonly string[]): OAuthError {
  const near =
    typeof iss === 'string' && configured.some((issuer) => withoutSlash(issuer) === withoutSlash(iss));
  const detail = `iss is ${quoted(iss)}, configured is ${quotedList(configured)}`;
  return invalidToken('issuer_unknown', {
    detail: near ? `${detail}: they differ by the slash at the end` : detail,
  });
}

/**
 * Asks one server after the other until one knows the token. One that could not be asked might have known it: then
 * the others' "inactive" settles nothing.
 */
async function lookUpOpaque(
  token: string,
  servers: readonly AuthorizationServer[],
  beforeAsking: BeforeAsking,
): Promise<VerifiedToken> {
  if (servers.length > 0) beforeAsking(servers);
  let error = invalidToken('token_opaque', { detail: 'no server has introspection' });
  for (const server of servers) {
    try {
      // eslint-disable-next-line no-await-in-loop -- the next one is asked only when this one does not know it
      return describe(server, await server.lookUp(token));
    } catch (cause) {
      if (!isUnknownOrOutage(cause)) throw cause;
      if (error.refusal.status !== 503) error = cause;
    }
  }
  throw error;
}

/** Whether another server may still know the token. */
function isUnknownOrOutage(error: unknown): error is OAuthError {
  if (!(error instanceof OAuthError)) return false;
  const { reason, refusal } = error;
  return refusal.status === 503 || reason === 'token_inactive' || reason === 'introspection_refused';
}

/** What verified claims say of a token. Written out member by member: Node 20 takes 5 µs for a spread. */
export function describe(
  server: AuthorizationServer,
  { claims, signedAnswer, size, validity, holds }: VerifiedClaims,
): VerifiedToken {
  const { issuer, claimNames, impliedScopes } = server.settings;
  const description = describeAccessToken(issuer, claims, claimNames);
  return {
    claims,
    signedAnswer,
    size,
    validity,
    holds,
    server,
    description,
    granted: withImplied(description.scopes, impliedScopes),
    status: server.statusOf(claims),
  };
}
