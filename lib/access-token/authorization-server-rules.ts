import type {
  AuthorizationServerOptions,
  AuthorizationServerTlsOptions,
  BindingPolicy,
} from '../cert-bound-auth.options.js';
import type { AuthorizationServerHttpSettings } from '../authorization-server/http-settings.js';
import { type KeySource, keySourceOf } from '../authorization-server/key-source.js';
import {
  type KeyCacheSettings,
  type RefreshRules,
  refreshRulesOf,
} from '../authorization-server/refreshed-value.js';
import type { ClaimRules } from '../claims/check-claims.js';
import type { ClaimContext, ClaimNameSettings } from '../claims/claim-context.js';
import { type ImpliedScopes, impliedScopesOf } from '../claims/implied-scopes.js';
import type { SettingsOf } from '../common/settings-of.js';
import {
  type IntrospectionRules,
  introspectionRulesOf,
  type IntrospectionSettings,
} from '../introspection/introspection-rules.js';
import {
  type StatusListRules,
  statusListRulesOf,
  type StatusListSettings,
} from '../status-list/status-list-rules.js';
import { algorithmsOf, type JwtSettings, jwtRulesOf } from './jwt-rules.js';
import type { JwtRules } from './jwt-verifier.js';

/** One authorization server, as configured. */
export type AuthorizationServerSettings = SettingsOf<
  AuthorizationServerOptions,
  'introspection' | 'audience' | 'binding' | 'tls',
  {
    readonly jwt: false | JwtSettings;
    readonly introspection: IntrospectionSettings | undefined;
    readonly claims: ClaimNameSettings;
    readonly tls: TlsSettings | undefined;
    readonly http: Omit<AuthorizationServerHttpSettings, 'tls'>;
    readonly keyCache: KeyCacheSettings;
    readonly statusList: false | StatusListSettings;
  }
>;

/** TLS of the calls to a server, as configured. */
export type TlsSettings = SettingsOf<AuthorizationServerTlsOptions, 'ca' | 'key' | 'cert'>;

/** What holds for the tokens of every server that does not say otherwise. */
export interface ServerDefaults {
  readonly audience: string | readonly string[];
  readonly binding: BindingPolicy;
  /** Seconds. */
  readonly clockTolerance: number;
  readonly scopeImplies: Readonly<Record<string, readonly string[]>>;
}

/** What the tokens of one authorization server are decided by. */
export interface AuthorizationServerRules {
  readonly issuer: string;
  readonly binding: BindingPolicy;
  readonly claimNames: ClaimNameSettings;
  readonly impliedScopes: ImpliedScopes;
  /** Where its keys come from: they verify its JWTs and its signed answers. */
  readonly keys: KeySource;
  /** What its JWT access tokens must be; `undefined` where they are not verified locally. */
  readonly jwt: JwtRules | undefined;
  /**
   * What the claims of a JWT must say together with what the server says of it, where it is asked about each; `undefined`
   * where the JWT must say all that itself.
   */
  readonly confirmedJwt: ClaimRules | undefined;
  readonly introspection: IntrospectionRules | undefined;
  /** What a JWT must be that introspection answers with in the place of the token; `undefined` where it does not. */
  readonly answerJwt: JwtRules | undefined;
  readonly http: AuthorizationServerHttpSettings;
  readonly keyCache: RefreshRules;
  /** `undefined` where the status of its tokens is not looked at. */
  readonly statusLists: StatusListRules | undefined;
}

/** Works out once, at boot, what the tokens of a server are decided by. */
export function authorizationServerRulesOf(
  server: AuthorizationServerSettings,
  { audience, binding, clockTolerance, scopeImplies }: ServerDefaults,
): AuthorizationServerRules {
  const { issuer, introspection, claims: names } = server;
  const context: ClaimContext = {
    issuer,
    audience: [server.audience ?? audience].flat(),
    clockTolerance,
    names,
  };
  const jwt = server.jwt === false ? NO_JWTS : server.jwt;
  return {
    issuer,
    binding: server.binding ?? binding,
    claimNames: names,
    impliedScopes: impliedScopesOf(scopeImplies),
    keys: keySourceOf(jwt),
    ...jwtRules(server, context),
    answerJwt: answersWithTokens(introspection)
      ? jwtRulesOf(server.jwt === false ? ANY_ACCESS_TOKEN : server.jwt, context)
      : undefined,
    introspection:
      introspection === undefined
        ? undefined
        : introspectionRulesOf(introspection, algorithmsOf(jwt), context),
    http: { ...server.http, tls: tlsOf(server.tls) },
    keyCache: refreshRulesOf(server.keyCache),
    statusLists:
      server.statusList === false
        ? undefined
        : statusListRulesOf(server.statusList, issuer, algorithmsOf(jwt), clockTolerance),
  };
}

function answersWithTokens(introspection: IntrospectionSettings | undefined): boolean {
  if (introspection === undefined || 'introspect' in introspection) return false;
  return (
    introspection.responseFormat === 'keycloak-jwt' || introspection.responseFormat === 'access-token-jwt'
  );
}

/** Without rules for JWTs of callers: the server itself has sent it, in the place of an access token. */
const ANY_ACCESS_TOKEN: JwtSettings = {
  jwksUri: undefined,
  jwks: undefined,
  secret: undefined,
  algorithms: undefined,
  typ: false,
  recognizedBy: ['client_id', 'scope', 'scp'],
  requiredClaims: [],
  forbiddenClaims: [],
  maxTokenAge: undefined,
};

/** Of a JWT that the server is asked about, the answer may say what the JWT itself leaves out. */
function jwtRules(
  { jwt, introspection }: AuthorizationServerSettings,
  context: ClaimContext,
): Pick<AuthorizationServerRules, 'jwt' | 'confirmedJwt'> {
  if (jwt === false) return { jwt: undefined, confirmedJwt: undefined };
  const rules = jwtRulesOf(jwt, context);
  if (introspection?.tokens !== 'all') return { jwt: rules, confirmedJwt: undefined };
  const own: ClaimRules = { ...rules.claims, audiencePresence: 'if-present', requiredClaims: [] };
  return { jwt: { ...rules, claims: own }, confirmedJwt: { ...rules.claims, forbiddenClaims: [] } };
}

/** Signed answers are then verified as the server's metadata says. */
const NO_JWTS = { jwks: undefined, jwksUri: undefined, secret: undefined, algorithms: undefined };

/** Node is told only what is configured. */
export function tlsOf({ ca, key, cert }: Partial<TlsSettings> = {}): AuthorizationServerTlsOptions {
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(key === undefined ? {} : { key }),
    ...(cert === undefined ? {} : { cert }),
  };
}
