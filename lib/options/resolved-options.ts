import type {
  AuthorizationServerOptions,
  BindingPolicy,
  CertBoundAuthOptions,
  ClientAuthentication,
  TlsClientCertificateOptions,
} from '../cert-bound-auth.options.js';
import type { AuthorizationServerHttpSettings } from '../access-token/authorization-server-http.js';
import type { ClaimRules } from '../access-token/check-claims.js';
import type { IntrospectionCacheSettings } from '../access-token/introspection-cache.js';
import type { JwtRules } from '../access-token/jwt-verifier.js';

/** The options with every default filled in and every check done. */
export interface ResolvedOptions {
  readonly authorizationServers: readonly ResolvedAuthorizationServer[];
  readonly clientCertificate: Required<TlsClientCertificateOptions>;
  readonly realm: string | undefined;
  readonly exposeToken: boolean;
  readonly validate: CertBoundAuthOptions['validate'];
}

/** One authorization server, as configured. */
export interface ResolvedAuthorizationServer {
  readonly issuer: string;
  readonly binding: BindingPolicy;
  readonly claimNames: ResolvedClaimNames;
  readonly jwt: ResolvedJwt | undefined;
  readonly introspection: ResolvedIntrospection | undefined;
  readonly http: AuthorizationServerHttpSettings;
}

/** Where scope and client are in the claims of a token. */
export interface ResolvedClaimNames {
  readonly scope: string;
  readonly clientId: string;
}

/** Where the keys come from, and what a JWT must be. */
export interface ResolvedJwt extends JwtRules {
  readonly keys: NonNullable<Exclude<AuthorizationServerOptions['jwt'], false>>;
}

/** How tokens are looked up, and what an answer must say. */
export interface ResolvedIntrospection {
  readonly clientAuthentication: ClientAuthentication;
  readonly endpoint: string | undefined;
  readonly tokens: 'opaque' | 'all';
  readonly parameters: Readonly<Record<string, string>>;
  readonly headers: Readonly<Record<string, string>>;
  readonly cache: IntrospectionCacheSettings;
  readonly claims: ClaimRules;
}
