import type { KeyObject } from 'node:crypto';
import type { CryptoKey, JWK } from 'jose';
import type { SenderConstraint } from '../authorization/demands.js';
import type {
  CertBoundAuthOptions,
  CertificateIssuer,
  ClaimPath,
  CustomClientCertificateOptions,
  HeaderClientCertificateOptions,
  JwsAlgorithm,
  ProtectedResourceOptions,
  Psd2Role,
  RevocationOptions,
  SessionOptions,
  TrustedProxy,
} from '../cert-bound-auth.options.js';

/**
 * The options of `ForwardAuthModule.forRoot`, which makes an app the authorization backend of a proxy: the proxy asks it
 * whether a request may pass. What stands beside `policies` holds for every policy that does not say otherwise.
 * @example
 * ```ts
 * // forward-auth.ts
 * import { ForwardAuthModule } from 'nestjs-cert-bound-auth';
 *
 * export const forwardAuth = ForwardAuthModule.forRoot({
 *   trustedProxies: ['10.0.0.0/8'],
 *   audience: 'https://api.example.com',
 *   authorizationServers: [{ issuer: 'https://as.example.com' }],
 *   policies: { payments: { scopes: ['payments:read'] } },
 * });
 * ```
 */
export interface ForwardAuthOptions extends ForwardAuthRules {
  /**
   * The path where the proxy asks. The name of a policy follows it: `/auth/payments`. Where there is one policy, the path
   * alone asks for it too, except with Envoy. It is the path as the proxy sends it, so a global prefix of the app changes
   * nothing. Everything below it belongs to this endpoint: the app can have no routes there.
   * @default '/auth'
   */
  readonly path?: string;

  /** Who may ask: at least one. Anyone else is not believed, and gets 403 without a body. */
  readonly trustedProxies: readonly TrustedProxy[];

  /** Which proxy asks, and so how it says what its client wants. @default 'nginx' */
  readonly proxy?: AskingProxy;

  /**
   * Lets tokens be revoked before they expire, by {@link TokenRevocations}: see docs/revoked-tokens.md. Beside
   * {@link CertBoundAuthModule} in the same app it is for that to say: what is revoked there is refused here as well.
   * @default none
   */
  readonly revocations?: RevocationOptions;

  /**
   * Lets pages be called by a cookie that stands for their certificate-bound token, at every policy: see docs/sessions.md. An accepted
   * request with a token gets one in the answer, as `Set-Cookie`, where it says that it is from a page of the same origin: by
   * `Sec-Fetch-Site` or {@link SessionOptions.csrfHeader}. The proxy must hand it on to its client, and no cookie of this name to
   * the API: `proxy-config` prints that.
   * What is lost: as with `session` of {@link CertBoundAuthOptions}.
   * @default none: cookies mean nothing, unless `token` names one
   */
  readonly session?: SessionOptions;

  /** The policies by name: at least one. A name consists of letters, digits, `.`, `_`, `~` and `-`. */
  readonly policies: Readonly<Record<string, ForwardAuthPolicy>>;
}

/**
 * How a proxy says which method and which URI its client has requested.
 * `nginx` (`auth_request`): in `X-Original-Method` and `X-Original-URI`. A 400 becomes a 401, because nginx turns every
 * other status into a 500.
 * `traefik` (ForwardAuth) and `caddy` (`forward_auth`): in `X-Forwarded-Method` and `X-Forwarded-Uri`.
 * `envoy` (ext_authz over HTTP): in the method and the path of the request that asks. The path stands below
 * `path_prefix`, which is the path of the policy.
 */
export type AskingProxy = 'nginx' | 'traefik' | 'caddy' | 'envoy';

/** What one policy demands of a request, beside a token that is valid and bound to its caller. */
export interface ForwardAuthPolicy extends ForwardAuthRules {
  /** The scopes that a token must have, all of them. @default none */
  readonly scopes?: readonly string[];
  /** The scopes of which a token must have at least one. @default none */
  readonly anyScope?: readonly string[];
  /**
   * The roles of PSD2 that the client's certificate must have, all of them. They count only with
   * `clientCertificate.policy.profile: 'psd2-qwac'`.
   * @default none
   */
  readonly psd2Roles?: readonly Psd2Role[];
  /**
   * The CAs of which one must stand above the client's certificate, each as in `clientCertificate.policy.issuers`.
   * @default any that is trusted
   */
  readonly certificateIssuedBy?: readonly CertificateIssuer[];
  /**
   * Whether a request passes as well that shows no credentials at all: no `Authorization` and no `DPoP` header, and nothing at any
   * place of `token`. The answer then says `X-Credential-Token-Type: Anonymous`, and nothing of a token. Whoever shows anything
   * is judged.
   * What is lost: whoever leaves its credentials out gets what the API has for everyone.
   * @default false
   */
  readonly allowAnonymous?: boolean;
  /**
   * What everyone is told of the API that this policy protects (RFC 9728): its challenges then name the document, and those of
   * 401 the scopes of the policy. The document is served beside the endpoint, at the well-known path of `resource`, where the
   * proxy must pass requests on as they are, without asking: `proxy-config` prints that. The paths of several policies must
   * differ. `enforced` stands for the scopes of this policy.
   * What is told: the issuers, the algorithms for DPoP proofs, whether certificates count, and what stands in these options.
   * @default none: nothing is served, and no challenge names it
   */
  readonly protectedResource?: ProtectedResourceOptions;
}

/** The rules that can be given for all policies at once. Each policy can replace each of them. */
export interface ForwardAuthRules extends Partial<
  Pick<
    CertBoundAuthOptions,
    | 'audience'
    | 'authorizationServers'
    | 'binding'
    | 'introspectionOrder'
    | 'dpop'
    | 'reportUnbound'
    | 'clockTolerance'
    | 'tokenCache'
    | 'realm'
    | 'scopeImplies'
  >
> {
  /**
   * Where the proxy puts its client's certificate. Without `trustedProxies`, those of the endpoint count. `from: 'tls'`
   * is refused, because the certificate of the connection is the proxy's own.
   * @default by `proxy`. nginx: percent-encoded PEM in `X-SSL-Client-Cert`, and `SUCCESS` in `X-SSL-Client-Verify`.
   * caddy: base64 DER in `X-SSL-Client-Cert`. traefik: `X-Forwarded-Tls-Client-Cert`. envoy: `X-Forwarded-Client-Cert`
   */
  readonly clientCertificate?: ForwardAuthCertificateOptions;

  /** How the caller must have proved itself. Of several, all are demanded. @default what `binding` demands */
  readonly senderConstrained?: SenderConstraint | readonly SenderConstraint[];

  /**
   * Where the access token of a request is. Of several places, the first that holds something counts, and the others are
   * not looked at. `{ header: 'Authorization' }` may be one of them.
   * @default the `Authorization` header
   */
  readonly token?: TokenPlace | readonly TokenPlace[];

  /**
   * Further claims that the answer to an accepted request carries, by the name of their header. A claim is given by name,
   * or by a path: `{ 'X-Credential-Tenant': 'tenant.id' }`, see {@link ClaimPath}. The proxy must copy each header. The
   * other policies send it without a value, so that no client can set it.
   * @default none
   */
  readonly credentialHeaders?: Readonly<Record<string, ClaimPath>>;

  /** A JWT that the API behind the proxy gets in place of the client's token. @default none */
  readonly phantomToken?: PhantomTokenOptions;
}

/** Where the proxy puts its client's certificate: a header, or what a function finds. */
export type ForwardAuthCertificateOptions =
  | (Omit<HeaderClientCertificateOptions, 'trustedProxies'> &
      Partial<Pick<HeaderClientCertificateOptions, 'trustedProxies'>>)
  | CustomClientCertificateOptions;

/**
 * Where the access token of a request is, if not in the `Authorization` header, which is then ignored. A token that comes
 * with a DPoP proof counts as a token of the scheme `DPoP`.
 */
export type TokenPlace = TokenHeader | TokenCookie | TokenQuery;

/** A header with another name. */
export interface TokenHeader {
  /** The name of the header. */
  readonly header: string;
  /** What stands before the token and does not belong to it, exactly as it is: `'Token '`. @default nothing */
  readonly prefix?: string;
  readonly cookie?: never;
  readonly unsafeQuery?: never;
}

/**
 * A cookie.
 * What is lost: a browser sends the cookie, and its client certificate, with requests that other sites make it send. The
 * API needs its own protection against forged requests (CSRF).
 */
export interface TokenCookie {
  /** The name of the cookie (RFC 6265). */
  readonly cookie: string;
  readonly header?: never;
  readonly prefix?: never;
  readonly unsafeQuery?: never;
}

/**
 * A query parameter: of the URL that the client calls, or of the URL that the proxy asks for, as in
 * `/auth/payments?token=$arg_token`. Envoy has no such URL. The name must be spelled as it is here.
 * What is lost: tokens get into logs, histories and `Referer` headers, and the API behind the proxy sees them too
 * (RFC 9700 §4.3.2).
 */
export interface TokenQuery {
  /** The name of the query parameter. */
  readonly unsafeQuery: string;
  readonly header?: never;
  readonly prefix?: never;
  readonly cookie?: never;
}

/** Where the JWT for the API behind the proxy comes from. */
export type PhantomTokenOptions = IntrospectedPhantomToken | MintedPhantomToken;

/** In which header of the answer the JWT is. */
export interface PhantomTokenHeader {
  /**
   * The name of the header: `Authorization`, which holds the JWT as `Bearer` credentials, or a name that begins with
   * `X-`, which holds the JWT alone.
   * @default 'Authorization'
   */
  readonly header?: string;
}

/**
 * The JWT is the signed introspection answer itself (RFC 9701). Every authorization server needs
 * `responseFormat: 'jwt'`, and `jwt: false` or `tokens: 'all'`, so that there is an answer for every token.
 */
export interface IntrospectedPhantomToken extends PhantomTokenHeader {
  readonly from: 'introspection';
}

/**
 * The JWT is made and signed here (RFC 9068). It has `iss`, `sub`, `client_id`, `aud`, `scope`, `iat`, `exp` and `jti`.
 */
export interface MintedPhantomToken extends PhantomTokenHeader {
  readonly from: 'key';
  /** The private key: PEM (PKCS #8), JWK, `KeyObject` or `CryptoKey`. RSA keys need 2048 bits. */
  readonly key: string | JWK | KeyObject | CryptoKey;
  /** The algorithm that the JWT is signed with. */
  readonly algorithm: JwsAlgorithm;
  /** The `kid` in the header of the JWT. @default that of a JWK, else none */
  readonly keyId?: string;
  /** The `iss` of the JWT. */
  readonly issuer: string;
  /** The `aud` of the JWT. @default that of the client's token */
  readonly audience?: string | readonly string[];
  /** How long the JWT is valid, in seconds, 1 to 3600. It never outlives the client's token. @default 60 */
  readonly lifetime?: number;
  /**
   * Further claims that the JWT takes over from the client's token, by name or path. What is taken from a path gets the
   * path's names, joined by dots, as its own name.
   * @default none
   */
  readonly claims?: readonly ClaimPath[];
}
