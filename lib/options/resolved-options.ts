import type { JSONWebKeySet } from 'jose';
import type {
  BindingPolicy,
  CertBoundAuthOptions,
  ClientAuthentication,
  CustomClientCertificateOptions,
  DpopAlgorithm,
  ForwardedCertificateFormat,
  HeaderClientCertificateOptions,
  TlsClientCertificateOptions,
  ReplayStore,
  TrustedProxy,
  UnboundRequest,
} from '../cert-bound-auth.options.js';
import type { AuthorizationServerHttpSettings } from '../authorization-server/authorization-server-http.js';
import type { ClaimRules } from '../claims/check-claims.js';
import type { IntrospectionCacheSettings } from '../introspection/introspection-cache.js';
import type { JwtRules } from '../access-token/jwt-verifier.js';
import type { KnownTokensSettings } from '../access-token/known-tokens.js';
import type { RefreshRules } from '../authorization-server/refreshed-value.js';
import type { SignedAnswerRules } from '../introspection/signed-introspection-answer.js';

/** The options with every default filled in and every check done. */
export interface ResolvedOptions {
  readonly authorizationServers: readonly ResolvedAuthorizationServer[];
  readonly clientCertificate: ResolvedClientCertificate;
  readonly dpop: ResolvedDpop | undefined;
  /** Told of requests with unbound tokens. */
  readonly reportUnbound: ((request: UnboundRequest) => unknown) | undefined;
  /** `undefined` where no token is remembered. */
  readonly tokenCache: KnownTokensSettings | undefined;
  readonly bootstrap: 'lazy' | 'eager';
  readonly realm: string | undefined;
  readonly exposeToken: boolean;
  readonly validate: CertBoundAuthOptions['validate'];
}

/** Where the client's certificate comes from. */
export type ResolvedClientCertificate =
  Required<TlsClientCertificateOptions> | ResolvedHeaderCertificate | CustomClientCertificateOptions;

/** A header of a trusted proxy; names in lower case. */
export interface ResolvedHeaderCertificate {
  readonly from: 'header';
  readonly header: string;
  readonly format: ForwardedCertificateFormat;
  readonly trustedProxies: readonly TrustedProxy[];
  readonly trust: HeaderClientCertificateOptions['trust'];
  readonly chainHeader: string | undefined;
  readonly verifyHeader: { readonly name: string; readonly value: string } | undefined;
}

/** Whether a certificate counts without a verified chain. */
export function chainTrust({ trust }: ResolvedClientCertificate): 'ca' | 'any' {
  return trust === 'any' ? 'any' : 'ca';
}

/** How DPoP proofs are checked. */
export interface ResolvedDpop {
  /** Normalised origins and path prefixes that clients see a request under. @throws Error that says what is wrong */
  readonly publicBasesOf: (request: object) => readonly string[];
  readonly algorithms: readonly DpopAlgorithm[];
  /** Seconds. */
  readonly proofLifetime: number;
  /** Seconds. */
  readonly clockSkew: number;
  /** Characters. */
  readonly maxProofLength: number;
  readonly nonce: 'off' | 'required' | 'instead-of-iat';
  readonly nonceSecret: Uint8Array | undefined;
  /** Seconds. */
  readonly nonceLifetime: number;
  readonly replayStore: ReplayStore | undefined;
}

/** One authorization server, as configured. */
export interface ResolvedAuthorizationServer {
  readonly issuer: string;
  readonly binding: BindingPolicy;
  readonly claimNames: ResolvedClaimNames;
  /** Where its keys come from: they verify its JWTs and its signed answers. */
  readonly keys: KeySource;
  /** What its JWT access tokens must be; `undefined` where they are not verified locally. */
  readonly jwt: JwtRules | undefined;
  readonly introspection: ResolvedIntrospection | undefined;
  readonly http: AuthorizationServerHttpSettings;
  readonly keyCache: RefreshRules;
}

/** Where scope, client and subject are in the claims of a token. */
export interface ResolvedClaimNames {
  readonly scope: string;
  readonly clientId: string;
  readonly subject: string;
}

/** Where the keys of a server come from. */
export type KeySource =
  | { readonly kind: 'discovered' }
  | { readonly kind: 'jwks-uri'; readonly url: string }
  | { readonly kind: 'fixed'; readonly jwks: JSONWebKeySet }
  | { readonly kind: 'secret'; readonly secret: Uint8Array };

/** How tokens are looked up, and what an answer must say. */
export interface ResolvedIntrospection {
  readonly source: RemoteIntrospectionSource | InProcessIntrospectionSource;
  readonly tokens: 'opaque' | 'all';
  readonly cache: IntrospectionCacheSettings;
  readonly claims: ClaimRules;
}

/** An introspection endpoint. */
export interface RemoteIntrospectionSource {
  readonly kind: 'remote';
  readonly clientAuthentication: ClientAuthentication;
  readonly endpoint: string | undefined;
  readonly parameters: Readonly<Record<string, string>>;
  readonly headers: Readonly<Record<string, string>>;
  /** What a signed answer must be; `undefined` where unsigned ones are asked for. */
  readonly signed: SignedAnswerRules | undefined;
}

/** A function in this process. */
export interface InProcessIntrospectionSource {
  readonly kind: 'in-process';
  readonly introspect: (token: string) => Promise<object | undefined>;
}
