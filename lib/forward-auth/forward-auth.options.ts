import type { KeyObject } from 'node:crypto';
import type { CryptoKey, JWK } from 'jose';
import type { SenderConstraint } from '../nest/demands/route-policy.js';
import type {
  CertBoundAuthOptions,
  CustomClientCertificateOptions,
  HeaderClientCertificateOptions,
  JwsAlgorithm,
  TrustedProxy,
} from '../cert-bound-auth.options.js';

/**
 * Options of `ForwardAuthModule.forRoot`: this library as what a proxy asks whether it may let a request pass. What
 * stands beside `policies` holds for every policy that does not say otherwise.
 */
export interface ForwardAuthOptions extends ForwardAuthRules {
  /**
   * Where the proxy asks; the name of a policy follows: `/auth/payments`. Where there is one policy, `/auth` alone asks for
   * it too, but for Envoy. It is the path as the proxy sends it: a
   * global prefix of the app changes nothing. All that is below it is this endpoint's: the app can have no routes there.
   * @default '/auth'
   */
  readonly path?: string;

  /** Who may ask: at least one. What anyone else says of a request is not believed, and gets 403 without a body. */
  readonly trustedProxies: readonly TrustedProxy[];

  /** How the proxy that asks says what its client wants. @default 'nginx' */
  readonly proxy?: AskingProxy;

  /** The policies by name: at least one. A name holds letters, digits, `.`, `_`, `~` and `-`. */
  readonly policies: Readonly<Record<string, ForwardAuthPolicy>>;
}

/**
 * `nginx` (`auth_request`): method and URI of its client in `X-Original-Method` and `X-Original-URI`; a 400 becomes
 * 401, for nginx makes 500 of any other status.
 * `traefik` (ForwardAuth), `caddy` (`forward_auth`): in `X-Forwarded-Method` and `X-Forwarded-Uri`.
 * `envoy` (ext_authz by HTTP): the request that asks has them itself, its path below `path_prefix`, which is that of
 * the policy.
 */
export type AskingProxy = 'nginx' | 'traefik' | 'caddy' | 'envoy';

/** What one policy asks of a request, beside a token that is valid and bound to its caller. */
export interface ForwardAuthPolicy extends ForwardAuthRules {
  /** Scopes that a token must have, all of them. @default none */
  readonly scopes?: readonly string[];
  /** Scopes of which a token must have one. @default none */
  readonly anyScope?: readonly string[];
}

/** The rules that can be given for all policies at once, and replaced by each, field by field. */
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
  >
> {
  /**
   * Where the proxy puts its client's certificate; `trustedProxies` may be left out here. `from: 'tls'` cannot be: the
   * certificate of the connection is the proxy's own.
   * @default by `proxy`. nginx: percent-encoded PEM in `X-SSL-Client-Cert`, and `SUCCESS` in `X-SSL-Client-Verify`. caddy: base64
   * DER in `X-SSL-Client-Cert`. traefik: `X-Forwarded-Tls-Client-Cert`. envoy: `X-Forwarded-Client-Cert`
   */
  readonly clientCertificate?: ForwardAuthCertificateOptions;

  /** How the caller must have proved itself; several all hold. @default what `binding` asks for */
  readonly senderConstrained?: SenderConstraint | readonly SenderConstraint[];

  /**
   * Where the access token is. Of several places the first that holds something counts, and the others are not looked at;
   * `{ header: 'Authorization' }` may be one of them. @default the `Authorization` header
   */
  readonly token?: TokenPlace | readonly TokenPlace[];

  /**
   * Claims that an accepted request's answer carries beside the usual ones, by header: a name, or a path by dots, as in
   * `{ 'X-Credential-Tenant': 'tenant.id' }`. The proxy must copy each; other policies send it without a value.
   * @default none
   */
  readonly credentialHeaders?: Readonly<Record<string, string>>;

  /** A JWT for the API behind the proxy, in place of the client's token. @default none */
  readonly phantomToken?: PhantomTokenOptions;
}

/** Where the certificate of the proxy's client is. */
export type ForwardAuthCertificateOptions =
  | (Omit<HeaderClientCertificateOptions, 'trustedProxies'> &
      Partial<Pick<HeaderClientCertificateOptions, 'trustedProxies'>>)
  | CustomClientCertificateOptions;

/**
 * Where the access token of a request is. An `Authorization` header is then not looked at. A token with a DPoP proof
 * beside it is taken as one of that scheme.
 */
export type TokenPlace = TokenHeader | TokenCookie | TokenQuery;

/** A header of another name. */
export interface TokenHeader {
  readonly header: string;
  /** What stands before the token and is no part of it, letter by letter: `'Token '`. @default nothing */
  readonly prefix?: string;
  readonly cookie?: never;
  readonly unsafeQuery?: never;
}

/**
 * A cookie. What is lost: a browser sends it, and its client certificate, with requests that other sites make it send,
 * so the API needs a protection against forged requests (CSRF).
 */
export interface TokenCookie {
  readonly cookie: string;
  readonly header?: never;
  readonly prefix?: never;
  readonly unsafeQuery?: never;
}

/**
 * A query parameter of the URL that the client calls; or of the URL that the proxy asks for, as
 * `/auth/payments?token=$arg_token`, but for Envoy. Its name must be spelled as it is here. What is lost: tokens get into logs, histories and `Referer` headers, and the API behind the proxy
 * sees them too (RFC 9700 §4.3.2).
 */
export interface TokenQuery {
  readonly unsafeQuery: string;
  readonly header?: never;
  readonly prefix?: never;
  readonly cookie?: never;
}

/** The JWT that goes on to the API behind the proxy. */
export type PhantomTokenOptions = IntrospectedPhantomToken | MintedPhantomToken;

/** In which header of the answer the JWT is. */
export interface PhantomTokenHeader {
  /** As `Bearer` credentials in `Authorization`; in any other header by itself. @default 'Authorization' */
  readonly header?: string;
}

/**
 * The signed introspection answer itself (RFC 9701): every authorization server needs `responseFormat: 'jwt'`, and
 * `jwt: false` or `tokens: 'all'`, so that there is one for every token.
 */
export interface IntrospectedPhantomToken extends PhantomTokenHeader {
  readonly from: 'introspection';
}

/** A JWT (RFC 9068) that is made here: `iss`, `sub`, `client_id`, `aud`, `scope`, `iat`, `exp`, `jti`. */
export interface MintedPhantomToken extends PhantomTokenHeader {
  readonly from: 'key';
  /** The private key: PEM (PKCS #8), JWK, `KeyObject` or `CryptoKey`. */
  readonly key: string | JWK | KeyObject | CryptoKey;
  readonly algorithm: JwsAlgorithm;
  /** `kid` of its header. @default that of a JWK, else none */
  readonly keyId?: string;
  /** Its `iss`. */
  readonly issuer: string;
  /** Its `aud`. @default that of the client's token */
  readonly audience?: string | readonly string[];
  /** Seconds until it expires, 1 to 3600, and never after the client's token does. @default 60 */
  readonly lifetime?: number;
  /** Further claims of the client's token that it takes over, by name. @default none */
  readonly claims?: readonly string[];
}
