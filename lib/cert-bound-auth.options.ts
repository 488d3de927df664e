import type { KeyObject } from 'node:crypto';
import type { CryptoKey, JSONWebKeySet, JWK } from 'jose';
import type { IntrospectionStore } from './introspection/introspection-store.js';
import type { VerifiedAccessToken } from './access-token/verified-access-token.js';
import type { UnboundRequest } from './events/unbound-request.js';
import type { ReplayStore } from './dpop/replay-store.js';

/** Options of `CertBoundAuthModule.forRoot`. The shortest configuration is the strictest. */
export interface CertBoundAuthOptions {
  /**
   * The `aud` values this API answers to (its resource identifier). A token must name at least one of them.
   * @see RFC 9068 §4, RFC 8707
   */
  readonly audience: string | readonly string[];

  /** The servers whose access tokens are accepted: at least one, each with an `issuer` of its own. */
  readonly authorizationServers: readonly AuthorizationServerOptions[];

  /**
   * `required`: every token must be bound to a key.
   * `if-bound`: a token without `cnf` passes as a plain bearer token. What is lost: such a token works for
   * whoever steals it. A token with `cnf` is checked all the same.
   * @default 'required'
   */
  readonly binding?: BindingPolicy;

  /**
   * Which servers are asked about an opaque token, which does not say who issued it. `by-configuration`: those
   * with introspection, in the order of the list, until one knows the token; needed when there are several. What
   * is lost: each server is shown the tokens of those behind it.
   * @default the only server with introspection; a second one stops the boot
   */
  readonly introspectionOrder?: 'by-configuration';

  /** Where the client's certificate comes from. @default { from: 'tls', trust: 'ca' } */
  readonly clientCertificate?: ClientCertificateOptions;

  /**
   * Accepts tokens that are bound to a key of the client's, which proves it by a fresh signature on each request
   * (DPoP, RFC 9449): for clients without certificates. A token that is bound to a certificate as well needs both.
   * @default none: such tokens are refused
   */
  readonly dpop?: DpopOptions;

  /**
   * Beside `binding: 'if-bound'`: says which requests `required` would refuse and of which client, so that it can be
   * rolled out without breaking anyone unseen. `true`: in the log, each client and route once an hour. A function:
   * in the log, and it is called for every such request; what it throws, or rejects with, is logged
   * and changes nothing.
   * @default false
   */
  readonly reportUnbound?: boolean | ((request: UnboundRequest) => unknown);

  /** Difference tolerated between our clock and the server's, in seconds, 0 to 300. @default 5 */
  readonly clockTolerance?: number;

  /**
   * How many verified tokens are remembered, so that a token that comes again costs no signature and no call. A token is
   * never remembered past its expiry, nor longer than its key, or the answer that it was looked up with, counts; binding
   * and route are checked on each request. `false`: none.
   * @default { maxEntries: 100000, maxSize: 134217728 }
   */
  readonly tokenCache?: false | TokenCacheOptions;

  /**
   * When the servers' metadata and keys are fetched first. `lazy`: when a request needs them. `eager`: while the app
   * starts, before it listens, so that no request waits. A server that is down delays the start by `http.timeout` at
   * most and does not stop it: the log says so, and requests find out when it is back.
   * @default 'lazy'
   */
  readonly bootstrap?: 'lazy' | 'eager';

  /** The `realm` shown in the challenge: printable ASCII. @default none */
  readonly realm?: string;

  /**
   * Whether `VerifiedAccessToken.raw` holds the token as it was sent. What is lost: the token can then reach
   * logs and other systems by way of the handler.
   * @default false
   */
  readonly exposeToken?: boolean;

  /**
   * Maps the verified token to the app's own user, which becomes `request.user`. It runs after every check of
   * the token and its binding. To refuse, throw: an `HttpException` keeps its status (403, or 503 for an
   * outage of your own); any other error, and a result that is falsy, is 401 `invalid_token`.
   * @default the token is the user
   */
  validate?(token: VerifiedAccessToken, request: object): unknown;
}

/** What `forRoot` and `forRootAsync` take beside the options: it decides on providers, so no factory can give it. */
export interface CertBoundAuthExtras {
  /**
   * Whether every route of the app is protected. With `false` only routes with `@Scopes()`, `@AnyScope()`,
   * `CertificateBindingGuard` or `AuthGuard('cert-bound')` are. What is lost: a forgotten decorator leaves a
   * route open.
   * @default true
   */
  globalGuards?: boolean;
}

/** Whether a token without `cnf` is refused. */
export type BindingPolicy = 'required' | 'if-bound';

/** Where the client's certificate comes from. */
export type ClientCertificateOptions =
  TlsClientCertificateOptions | HeaderClientCertificateOptions | CustomClientCertificateOptions;

/** The certificate of the TLS connection that the request came on. */
export interface TlsClientCertificateOptions {
  readonly from: 'tls';
  /**
   * `ca`: the certificate must chain to a CA of the server (`mutualTls({ ca })`).
   * `any`: the chain is not asked for, so self-signed certificates work (RFC 8705 §2.2). What is lost: the
   * certificate proves a key and nothing else; names in it are the client's own claim.
   * @default 'ca'
   */
  readonly trust?: 'ca' | 'any';
}

/**
 * A header by which a proxy that ends TLS passes its client's certificate on. It counts only from the proxies named;
 * from anyone else it is ignored, and the log says so. There is a preset for each usual proxy: {@link forwardedBy}.
 */
export interface HeaderClientCertificateOptions {
  readonly from: 'header';
  /** Name of the header. The proxy must replace or remove what its client sends under this name. */
  readonly header: string;
  readonly format: ForwardedCertificateFormat;
  /** Who may send the header: at least one. */
  readonly trustedProxies: readonly TrustedProxy[];
  /**
   * Who verifies the certificate's chain. `proxy`: it has done so before it sends the header. `{ ca }`: we do, with
   * these CAs (PEM), the chain of {@link chainHeader} or of the header itself, and the validity of each certificate;
   * it needs the package `@peculiar/x509`. A path with name constraints is refused. `any`: nobody. What is lost: the certificate proves a key and nothing else; names in
   * it are the client's own claim.
   */
  readonly trust: 'proxy' | 'any' | { readonly ca: TlsMaterial | readonly TlsMaterial[] };
  /** Name of the header with the certificates behind the leaf, in the same format. @default none */
  readonly chainHeader?: string;
  /**
   * A header with the proxy's own verdict on the certificate, which must have this value; a name alone stands for the
   * value `SUCCESS` (nginx's `$ssl_client_verify`). With any other value the certificate counts as untrusted.
   * @default none
   */
  readonly verifyHeader?: string | { readonly name: string; readonly value: string };
}

/**
 * How a certificate is written in a header. `rfc9440`: base64 DER between colons. `pem`: PEM, percent-encoded, folded
 * with TABs or spaces, or raw. `der`: base64 DER, one or several joined by commas, the leaf first
 * (`{ der: { list: false } }` for proxies that send one: a comma is then refused, for it may stand where something has
 * joined two headers). `xfcc`: Envoy's X-Forwarded-Client-Cert, of one element with `Cert` or `Chain`;
 * `{ xfcc: { hop?, hashAlone? } }` for several elements, or for a digest alone.
 */
export type ForwardedCertificateFormat =
  | 'rfc9440'
  | 'pem'
  | 'der'
  | 'xfcc'
  | { readonly der: { readonly list: false } }
  | { readonly xfcc: XfccFormat };

/** What is read of X-Forwarded-Client-Cert beyond one element with a certificate. */
export interface XfccFormat {
  /**
   * Whose element counts, where proxies add to what others sent (APPEND_FORWARD): counted from the nearest, 0. Envoy does
   * not escape names, and a client whose certificate holds a comma in one could pass for two elements: so every element
   * from the farthest to this one that has `URI` or `DNS` must have `Cert` or `Chain`, with just these names.
   * @default there must be exactly one element
   */
  readonly hop?: number;
  /**
   * Accepts `Hash` without `Cert` and `Chain`. What is lost: the certificate itself. Its validity is not looked at, there
   * is no chain to verify, and the names are those that Envoy wrote, without escaping them: one that holds a semicolon
   * passes for several.
   * @default false
   */
  readonly hashAlone?: boolean;
}

/**
 * A peer that is trusted to speak for its clients: an address or CIDR (`10.0.0.0/8`, `fd00::/8`), `loopback`, `unix`
 * (whoever can connect to the unix socket that the server listens on), or a proxy that proves this certificate by TLS
 * (SHA-256 of its DER, base64url). Whether that certificate has expired or is revoked is for the handshake to say
 * (`mutualTls()`); here it is pinned.
 */
export type TrustedProxy = string | { readonly certificateThumbprint: string };

/** A certificate that comes neither from TLS nor in a header: an API gateway's event, a header of another kind. */
export interface CustomClientCertificateOptions {
  readonly from: 'custom';
  /**
   * Finds the certificate that the client of a request has proved. What it returns is believed: it must come from
   * where the client cannot write. An error that it throws is a refusal (401).
   * @returns PEM or DER; `undefined` for none
   */
  find(request: object): string | Uint8Array | undefined;
  /** As for headers; `proxy` stands for whatever the function has made sure of. */
  readonly trust: HeaderClientCertificateOptions['trust'];
}

/** Proofs of possession of a key (DPoP, RFC 9449). */
export interface DpopOptions {
  /**
   * The origin of this API as clients see it, and the path prefix that a proxy in front of it takes away:
   * `https://api.example.com`. The `htu` of a proof must be this and the path of the request. Several, or a function
   * of the request, for an API with several names; the `Host` header is never looked at, for whoever runs another API
   * could replay what was sent to it. `http:` only for 127.0.0.0/8, [::1] and localhost.
   */
  readonly publicUrl: string | readonly string[] | PublicUrlOf;

  /** Signature algorithms accepted. @default all of {@link DpopAlgorithm} */
  readonly algorithms?: readonly DpopAlgorithm[];

  /** Seconds since its `iat` that a proof is accepted, 1 to 3600. @default 60 */
  readonly proofLifetime?: number;

  /**
   * Difference tolerated between our clock and a client's, in seconds, 0 to 300, in either direction.
   * @default 10 (as FAPI 2.0 asks for)
   */
  readonly clockSkew?: number;

  /** Most characters of a proof, 256 to 16384; a `jti` has at most 256 in any case. @default 4096 */
  readonly maxProofLength?: number;

  /**
   * `required`: a proof must hold a nonce of ours as well, so that none can be made in advance (RFC 9449 §9). It costs
   * a client one more round trip now and then.
   * `instead-of-iat`: the same, but `iat` is not looked at, for clients whose clocks are wrong. What is lost: a proof
   * is then as fresh as its nonce, `nonceLifetime` seconds and no less.
   * @default 'off'
   */
  readonly nonce?: 'off' | 'required' | 'instead-of-iat';

  /**
   * At least 32 random bytes, or text of as many bytes in UTF-8, the same on all instances of the API: nonces are made
   * from it, and none is stored.
   * @default random bytes of this process: a nonce of one instance is then unknown to the others
   */
  readonly nonceSecret?: string | Uint8Array;

  /** Seconds that a nonce is accepted at most, 2 to 86400; for half of that at least. @default 300 */
  readonly nonceLifetime?: number;

  /**
   * Where used proofs are remembered, so that none is accepted twice. Several instances of the API need a common
   * one: `new RedisReplayStore(client)`.
   * @default a `MemoryReplayStore`. What is lost: every instance accepts a proof once
   */
  readonly replayStore?: ReplayStore;
}

/** Says under which URLs clients see this API, from what the app knows of a request. */
export type PublicUrlOf = (request: object) => string | readonly string[];

/** A JWS algorithm that a proof may be signed with: asymmetric only (RFC 9449 §4.3). */
export type DpopAlgorithm =
  'ES256' | 'ES384' | 'ES512' | 'PS256' | 'PS384' | 'PS512' | 'RS256' | 'EdDSA' | 'Ed25519';

/** One authorization server whose access tokens are accepted. */
export interface AuthorizationServerOptions {
  /**
   * The exact `iss` of its tokens, and the base of discovery (RFC 8414, then OpenID Connect Discovery): an
   * `https:` URL without query and fragment. Any other string needs `jwksUri` or `jwks` and, for introspection,
   * `endpoint`.
   */
  readonly issuer: string;

  /** How its JWT access tokens are verified; `false`: not locally. @default {} */
  readonly jwt?: false | JwtOptions;

  /** How its tokens are looked up (RFC 7662). @default none: opaque tokens are refused */
  readonly introspection?: IntrospectionOptions;

  /** The `aud` values for this server's tokens. @default the module's */
  readonly audience?: string | readonly string[];

  /** The binding policy for this server's tokens. @default the module's */
  readonly binding?: BindingPolicy;

  /** The names of claims that differ from the standard's. */
  readonly claims?: ClaimNames;

  /** TLS of the calls to this server. */
  readonly tls?: AuthorizationServerTlsOptions;

  /** Limits of the calls to this server. */
  readonly http?: AuthorizationServerHttpOptions;

  /** How old its keys and metadata may become. */
  readonly keyCache?: KeyCacheOptions;
}

/** How old what a server publishes may become: its keys, and the metadata that says where they are. */
export interface KeyCacheOptions {
  /** Seconds after which it is fetched again in the background, while the old serves. @default 300 */
  readonly refreshAfter?: number;
  /**
   * Seconds after which the old serves no more: a key that the server has withdrawn is accepted no longer than this.
   * @default 600
   */
  readonly maxAge?: number;
  /**
   * Seconds beyond `maxAge` for which the old serves as long as fetching it fails. What is lost: whoever can keep us from
   * the server keeps a withdrawn key alive for so long.
   * @default 0
   */
  readonly staleIfError?: number;
}

/** Bounds of the memory of verified tokens; the least recently used go first. */
export interface TokenCacheOptions {
  /** Most tokens. @default 100000 */
  readonly maxEntries?: number;
  /** Most bytes, about. @default 134217728 (128 MiB) */
  readonly maxSize?: number;
}

/** Verification of JWT access tokens (RFC 9068, RFC 8725): where the keys come from, and what a token must be. */
export type JwtOptions = JwtRuleOptions & (PublishedKeyOptions | FixedKeyOptions | SharedSecretOptions);

/** Keys that the server publishes. */
export interface PublishedKeyOptions extends AlgorithmOptions {
  /** URL of the server's JWK Set (`https:`). @default `jwks_uri` of the server's metadata */
  readonly jwksUri?: string;
  readonly jwks?: never;
  readonly secret?: never;
}

/** Keys that never change. */
export interface FixedKeyOptions extends AlgorithmOptions {
  /** The server's public keys themselves; they are then never fetched. */
  readonly jwks: JSONWebKeySet;
  readonly jwksUri?: never;
  readonly secret?: never;
}

/**
 * A secret shared with the server (HMAC), as a last resort. What is lost: whoever can verify a token can also make
 * one, this API and all its replicas and backups among them; and nothing rotates. Every asymmetric algorithm is
 * off for this server.
 */
export interface SharedSecretOptions {
  /** At least 32 random bytes, or text of as many bytes in UTF-8: HS256, from 48 bytes HS384, from 64 HS512. */
  readonly secret: string | Uint8Array;
  readonly jwksUri?: never;
  readonly jwks?: never;
  readonly algorithms?: never;
}

/** Which signatures count. */
export interface AlgorithmOptions {
  /** Signature algorithms accepted; `none` and HMAC are never. @default all of {@link JwsAlgorithm} */
  readonly algorithms?: readonly JwsAlgorithm[];
}

/** What a JWT access token must be. */
export interface JwtRuleOptions {
  /**
   * Media types accepted in the header's `typ`, compared ignoring case and the `application/` prefix.
   * `JWT` admits servers that do not follow RFC 9068. `false` also admits a token without `typ` (then `at+jwt`
   * and `JWT` are the only types accepted). What is lost with either: tokens are no longer typed; ID tokens are
   * then told apart by their claims only.
   * @default 'at+jwt'
   */
  readonly typ?: string | readonly string[] | false;

  /**
   * Claims that must be present beside `iss`, `aud` and `exp`, which always must: names or paths, as in
   * {@link ClaimNames}. It replaces the default: to add to it, list `RFC9068_REQUIRED_CLAIMS` as well.
   * @default ['sub', 'client_id', 'iat', 'jti'] (RFC 9068 §2.2), by their names in {@link ClaimNames}
   */
  readonly requiredClaims?: readonly string[];

  /** Claims that must be absent. @default none */
  readonly forbiddenClaims?: readonly string[];

  /** Longest time since `iat`, in seconds; `iat` is then required. @default none */
  readonly maxTokenAge?: number;
}

/** A JWS algorithm that may be accepted: asymmetric only (RFC 7518, RFC 8037, RFC 9864). */
export type JwsAlgorithm =
  | 'PS256'
  | 'PS384'
  | 'PS512'
  | 'RS256'
  | 'RS384'
  | 'RS512'
  | 'ES256'
  | 'ES384'
  | 'ES512'
  | 'EdDSA'
  | 'Ed25519';

/** Token introspection (RFC 7662), by HTTP or in this process. */
export type IntrospectionOptions = RemoteIntrospectionOptions | InProcessIntrospectionOptions;

/** What holds wherever the answer comes from. */
export interface IntrospectionRuleOptions {
  /**
   * `opaque`: only tokens that are not JWTs. `all`: JWTs too, so that a revoked one is refused; unless
   * `jwt: false`, a JWT is then verified locally as well and the two must agree.
   * @default 'opaque'
   */
  readonly tokens?: 'opaque' | 'all';

  /**
   * Whether the answer must name its audience. What is lost with `if-present`: a token that was issued for
   * another API of the same server passes when the server does not say so.
   * @default 'required'
   */
  readonly audience?: 'required' | 'if-present';

  /**
   * Keeps answers. What is lost: a revoked token works until its entry is `ttl` old.
   * @default none: every request asks; only concurrent look-ups of one token are one call
   */
  readonly cache?: IntrospectionCacheOptions;
}

/** An introspection endpoint. */
export interface RemoteIntrospectionOptions extends IntrospectionRuleOptions {
  /** How this API authenticates to the introspection endpoint. */
  readonly clientAuthentication: ClientAuthentication;

  /** URL of the endpoint (`https:`). @default the one of the server's metadata */
  readonly endpoint?: string;

  /** Further parameters of the call; `token`, `token_type_hint` and those of the authentication are reserved. */
  readonly parameters?: Readonly<Record<string, string>>;

  /** Further headers of the call; `Authorization`, `Content-Type` and `Accept` are reserved. */
  readonly headers?: Readonly<Record<string, string>>;

  /**
   * `jwt`: the answer must be signed by the server (RFC 9701), with a key and an algorithm that `jwt` accepts; it is
   * then evidence that outlives the connection. An unsigned one is refused as an outage.
   * @default 'json'
   */
  readonly responseFormat?: 'json' | 'jwt';

  readonly introspect?: never;
}

/** An authorization server that lives in this process: no HTTP, the same checks. */
export interface InProcessIntrospectionOptions extends IntrospectionRuleOptions {
  /**
   * Answers as an introspection endpoint does: `{ active: true, …claims }`, or `{ active: false }` or `undefined`
   * for a token that is not valid. An error that it throws is an outage (503).
   */
  introspect(token: string): Promise<object | undefined>;

  readonly clientAuthentication?: never;
  readonly endpoint?: never;
  readonly parameters?: never;
  readonly headers?: never;
  readonly responseFormat?: never;
}

/** How long introspection answers are kept, never past the token's `exp`. */
export interface IntrospectionCacheOptions {
  /** Seconds an active answer is kept. @default 60 */
  readonly ttl?: number;
  /** Seconds an inactive answer is kept. @default 10 */
  readonly negativeTtl?: number;
  /** Most answers kept; the least recently used go first. @default 10000 */
  readonly maxEntries?: number;
  /** Shares answers with the other instances of the API. @default none: every instance asks by itself */
  readonly shared?: SharedIntrospectionCacheOptions;
}

/** A cache that all instances of the API share. An outage of it costs time, and refuses nobody. */
export interface SharedIntrospectionCacheOptions {
  /** Where: `new RedisIntrospectionStore(client)`. */
  readonly store: IntrospectionStore;
  /**
   * At least 32 random bytes, or text of as many bytes in UTF-8, the same on all instances. Answers are kept encrypted
   * and authenticated by it and the token, under keyed digests: who reads the store learns nothing, and who writes to
   * it cannot make an answer up.
   */
  readonly secret: string | Uint8Array;
}

/** How this API authenticates to the authorization server (OpenID Connect Core §9, RFC 8705 §2). */
export type ClientAuthentication =
  | ClientSecretAuthentication
  | ClientSecretJwtAuthentication
  | PrivateKeyJwtAuthentication
  | TlsClientAuthentication
  | NoClientAuthentication;

/**
 * The secret itself: by HTTP Basic, id and secret form-encoded first, or in the form (RFC 6749 §2.3.1).
 */
export interface ClientSecretAuthentication {
  readonly method: 'client_secret_basic' | 'client_secret_post';
  readonly clientId: string;
  readonly clientSecret: string;
}

/** A JWT signed with the secret by HMAC, so that the secret itself does not travel (OpenID Connect Core §9). */
export interface ClientSecretJwtAuthentication {
  readonly method: 'client_secret_jwt';
  readonly clientId: string;
  /** At least 32 bytes for HS256, 48 for HS384, 64 for HS512 (RFC 7518 §3.2). */
  readonly clientSecret: string;
  /** @default 'HS256' */
  readonly algorithm?: 'HS256' | 'HS384' | 'HS512';
}

/** A JWT signed with this API's private key (RFC 7523 §2.2). */
export interface PrivateKeyJwtAuthentication {
  readonly method: 'private_key_jwt';
  readonly clientId: string;
  /** The private key: PEM (PKCS #8), JWK, `KeyObject` or `CryptoKey`. */
  readonly key: string | JWK | KeyObject | CryptoKey;
  /** The algorithm that it signs with. */
  readonly algorithm: JwsAlgorithm;
  /** The `kid` put into the assertion's header. @default that of a JWK, else none */
  readonly keyId?: string;
}

/**
 * The certificate of `tls: { key, cert }`: issued by a CA that the server trusts (RFC 8705 §2.1), or self-signed and
 * registered there (§2.2).
 */
export interface TlsClientAuthentication {
  readonly method: 'tls_client_auth' | 'self_signed_tls_client_auth';
  readonly clientId: string;
}

/**
 * The client_id alone. What is lost: anybody may ask the endpoint about tokens, which RFC 7662 §2.1 forbids; only for
 * an endpoint that is protected by other means.
 */
export interface NoClientAuthentication {
  readonly method: 'none';
  readonly clientId: string;
}

/**
 * Where claims are that differ from the standard's: a name, or a path by dots, as in `realm_access.roles`. A claim
 * whose own name has the dots comes first.
 */
export interface ClaimNames {
  /** Claim with the scopes: a space-delimited string, or an array of strings. @default 'scope' */
  readonly scope?: string;
  /** Claim with the client's identifier. @default 'client_id' */
  readonly clientId?: string;
  /** Claim with the subject. @default 'sub' */
  readonly subject?: string;
}

/** TLS of the calls to an authorization server. */
export interface AuthorizationServerTlsOptions {
  /** CA certificates trusted instead of the system's (PEM). */
  readonly ca?: TlsMaterial | readonly TlsMaterial[];
  /** Private key of this API's client certificate (PEM). */
  readonly key?: TlsMaterial;
  /** This API's client certificate, and its chain (PEM). */
  readonly cert?: TlsMaterial;
}

/** PEM text, or its bytes. */
export type TlsMaterial = string | Buffer;

/** Limits of the calls to an authorization server. */
export interface AuthorizationServerHttpOptions {
  /** Milliseconds until a connection must stand. @default 3000 */
  readonly connectTimeout?: number;
  /** Milliseconds until a whole answer must be there, the waiting for a free connection included. @default 5000 */
  readonly timeout?: number;
  /** Most bytes of an answer's body. @default 1048576 */
  readonly maxResponseSize?: number;
  /**
   * Most connections for introspection, 1 to 1024. Beyond them calls wait; when 1024 are under way or wait, further ones
   * are answered 503 at once. Metadata and keys have two connections of their own.
   * @default 64
   */
  readonly maxConnections?: number;
  /** Whether `http:` is allowed to 127.0.0.0/8, [::1] and localhost, for development. @default false */
  readonly allowLoopbackHttp?: boolean;
}
