import type { KeyObject } from 'node:crypto';
import type { CryptoKey, JSONWebKeySet, JWK } from 'jose';
import type { VerifiedAccessToken } from './decision.js';

/**
 * The options of `CertBoundAuthModule.forRoot`. The shortest configuration is the strictest one: every other option
 * loosens something, adds something or tunes something.
 * @example
 * ```ts
 * // for-root.ts
 * import { CertBoundAuthModule } from 'nestjs-cert-bound-auth';
 *
 * export const auth = CertBoundAuthModule.forRoot({
 *   audience: 'https://api.example.com',
 *   authorizationServers: [{ issuer: 'https://as.example.com' }],
 * });
 * ```
 */
export interface CertBoundAuthOptions {
  /**
   * The `aud` values that this API answers to: its resource identifier, or several. A token must name at least one of
   * them (RFC 9068 §4, RFC 8707).
   */
  readonly audience: string | readonly string[];

  /**
   * The authorization servers whose access tokens are accepted: at least one, each with its own `issuer`. With
   * `resolveAuthorizationServer` the list may be empty.
   */
  readonly authorizationServers: readonly AuthorizationServerOptions[];

  /**
   * Names the authorization server of a tenant, for an app that cannot list them all when it starts: see docs/policies.md. It is
   * called for a JWT whose `iss` is a URL of none of `authorizationServers`, on every request, also where the token is known; never
   * for an opaque token. `issuer` is what the token claims and nobody has verified: look it up among your tenants, and see that it
   * belongs to this request (its host, its path). `undefined` refuses the token. What you return is checked as the servers in
   * the list are; its `issuer` must be the one asked for, and its `binding` may not be weaker than that of these options.
   * Where it throws, takes longer than 5 seconds, or returns what is wrong, the answer is 503.
   *
   * A server is built once and held as long as you return the same settings; up to 1000 are held. Functions, keys and stores in
   * them are the same only if they are the same objects. Answer from memory, and at once where you can: whoever can connect
   * can have it called.
   * What is lost: what you return decides where keys are fetched from and whose tokens pass. Never make it of `issuer` alone.
   * @default none: no other servers are trusted
   */
  resolveAuthorizationServer?(
    issuer: string,
    request: object,
  ): AuthorizationServerOptions | undefined | Promise<AuthorizationServerOptions | undefined>;

  /**
   * Whether a token must be bound to a key.
   * `required`: every token must be.
   * `if-bound`: a token without `cnf` is accepted as a plain bearer token; a token with `cnf` is still checked.
   * What is lost with `if-bound`: a stolen token without `cnf` works for the thief.
   * @default 'required'
   */
  readonly binding?: BindingPolicy;

  /**
   * Which authorization servers are asked about an opaque token, which does not say who issued it. You need this option
   * when more than one server has `introspection`.
   * `by-configuration`: those servers are asked in the order of the list, until one of them knows the token.
   * What is lost: each server sees the tokens of the servers behind it in the list.
   * @default the one server with introspection; a second one stops the boot
   */
  readonly introspectionOrder?: 'by-configuration';

  /** Where the client's certificate comes from (RFC 8705 §3). @default { from: 'tls', trust: 'ca' } */
  readonly clientCertificate?: ClientCertificateOptions;

  /**
   * Accepts tokens that are bound to a key which the client proves with a fresh signature on each request (DPoP,
   * RFC 9449). It is meant for clients that have no certificate. A token that is bound to a certificate as well needs
   * both proofs.
   * @default none: such tokens are refused
   */
  readonly dpop?: DpopOptions;

  /**
   * Reports the requests that `binding: 'required'` would refuse, while `binding` is still `'if-bound'`. Use it to see
   * which clients have to change before you switch.
   * `true`: the log names each client and route, once an hour.
   * `(request) => …`: the function is also called for every such request. If it throws or rejects, the error is logged
   * and the request goes on.
   * @default false
   */
  readonly reportUnbound?: boolean | ((request: UnboundRequest) => unknown);

  /**
   * How far this API's clock and the clock of the authorization server may differ, in seconds, 0 to 300. It applies to
   * `exp`, `nbf` and `iat`.
   * What is lost with more: a token is accepted for that much longer after it has expired.
   * @default 5
   */
  readonly clockTolerance?: number;

  /**
   * How many verified tokens are remembered, so that a token which comes again costs no signature check and no call. A
   * token is forgotten when it expires, and when its key or its introspection answer no longer counts. Binding and
   * route are checked on every request all the same. `false`: no token is remembered.
   * @default { maxEntries: 100000, maxSize: 134217728 }
   */
  readonly tokenCache?: false | TokenCacheOptions;

  /**
   * Lets tokens be revoked before they expire, by {@link TokenRevocations} of this app: see docs/revoked-tokens.md. What is
   * revoked is looked up on each request, for known tokens too, and holds for all policies.
   * @default none: a JWT is good until it expires, unless its server is asked
   */
  readonly revocations?: RevocationOptions;

  /**
   * Lets pages be called by a cookie that stands for a certificate-bound token: see docs/sessions.md. The cookie holds the
   * token sealed, for the client certificate of its connection. Each request goes through all checks again, by that token. An
   * `Authorization` header counts instead of the cookie. {@link Sessions} starts and ends sessions; they hold for all policies.
   * What is lost: a browser sends the cookie by itself, so that methods that change something are open to what only
   * {@link SessionOptions.csrfHeader}, fetch metadata and `SameSite=Strict` keep out.
   * @default none: cookies mean nothing
   */
  readonly session?: SessionOptions;

  /**
   * When the metadata and keys of the servers are fetched for the first time.
   * `lazy`: when the first request needs them.
   * `eager`: while the app starts, before it listens, so that no request has to wait. A server that is down delays the
   * start by at most `http.timeout` and does not stop it: the log says so, and the first request tries again.
   * @default 'lazy'
   */
  readonly bootstrap?: 'lazy' | 'eager';

  /**
   * What becomes of a response that is still under way when its token expires, or when any other request shows that it has
   * been revoked: server-sent events, a stream, what a handler writes by itself.
   * `end-at-expiry`: it ends within a second. Events end as such, anything else is broken off, for an end would look as if it
   * were whole. What has a `Content-Length` goes on to its end.
   * `keep`: it goes on.
   * What is lost with `keep`: whoever has opened a stream in time reads on for as long as it lasts.
   * @default 'end-at-expiry'
   */
  readonly streams?: 'end-at-expiry' | 'keep';

  /**
   * What stays open of that which the HTTP adapter serves and which is no handler of Nest: documents of OpenAPI, static files,
   * endpoints that libraries mount. Everything else of that kind demands a valid token, and so does a path that nothing is
   * at. Each is the path of one resource (`/favicon.ico`), or of a resource and all below it (`/docs/*`), in upper and lower
   * case as it is sent. It never opens a handler of Nest: for that there is `@Public()`. It has no effect with
   * `globalGuards: false`, for then nothing of that kind is protected.
   * What is lost: whoever can connect gets what is there, and what is mounted there later.
   * @default []
   */
  readonly publicPaths?: readonly string[];

  /** How the messages of microservices are protected: gRPC, TCP, and what comes through a broker. @default {} */
  readonly messages?: MessageOptions;

  /**
   * Lets browsers connect to gateways, which cannot send `Authorization` with a WebSocket: they ask for a ticket first, by a
   * route of yours that `WebSocketTickets` makes one in, and send it as a subprotocol. A ticket is 256 random bits, is used
   * once, and is bound to the token, the path of the gateway, the `Origin` and the client certificate.
   * What is lost: for as long as a ticket is not used, the token is kept, encrypted with the ticket.
   * @default none: no ticket is made, and none is accepted
   */
  readonly webSocketTickets?: WebSocketTicketOptions;

  /**
   * What this API tells of itself, so that a client which knows nothing but its URL finds its way to a token (RFC 9728): a
   * document at the well-known URL of {@link ProtectedResourceOptions.resource}, open to everyone and for every origin, made
   * of what this module enforces. Every challenge then names the document in `resource_metadata`, and a challenge of 401 also
   * the scopes that the route needs.
   * What is told: the issuers, the algorithms for DPoP proofs, whether certificates count, and what stands in these options.
   * @default none: nothing is served, and no challenge names it
   */
  readonly protectedResource?: ProtectedResourceOptions;

  /**
   * Scopes that stand for others: `{ admin: ['payments:write'], 'payments:write': ['payments:read'] }`. A token with `admin`
   * then has what a route demands of all three. `VerifiedAccessToken.scopes` stays what the token says.
   * What is lost: whoever is granted a scope is granted what stands here, and nobody is asked for consent to that.
   * @default {}
   */
  readonly scopeImplies?: Readonly<Record<string, readonly string[]>>;

  /**
   * A standard that the whole configuration must keep: it changes defaults, and each option that breaks it stops the boot.
   * `fapi2` (FAPI 2.0 Security Profile): algorithms PS256, ES256 and EdDSA with Ed25519; every token bound, and asked about at its
   * server for revocation; clocks that may differ by 10 to 60 seconds; TLS 1.3, or 1.2 with {@link BCP195_CIPHERS} alone.
   * `mcp` (authorization of the Model Context Protocol): `protectedResource`, tokens for just that resource, and no page of
   * another origin ({@link allowedOrigins}, by default that of the resource).
   * @default none
   */
  readonly profile?: 'fapi2' | 'mcp';

  /**
   * The origins whose pages may call, as `https://app.example.com`. A request with any other `Origin` gets 403 before anything
   * else is looked at, whatever CORS says. Requests without `Origin` come from no page, and pass.
   * @default every origin; with `profile: 'mcp'` that of `protectedResource.resource`
   */
  readonly allowedOrigins?: readonly string[];

  /**
   * The header `x-fapi-interaction-id` of open banking: every answer has the one of its request, refusals and 404 too, or a new
   * UUID. {@link INTERACTION_IDS} has what some countries ask for. Handlers find it in the headers of the request; the log's line
   * of a refusal, and each event, have it too.
   * @default none: the header means nothing
   */
  readonly interactionId?: InteractionIdOptions;

  /**
   * Further APIs in the same app, by name: routes with `@Policy('partners')` are decided by `policies.partners`, all others by
   * these options themselves. Each policy knows its own tokens alone: what one has accepted says nothing at another, and no
   * cache is shared. What a policy does not say, it takes over from here (see {@link PolicyOptions}, and docs/policies.md).
   * What is lost where two policies accept the same issuer and audience: the token is good at both, and a weaker `binding` of one
   * is no protection of the other's callers.
   * @default {}
   */
  readonly policies?: Readonly<Record<string, PolicyOptions>>;

  /** The `realm` of the `WWW-Authenticate` header: printable ASCII (RFC 9110 §11.5). @default none */
  readonly realm?: string;

  /**
   * Whether `VerifiedAccessToken.raw` holds the token as it was sent.
   * What is lost: the token can then reach logs and other systems through your handlers.
   * @default false
   */
  readonly exposeToken?: boolean;

  /**
   * Maps the verified token to the app's own user, which becomes `request.user`. It runs after every check of the token
   * and its binding. To refuse the request, throw: an `HttpException` keeps its status (403, or 503 for an outage of
   * your own). Any other error, and a falsy result, is answered with 401 `invalid_token`.
   * @default the token is the user
   */
  validate?(token: VerifiedAccessToken, request: object): unknown;
}

/**
 * What one of several APIs in an app is decided by: `audience`, `authorizationServers`, `resolveAuthorizationServer`, `binding`,
 * `introspectionOrder`, `clientCertificate`, `dpop`, `reportUnbound`, `clockTolerance`, `tokenCache`, `scopeImplies`, `realm`, `exposeToken` and
 * `validate`. What is not given is taken over from the module's own options, member by member and as a whole: a policy with a
 * `dpop` of its own takes over nothing of the module's but the memory of used proofs, and one that gives `authorizationServers` or
 * `resolveAuthorizationServer` takes over neither.
 * @example
 * ```ts
 * // policies.ts
 * import { CertBoundAuthModule } from 'nestjs-cert-bound-auth';
 *
 * export const auth = CertBoundAuthModule.forRoot({
 *   audience: 'https://api.example.com',
 *   authorizationServers: [{ issuer: 'https://as.example.com' }],
 *   policies: {
 *     partners: {
 *       audience: 'https://partners.example.com',
 *       authorizationServers: [{ issuer: 'https://partners-as.example.com' }],
 *     },
 *   },
 * });
 * ```
 */
export interface PolicyOptions extends Partial<
  Pick<
    CertBoundAuthOptions,
    | 'audience'
    | 'authorizationServers'
    | 'resolveAuthorizationServer'
    | 'binding'
    | 'introspectionOrder'
    | 'clientCertificate'
    | 'dpop'
    | 'reportUnbound'
    | 'clockTolerance'
    | 'tokenCache'
    | 'scopeImplies'
    | 'realm'
    | 'exposeToken'
    | 'validate'
  >
> {
  /**
   * What this API tells of itself: a document of its own, with the scopes of its own routes, and at a path of its own, for the
   * name of the host is not looked at. It is not taken over.
   * @default none
   */
  readonly protectedResource?: ProtectedResourceOptions;
}

/**
 * What `forRoot` and `forRootAsync` take beside the options. It decides which providers there are, so a factory cannot
 * return it.
 */
export interface CertBoundAuthExtras {
  /**
   * Whether every route of the app is protected. With `false`, only routes with `@Scopes()`, `@AnyScope()`,
   * `CertificateBindingGuard` or `AuthGuard('cert-bound')` are.
   * What is lost: a forgotten decorator leaves a route open.
   * @default true
   */
  globalGuards?: boolean;
}

/** How much is remembered of what has been revoked. */
export interface RevocationOptions {
  /**
   * How long a token is good at most, in seconds, up to 366 days: what is revoked is remembered for so long, and a token that is
   * older, by its `iat`, is refused. So is one without `iat` that has longer to live.
   * What is lost with more: memory, for entries live longer.
   * @default 86400
   */
  readonly maxTokenLifetime?: number;
  /**
   * The most entries, 1 to 10000000; they take up to 64 bytes each. None is dropped before its time: where there is no room
   * for another, all tokens of its issuer are refused that are as old.
   * @default 1000000
   */
  readonly maxEntries?: number;
  /**
   * Where revocations are kept for all instances of the API: {@link RedisRevocationStore}.
   * @default the memory of this process: a restart forgets them, and other instances do not know of them
   */
  readonly store?: RevocationStore;
}

/** Keeps what is revoked for all instances of an API; each holds all of it in its memory as well. */
export interface RevocationStore {
  /** Makes what keeps the memory of one app like the store. It does nothing before it is started. */
  follow(replica: RevocationReplica): RevocationFeed;
}

/** What one app holds in its memory of what is revoked. */
export interface RevocationReplica {
  /** As they are configured; times are in seconds. */
  readonly settings: {
    readonly maxEntries: number;
    readonly maxTokenLifetime: number;
    readonly clockTolerance: number;
  };
  /** Takes entries in: from now on they count. One that is there already changes nothing. */
  add(entries: readonly RevocationEntry[]): void;
  /** All that it holds, for a store that has lost them. */
  entries(): Iterable<RevocationEntry>;
}

/** Keeps the memory of one app like a store. */
export interface RevocationFeed {
  /** Until when the memory may be relied on, by `performance.now()`; after that, requests are answered with 503. */
  readonly currentUntil: number;
  /** Begins, or does nothing where it has begun: resolves after the first attempt, and never rejects. */
  start(): Promise<void>;
  /**
   * Keeps entries in the store.
   * @returns what is kept, which refuses more where the store is full
   * @throws Error where it cannot tell that they are kept
   */
  keep(entries: readonly RevocationEntry[]): Promise<readonly RevocationEntry[]>;
  /** What is wrong with the store; `undefined` where nothing is. */
  readonly problem: string | undefined;
  /** Ends it. */
  close(): void;
}

/** One entry of the list of revocations, as stores keep it: digests and times, and nothing of a person. */
export interface RevocationEntry {
  /** `lift` takes back what is not newer, of an account alone. */
  readonly kind: 'revoke' | 'lift';
  /** Which tokens: a digest, 22 characters of base64url. */
  readonly key: string;
  /** Of which issuer: likewise. */
  readonly issuer: string;
  /** Tokens are refused that were issued at this second or earlier, in seconds since the epoch. */
  readonly issuedBefore: number;
  /** When no such token can be alive any more, in seconds since the epoch. */
  readonly until: number;
}

/** How sessions are made. */
export interface SessionOptions {
  /**
   * What the cookies are sealed with, the same on all instances: at least 32 bytes each, random. The first one seals, all open:
   * to change it, put a new one in front, and take the old one away when `lifetime` has passed. Up to 10.
   */
  readonly secrets: readonly (string | Uint8Array)[];
  /** The name of the cookie. It begins with `__Host-`: no other host can set it. @default '__Host-session' */
  readonly cookie?: string;
  /**
   * How long a session lasts, in seconds, up to 7 days; never longer than its token.
   * @default 3600
   */
  readonly lifetime?: number;
  /**
   * When a session ends that is not used, in seconds, up to 7 days. What is used gets a new cookie when a tenth of it has
   * passed, so that it may end that much sooner.
   * @default 900
   */
  readonly idle?: number;
  /**
   * The header by which a request says that it comes from a page that may call, or from a program: without it, or
   * `Sec-Fetch-Site: same-origin`, nothing passes by a session but `GET`, `HEAD` and `OPTIONS`. CORS of the app must allow it
   * to pages of another origin of this site, and to no others.
   * @default 'X-Requested-With'
   */
  readonly csrfHeader?: string;
  /**
   * The origins whose pages may open WebSockets by a session, beside `https://` and the `Host` of the handshake. Behind a proxy
   * that changes `Host`, name them.
   * @default []
   */
  readonly origins?: readonly string[];
}

/**
 * How the messages of microservices are protected. Calls of gRPC need nothing here: their credentials are in their
 * metadata, and their certificate is that of the connection.
 */
export interface MessageOptions {
  /**
   * Finds the credentials of a message that came by TCP, Kafka, NATS, RMQ, MQTT, Redis or a transport of your own. It gets
   * what Nest hands to the handler: the context, and the payload, which is not checked yet. Without it, and where it
   * returns `undefined`, a message is refused unless its handler is `@Public()`. If it throws, the message is refused and
   * the error is logged by Nest.
   * What is lost: nothing of TCP with TLS, where the certificate of the connection is checked. Through a broker nobody proves
   * anything to this API: who can read a token there can use it, unless you check the sender yourself and return the
   * certificate whose key it has proved.
   * @default none: such messages are refused
   */
  findCredentials?(context: object, data: unknown): MessageCredentials | undefined;

  /**
   * Methods of gRPC that stay open although no handler of Nest serves them, such as health checks and reflection: each
   * `/package.Service/Method`, or all methods of a service, `/package.Service`. All others demand a valid token. It never
   * opens a handler of Nest: for that there is `@Public()`.
   * What is lost: whoever can connect can call them.
   * @default []
   */
  readonly publicMethods?: readonly string[];
}

/**
 * What an API tells of itself (RFC 9728).
 * @example
 * ```ts
 * // protected-resource.ts
 * import type { ProtectedResourceOptions } from 'nestjs-cert-bound-auth';
 *
 * export const protectedResource: ProtectedResourceOptions = {
 *   resource: 'https://api.example.com/payments',
 *   name: 'Payments',
 *   scopesSupported: 'enforced',
 * };
 * ```
 */
export interface ProtectedResourceOptions {
  /**
   * The identifier of this API: the URL by which clients call it, without a fragment, and best without a query. Clients
   * compare it character by character with the URL that they know, and ask for tokens with it (RFC 8707), so `audience`
   * should hold it too. The document for `https://api.example.com/payments` is at
   * `https://api.example.com/.well-known/oauth-protected-resource/payments`: a proxy in front must pass that path on as it
   * is. `http:` is accepted for 127.0.0.0/8, [::1] and localhost only.
   */
  readonly resource: string;
  /** A name for people: `resource_name`. @default none */
  readonly name?: string;
  /** The URL of a page for developers: `resource_documentation`. @default none */
  readonly documentation?: string;
  /** The URL of a page on how clients may use what they get: `resource_policy_uri`. @default none */
  readonly policyUri?: string;
  /** The URL of the terms of service: `resource_tos_uri`. @default none */
  readonly termsOfServiceUri?: string;
  /**
   * `scopes_supported`: the scopes that clients are told of. `offline_access` is none of an API.
   * `enforced`: all that any handler of this app demands; behind a proxy, those of the policy.
   * What is lost with `enforced`: everyone learns the names of all scopes.
   * @default none
   */
  readonly scopesSupported?: 'enforced' | readonly string[];
  /**
   * `authorization_details_types_supported`: the types of RFC 9396 that clients are told of.
   * `enforced`: all that any handler of this app demands.
   * @default none
   */
  readonly authorizationDetailsTypes?: 'enforced' | readonly string[];
  /** How long a client may keep the document, in seconds, 0 to 86400. @default 3600 */
  readonly maxAge?: number;
  /** Signs the document, for clients that ask for more than TLS: `signed_metadata`. @default none */
  readonly signWith?: MetadataSignature;
}

/** What becomes of requests without a right `x-fapi-interaction-id`: all get a new one, and may be refused with 400. */
export interface InteractionIdOptions {
  /** Where the request has none. */
  readonly missing: 'generate' | 'refuse';
  /** Where it is no UUID (RFC 9562). */
  readonly invalid: 'generate' | 'refuse';
}

/** How the document of a protected resource is signed (RFC 9728 §2.2). */
export interface MetadataSignature {
  /** The private key: PEM (PKCS #8), JWK, `KeyObject` or `CryptoKey`. RSA keys need 2048 bits. */
  readonly key: string | JWK | KeyObject | CryptoKey;
  /** The algorithm of the signature. */
  readonly algorithm: JwsAlgorithm;
  /** Who vouches for the document: the `iss` of the JWT. */
  readonly issuer: string;
  /** The `kid` in the header of the JWT. @default that of a JWK, else none */
  readonly keyId?: string;
}

/** How tickets for WebSockets are made. */
export interface WebSocketTicketOptions {
  /** How long a ticket can be used, in seconds, 1 to 300. @default 30 */
  readonly lifetime?: number;
  /**
   * Where tickets are kept. Several instances of an API need one store: `new RedisWebSocketTicketStore(client)`.
   * @default the memory of this process
   */
  readonly store?: WebSocketTicketStore;
}

/**
 * Keeps tickets for all instances of an API. It sees only digests and ciphertext: whoever reads it learns neither ticket nor
 * token. If it rejects, or does not answer in time, no ticket is made or accepted (503).
 */
export interface WebSocketTicketStore {
  /** Keeps a value for a while. @param ttlSeconds a whole number, at least 1 */
  put(key: string, value: string, ttlSeconds: number): Promise<void>;
  /**
   * Gives what was kept under a key and forgets it, in one step, as `GETDEL` of Redis does: nobody may get it twice.
   * @returns `undefined` when there is nothing, or no longer
   */
  take(key: string): Promise<string | undefined>;
}

/** The credentials of a message. */
export interface MessageCredentials {
  /** As it stands in a header of HTTP: `Bearer <token>`. A DPoP proof is not accepted in a message. */
  readonly authorization: string;
  /**
   * The certificate whose private key the sender has proved, PEM or DER. It counts instead of that of the connection. Only
   * its validity is checked: you answer for the proof and for its chain.
   * @default that of the TLS connection, where the transport is TCP
   */
  readonly certificate?: string | Uint8Array;
}

/** Whether a token without `cnf` is refused (`required`) or accepted as a plain bearer token (`if-bound`). */
export type BindingPolicy = 'required' | 'if-bound';

/** A request with a valid token that is bound to nothing. `binding: 'required'` would refuse it. */
export interface UnboundRequest {
  /** The `iss` of the token. */
  readonly issuer: string;
  /** The client that the token was issued to, where the token says so. */
  readonly clientId?: string;
  /** The `sub` of the token, where it has one. */
  readonly subject?: string;
  /** Method and path pattern: `GET /accounts/:id`. */
  readonly route: string;
}

/** Where the client's certificate comes from: the TLS connection, a header of a trusted proxy, or a function. */
export type ClientCertificateOptions =
  TlsClientCertificateOptions | HeaderClientCertificateOptions | CustomClientCertificateOptions;

/** The certificate of the TLS connection that the request came on. */
export interface TlsClientCertificateOptions {
  readonly from: 'tls';
  /**
   * `ca`: the certificate must chain to a CA of the server, as `mutualTls({ ca })` names it.
   * `any`: the chain is not verified, so that self-signed certificates work (RFC 8705 §2.2).
   * What is lost with `any`: the certificate proves that the client has a key, and nothing else. The names in it are the
   * client's own claim.
   * @default 'ca'
   */
  readonly trust?: 'ca' | 'any';
  /** Whose certificates count, beside their chain, and who their holders are. @default every certificate with a verified chain */
  readonly policy?: CertificatePolicyOptions;
  /** How it is found out whether a certificate is revoked; see docs/revocation.md. @default none: nothing is asked */
  readonly revocation?: CertificateRevocationOptions;
}

/**
 * A header in which a proxy that terminates TLS passes on its client's certificate (RFC 9440 and others). The header
 * counts only when it comes from a trusted proxy; from anyone else it is ignored, and the log says so.
 * {@link forwardedBy} makes these options for each of the usual proxies.
 * @example
 * ```ts
 * // client-certificate.ts
 * import type { ClientCertificateOptions } from 'nestjs-cert-bound-auth';
 *
 * export const clientCertificate: ClientCertificateOptions = {
 *   from: 'header',
 *   header: 'X-SSL-Client-Cert',
 *   format: 'pem',
 *   trustedProxies: ['10.0.0.0/8'],
 *   trust: 'proxy',
 *   verifyHeader: 'X-SSL-Client-Verify',
 * };
 * ```
 */
export interface HeaderClientCertificateOptions {
  readonly from: 'header';
  /** The name of the header. The proxy must replace or remove what its client sends under this name. */
  readonly header: string;
  /** How the certificate is written in the header. */
  readonly format: ForwardedCertificateFormat;
  /** Who may send the header: at least one. */
  readonly trustedProxies: readonly TrustedProxy[];
  /**
   * Who verifies the chain of the certificate.
   * `proxy`: the proxy has verified it before it sends the header.
   * `{ ca, intermediates?, partialChains? }`: this library verifies it, by these CAs, the chain in {@link chainHeader} or in the
   * header itself, and the validity of each certificate (docs/certificate-paths.md).
   * `any`: nobody does.
   * What is lost with `any`: the certificate proves that the client has a key, and nothing else. The names in it are the
   * client's own claim.
   */
  readonly trust: 'proxy' | 'any' | CertificateTrustOptions;
  /** The name of the header with the certificates behind the client's own, in the same format. @default none */
  readonly chainHeader?: string;
  /**
   * A header with the proxy's own verdict on the certificate, and the value that it must have. A name alone stands for
   * the value `SUCCESS`, which nginx's `$ssl_client_verify` has. With any other value the certificate is untrusted.
   * @default none
   */
  readonly verifyHeader?: string | { readonly name: string; readonly value: string };
  /** Whose certificates count, beside their chain, and who their holders are. @default every certificate with a verified chain */
  readonly policy?: CertificatePolicyOptions;
  /**
   * How it is found out whether a certificate is revoked; see docs/revocation.md. It needs `trust: { ca }`, by which the path of
   * the certificate is known.
   * @default none: nothing is asked
   */
  readonly revocation?: CertificateRevocationOptions;
}

/**
 * The CAs by which this library itself verifies the chains of certificates that a proxy passes on. Paths are built from these, and from
 * the chain that the proxy passes on; one that cannot be built is refused by a reason of its own (`certificate_path_incomplete`).
 */
export interface CertificateTrustOptions {
  /**
   * The roots where a path may end (PEM). CAs between may stand among them: they count as {@link intermediates}, and must lead to
   * one of these roots, or the app does not start.
   */
  readonly ca: TlsMaterial | readonly TlsMaterial[];
  /**
   * CAs between those of {@link ca} and clients (PEM), for proxies that do not pass on the chain. They are not trusted by themselves.
   * @default none
   */
  readonly intermediates?: TlsMaterial | readonly TlsMaterial[];
  /**
   * Whether a CA of {@link ca} that is no root is trusted by itself: a path ends at it.
   * What is lost: whatever stands above it. A root that revokes it, its expiry above, name constraints, path lengths and policies of
   * the CAs above say nothing any more.
   * @default false
   */
  readonly partialChains?: boolean;
}

/**
 * How a certificate is written in a header.
 * `rfc9440`: base64 DER between colons.
 * `pem`: PEM, which may be percent-encoded, folded with tabs or spaces, or raw.
 * `der`: base64 DER, one certificate or several joined by commas, the client's own first.
 * `{ der: { list: false } }`: exactly one. A comma is then refused, because something may have joined two headers.
 * `xfcc`: Envoy's `X-Forwarded-Client-Cert`, of one element, which has `Cert` or `Chain`.
 * `{ xfcc: { hop } }`: of several elements that of this hop, 0 to 99, counted from the nearest, which is 0.
 * `{ xfcc: { hashAlone: true } }`: an element with no more than a digest counts too.
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
 * (anyone who can connect to the unix socket that the server listens on), or a proxy that proves a certificate by TLS,
 * named by its thumbprint (SHA-256 of the DER, base64url). A pinned certificate counts only within its validity, and where
 * the server has CAs only as long as they vouch for it and no `crl` names it. A self-signed one therefore belongs into the
 * `ca` of `mutualTls()` too.
 */
export type TrustedProxy = string | { readonly certificateThumbprint: string };

/**
 * A certificate that comes neither from TLS nor in a header of a known format: in the event of an API gateway, for
 * example.
 */
export interface CustomClientCertificateOptions {
  readonly from: 'custom';
  /**
   * Finds the certificate whose key the client of a request has proved. The result is believed: take it only from where
   * the client cannot write. If the function throws, the request is refused (401).
   * @returns PEM or DER; `undefined` where there is no certificate
   */
  find(request: object): string | Uint8Array | undefined;
  /**
   * Who verifies the chain, as for a header. `proxy` stands for whatever the function has made sure of.
   * What is lost with `any`: the names in the certificate are the client's own claim.
   */
  readonly trust: HeaderClientCertificateOptions['trust'];
  /** Whose certificates count, beside their chain, and who their holders are. @default every certificate with a verified chain */
  readonly policy?: CertificatePolicyOptions;
  /** As for a header. @default none: nothing is asked */
  readonly revocation?: CertificateRevocationOptions;
}

/**
 * How it is found out whether the certificates of clients are revoked. Every certificate of the path is looked up but the
 * trusted CA.
 */
export interface CertificateRevocationOptions {
  /**
   * `strict`: a certificate of which no permitted source speaks is refused (401), and so is one that is revoked; a source that is
   * down, out of date or wrong is an outage (503).
   * `best-effort`: only what is known to be revoked is refused. What passes unchecked is logged, and told on a diagnostics channel.
   * `off`: nothing is looked up; for a time, while the rest stays configured.
   * What is lost with `best-effort`: whoever keeps this API from its sources, or lets them be out of date, gets revoked
   * certificates accepted. With `off` they all are.
   * @default 'strict'
   */
  readonly mode?: 'strict' | 'best-effort' | 'off';
  /** Revocation lists (RFC 5280). @default none */
  readonly crl?: RevocationListOptions;
  /** Responders (OCSP, RFC 6960). They need the packages `@peculiar/asn1-ocsp`, `asn1-schema` and `asn1-x509`. @default none */
  readonly ocsp?: OcspOptions;
}

/** Which responders are asked: one, or those that certificates name. */
export interface OcspOptions {
  /** The URL of the one responder that is asked about every certificate. @default those that certificates name */
  readonly responder?: string;
  /** The hosts of responders that certificates may name, as {@link RevocationListOptions.hosts}. @default none */
  readonly hosts?: readonly string[];
  /** As {@link RevocationListOptions.privateNetworks}. @default none */
  readonly privateNetworks?: readonly string[];
  /** Milliseconds for one call. @default 5_000 */
  readonly timeout?: number;
  /**
   * Seconds after which an answer counts no more, even where its responder says that it holds longer, or does not say how long.
   * What is lost with more: whoever can keep back new answers has more time with an old one.
   * @default 86_400 (a day)
   */
  readonly maxAge?: number;
  /** Whether a nonce is sent. An answer with another one is refused; one without passes, for it was made before. @default false */
  readonly nonce?: boolean;
}

/** Where revocation lists are: in files, at the distribution points that certificates name, or both. */
export interface RevocationListOptions {
  /**
   * Paths of files with lists, PEM or DER. They are read again when they change, within a second or two; what cannot be read
   * leaves in force what was there. Files come before distribution points.
   * @default none
   */
  readonly files?: string | readonly string[];
  /**
   * The hosts, each with its port where that is not the usual one, whose distribution points may be fetched: `crl.example.com`.
   * By `http:` or `https:`, without redirects. Whatever else certificates name is never called.
   * @default none: nothing is fetched
   */
  readonly hosts?: readonly string[];
  /**
   * Private networks that those hosts may stand for, as addresses with or without a prefix: `10.2.0.0/16`. An address that stands
   * in {@link hosts} itself needs no entry.
   * @default none: a name that leads to a private address, or to this machine, is not called
   */
  readonly privateNetworks?: readonly string[];
  /** Milliseconds for one call. @default 10_000 */
  readonly timeout?: number;
  /** The most bytes of a list that is fetched. @default 67_108_864 (64 MiB) */
  readonly maxSize?: number;
}

/**
 * Whose certificates count. A certificate that does not meet it is refused as one without a trusted chain is. It is judged once, and
 * again only when its chain or the lists change. All of it needs a verified chain, because a self-signed certificate may claim any
 * name and any role; and it needs the certificate itself: one of which a proxy passes on a digest alone meets no policy.
 * @example
 * ```ts
 * // certificate-policy.ts
 * import type { ClientCertificateOptions } from 'nestjs-cert-bound-auth';
 *
 * export const clientCertificate: ClientCertificateOptions = {
 *   from: 'tls',
 *   policy: {
 *     issuers: [{ dn: 'CN=Partners,O=Example Bank,C=DE' }],
 *     deny: [{ serialNumber: '0A1B2C', issuer: 'CN=Partners,O=Example Bank,C=DE' }],
 *     principal: 'cn',
 *   },
 * };
 * ```
 */
export interface CertificatePolicyOptions {
  /**
   * Whether the extended key usage must allow the authentication of clients.
   * `if-present`: a certificate without that extension counts.
   * `required`: it must have the extension, with `clientAuth` in it. The profiles for PSD2 and Brazil always ask for that.
   * @default 'if-present'
   */
  readonly extendedKeyUsage?: 'if-present' | 'required';
  /** The CAs of which one at least must stand above the certificate in its chain. @default any that is trusted */
  readonly issuers?: readonly CertificateIssuer[];
  /**
   * Whose certificates count: those that one rule at least matches. A function returns the list that holds at present: it is called
   * on each request, so it should return the same list until something changes. A list that is wrong refuses everybody (503).
   * @default every certificate
   */
  readonly allow?: readonly CertificateRule[] | (() => readonly CertificateRule[]);
  /** Whose certificates do not count, whatever `allow` says. @default nobody's */
  readonly deny?: readonly CertificateRule[] | (() => readonly CertificateRule[]);
  /**
   * What `PresentedCertificate.principal` is: the subject as RFC 4514 writes it; its `CN`; the alternative name of a kind; or what a
   * function makes of the certificate. Where there are several such names, or none, there is none.
   * @default 'subject'
   */
  readonly principal?: 'subject' | 'cn' | 'san-dns' | 'san-uri' | 'san-email' | PrincipalOf;
  /** The principal of a certificate that has no such name. @default none */
  readonly defaultPrincipal?: string;
  /**
   * Whether a certificate must belong to the client of the token that is bound to it.
   * `subject-is-client-id`: the subject has exactly one `CN`, which is the token's client id.
   * `spiffe`: the SPIFFE id of the certificate is the token's client id.
   * A function must return `true`.
   * @default it is not asked: the binding alone says that the client may use the token
   */
  readonly client?: 'subject-is-client-id' | 'spiffe' | BelongsToClient;
  /**
   * What kind of certificate it must be.
   * `psd2-qwac`: a website certificate of PSD2 (ETSI TS 119 495) with a role at least and an `organizationIdentifier` of PSD2. It
   * needs `issuers`: any CA may write roles into a certificate.
   * `open-banking-brazil`: a client's certificate of Open Finance or Open Insurance Brasil.
   * `spiffe`: an X509-SVID.
   * @default any
   */
  readonly profile?: 'psd2-qwac' | 'open-banking-brazil' | 'spiffe';
}

/**
 * A CA: by its certificate (PEM, or the path of a file of PEM, which is read at boot), the SHA-256 of its SubjectPublicKeyInfo
 * (base64url), or its name as RFC 4514 writes it. Where a proxy
 * has verified the chain, only the CA that has signed the certificate is known: by its certificate or its name, not by its key.
 */
export type CertificateIssuer =
  | { readonly ca: TlsMaterial }
  | { readonly caFile: string }
  | { readonly spkiSha256: string }
  | { readonly dn: string };

/**
 * Which certificates are meant. Every member that is given must match, exactly, what the certificate says once it is decoded. To
 * allow, `cn` and `o` must be the only ones of the subject; to deny, they may be among several.
 */
export type CertificateRule = CertificateNames | ((certificate: CertificateDescription) => boolean);

/** What a rule matches. */
export interface CertificateNames {
  /** The whole subject as RFC 4514 writes it, the leaf of the tree first: `CN=client,O=Example,C=DE`. */
  readonly dn?: string;
  /** `CN` of the subject. */
  readonly cn?: string;
  /** `O` of the subject. */
  readonly o?: string;
  /** An alternative name that is the name of a host: in upper and lower case the same. */
  readonly dns?: string;
  /** An alternative name that is a URI. */
  readonly uri?: string;
  /** An alternative name that is an address of mail; its domain is in upper and lower case the same. */
  readonly email?: string;
  /** An alternative name that is an IP address. */
  readonly ip?: string;
  /** Hex; only together with `issuer`. */
  readonly serialNumber?: string;
  /** The name of the CA that has signed it, as RFC 4514 writes it. */
  readonly issuer?: string;
  /** SHA-256 of the DER, base64url, 43 characters. */
  readonly thumbprint?: string;
}

/** What a certificate says of its holder, decoded. Two values of a kind are two entries, whatever characters are in them. */
export interface CertificateDescription {
  /** SHA-256 of the DER, base64url. */
  readonly thumbprint: string;
  /** As RFC 4514 writes it; empty where it is. */
  readonly subject: string;
  /** The name of the CA that has signed it, likewise. */
  readonly issuer: string;
  /** Hex, upper case. */
  readonly serialNumber: string;
  /** Each `CN` of the subject. */
  readonly commonNames: readonly string[];
  /** Each `O` of the subject. */
  readonly organizations: readonly string[];
  /** Alternative names: hosts, in lower case. */
  readonly dns: readonly string[];
  /** Alternative names: URIs. */
  readonly uris: readonly string[];
  /** Alternative names: addresses of mail. */
  readonly emails: readonly string[];
  /** Alternative names: IP addresses. */
  readonly ips: readonly string[];
  /** Its only URI, where that is a SPIFFE id. */
  readonly spiffeId?: string;
  /** Of PSD2: `PSDDE-BAFIN-123456`. */
  readonly organizationIdentifier?: string;
  /** What a qualified certificate of PSD2 says. */
  readonly psd2?: Psd2Statement;
}

/** What a payment service provider may be: servicing accounts, initiating payments, informing of accounts, issuing cards. */
export type Psd2Role = 'PSP_AS' | 'PSP_PI' | 'PSP_AI' | 'PSP_IC';

/** What a qualified certificate says of a payment service provider (ETSI TS 119 495). */
export interface Psd2Statement {
  /** Each by its object identifier, whose name must agree. */
  readonly roles: readonly Psd2Role[];
  /** The authority that has licensed it. */
  readonly nca: { readonly name: string; readonly id: string };
}

/** Makes the principal of a certificate. */
export type PrincipalOf = (certificate: CertificateDescription) => string | undefined;

/** Says whether a certificate belongs to the client of a token. It is asked on each request. */
export type BelongsToClient = (
  certificate: CertificateDescription,
  token: Pick<VerifiedAccessToken, 'issuer' | 'subject' | 'clientId'>,
) => boolean;

/**
 * How DPoP proofs are checked (RFC 9449).
 * @example
 * ```ts
 * // dpop.ts
 * import type { DpopOptions } from 'nestjs-cert-bound-auth';
 *
 * export const dpop: DpopOptions = {
 *   publicUrl: 'https://api.example.com',
 *   nonce: 'required',
 *   nonceSecret: process.env['DPOP_NONCE_SECRET'] ?? '',
 * };
 * ```
 */
export interface DpopOptions {
  /**
   * The origin of this API as its clients see it, with the path prefix that a proxy in front of it removes:
   * `https://api.example.com`. The `htu` of a proof must be this URL followed by the path of the request. Give several,
   * or a function of the request, for an API with several names. The `Host` header is never looked at, because whoever
   * runs another API could replay the proofs sent to it. `http:` is accepted for 127.0.0.0/8, [::1] and localhost only.
   */
  readonly publicUrl: string | readonly string[] | PublicUrlOf;

  /** The signature algorithms accepted for proofs. @default all of {@link DpopAlgorithm} */
  readonly algorithms?: readonly DpopAlgorithm[];

  /**
   * How long a proof is accepted after its `iat`, in seconds, 1 to 3600.
   * What is lost with more: a proof made in advance is useful for that much longer.
   * @default 60
   */
  readonly proofLifetime?: number;

  /**
   * How far this API's clock and a client's clock may differ in either direction, in seconds, 0 to 300.
   * @default 10 (as FAPI 2.0 asks for)
   */
  readonly clockSkew?: number;

  /**
   * The most characters that a proof may have, 256 to 16384. A `jti` may have 256 at most, whatever this option says.
   * @default 4096
   */
  readonly maxProofLength?: number;

  /**
   * Whether a proof must hold a nonce of this API, so that no proof can be made in advance (RFC 9449 §9).
   * `off`: no nonce is asked for.
   * `required`: each proof needs one. A client makes one more round trip now and then.
   * `instead-of-iat`: the same, but `iat` is not looked at, for clients whose clocks are wrong.
   * What is lost with `instead-of-iat`: only the nonce says how fresh a proof is, so a proof is accepted for as long as
   * `nonceLifetime` allows.
   * @default 'off'
   */
  readonly nonce?: 'off' | 'required' | 'instead-of-iat';

  /**
   * The secret that nonces are made from: at least 32 random bytes, or text with as many bytes in UTF-8. It must be the
   * same on all instances of the API. No nonce is stored.
   * @default random bytes of this process: the other instances then do not know its nonces
   */
  readonly nonceSecret?: string | Uint8Array;

  /** How long a nonce is accepted at most, in seconds, 2 to 86400. It is accepted for at least half of that. @default 300 */
  readonly nonceLifetime?: number;

  /**
   * Where used proofs are remembered, so that none is accepted twice (RFC 9449 §11.1). Several instances of the API need
   * a shared store: `new RedisReplayStore(client)`. Without this option the app warns at its start, and does not start as a
   * worker of Node's cluster or as one of several instances under PM2.
   * What is lost with `new MemoryReplayStore()`: every process accepts a proof once, and so does one that starts again.
   * @default a `MemoryReplayStore`
   */
  readonly replayStore?: ReplayStore;
}

/** Says under which URLs clients see this API, by what the app knows of a request. It must answer at once. */
export type PublicUrlOf = (request: object) => string | readonly string[];

/** A JWS algorithm that a proof may be signed with: asymmetric ones only (RFC 9449 §4.3). */
export type DpopAlgorithm =
  'ES256' | 'ES384' | 'ES512' | 'PS256' | 'PS384' | 'PS512' | 'RS256' | 'EdDSA' | 'Ed25519';

/** Remembers which proofs have been used (RFC 9449 §11.1). Implement it to use a store of your own. */
export interface ReplayStore {
  /**
   * Adds a key atomically: of all calls with the same key, on all instances of the API, exactly one resolves to `true`
   * until the time of the key is over. If the store cannot tell, it rejects, and the request is answered with 503: a
   * store never lets a proof pass unseen.
   * @param key the digest of the client's key and the digest of the proof's `jti`, both base64url, separated by a dot
   * @param ttlSeconds how long the key must be kept: a whole number, at least 1
   * @throws TooManyProofsError when the client alone is to blame, which is answered with 429
   */
  addIfAbsent(key: string, ttlSeconds: number): Promise<boolean>;
}

/** One authorization server whose access tokens are accepted. */
export interface AuthorizationServerOptions {
  /**
   * The exact `iss` of its tokens, and the base of discovery (RFC 8414, then OpenID Connect Discovery): an `https:` URL
   * without query and fragment. Keys or an introspection endpoint that the document of RFC 8414 does not name are looked for
   * in the other one, which must name the same issuer. Any other string needs `jwt.jwksUri` or `jwt.jwks` and, for
   * introspection, `endpoint`.
   */
  readonly issuer: string;

  /** How its JWT access tokens are verified. `false`: they are not verified locally. @default {} */
  readonly jwt?: false | JwtOptions;

  /** How its tokens are looked up (RFC 7662). @default none: opaque tokens are refused */
  readonly introspection?: IntrospectionOptions;

  /** The `aud` values that the tokens of this server must name. @default those of the module */
  readonly audience?: string | readonly string[];

  /** Whether the tokens of this server must be bound to a key. @default the policy of the module */
  readonly binding?: BindingPolicy;

  /** Where scopes, client and subject stand in its tokens, if not where the standards put them. */
  readonly claims?: ClaimNames;

  /** TLS of the calls to this server. @default the CAs of the system, and no client certificate */
  readonly tls?: AuthorizationServerTlsOptions;

  /** Limits of the calls to this server. */
  readonly http?: AuthorizationServerHttpOptions;

  /** How old its keys and its metadata may become. */
  readonly keyCache?: KeyCacheOptions;

  /**
   * How the status of a token is looked up, where its claim `status` names a list of its server's (Token Status List): after all
   * else, on every request. Tokens without such a claim cost nothing.
   * What is lost with `false`: a token that its server has revoked or suspended there is accepted until it expires.
   * @default {}
   */
  readonly statusList?: false | StatusListOptions;
}

/** Where status lists may be, and how old they may become. They are verified with the keys of the server. */
export interface StatusListOptions {
  /**
   * The origins that lists are fetched from, by `https:`: nothing in a token makes this API call anybody else, a private
   * address in particular. A token whose list is elsewhere is refused.
   * @default the origin of the issuer
   */
  readonly origins?: readonly string[];
  /**
   * When a list is no longer used, in seconds, 1 to 86400: a token that is revoked is accepted no longer than this. After half
   * of it the list is fetched in the background. The `ttl` (1 at least) and `exp` of a list shorten it, and never prolong it.
   * @default 300
   */
  readonly maxAge?: number;
  /**
   * How long after that a list is used while it cannot be fetched, in seconds, 0 to 86400, and never past its `exp`. Then its
   * tokens are answered with 503.
   * What is lost: whoever can cut this API off from the list keeps a revoked token alive for that long.
   * @default 0
   */
  readonly staleIfError?: number;
  /**
   * The most bytes of a list when it is unpacked, 1 to 67108864. 64 lists are held at most. What is sent is bounded by
   * `http.maxResponseSize`.
   * @default 1048576 (1 MiB, which is 8388608 tokens of one bit)
   */
  readonly maxSize?: number;
}

/** How old the keys of a server, and the metadata that says where they are, may become. */
export interface KeyCacheOptions {
  /**
   * When they are fetched again in the background, while the old ones are still used, in seconds, 1 to 86400. At most
   * `maxAge`.
   * @default 300, or half of `maxAge` where that is less
   */
  readonly refreshAfter?: number;
  /**
   * When the old ones are no longer used, in seconds, 1 to 86400. A key that the server has withdrawn is accepted no
   * longer than this.
   * @default 600
   */
  readonly maxAge?: number;
  /**
   * How long after `maxAge` the old ones are used while they cannot be fetched, in seconds, 0 to 86400.
   * What is lost: whoever can cut this API off from the server keeps a withdrawn key alive for that long.
   * @default 0
   */
  readonly staleIfError?: number;
}

/** Limits of the memory of verified tokens. The least recently used tokens are forgotten first. */
export interface TokenCacheOptions {
  /** The most tokens, 1 to 10000000. @default 100000 */
  readonly maxEntries?: number;
  /** The most bytes, approximately. @default 134217728 (128 MiB) */
  readonly maxSize?: number;
}

/** How JWT access tokens are verified (RFC 9068, RFC 8725): where the keys come from, and what a token must be. */
export type JwtOptions = JwtRuleOptions & (PublishedKeyOptions | FixedKeyOptions | SharedSecretOptions);

/** Keys that the server publishes. */
export interface PublishedKeyOptions extends AlgorithmOptions {
  /** The URL of the server's JWK Set: `https:`. @default `jwks_uri` of the server's metadata */
  readonly jwksUri?: string;
  readonly jwks?: never;
  readonly secret?: never;
}

/** Keys that never change. */
export interface FixedKeyOptions extends AlgorithmOptions {
  /** The server's public keys (RFC 7517 §5). They are never fetched. */
  readonly jwks: JSONWebKeySet;
  readonly jwksUri?: never;
  readonly secret?: never;
}

/**
 * A secret that is shared with the server (HMAC), as a last resort. Every asymmetric algorithm is then off for this
 * server.
 * What is lost: whoever can verify a token can also make one, including this API, its replicas and its backups. And
 * nothing rotates the secret.
 */
export interface SharedSecretOptions {
  /**
   * At least 32 random bytes, or text with as many bytes in UTF-8. 32 bytes allow HS256, 48 allow HS384 too, and 64
   * allow HS512 too (RFC 7518 §3.2).
   */
  readonly secret: string | Uint8Array;
  readonly jwksUri?: never;
  readonly jwks?: never;
  readonly algorithms?: never;
}

/** Which signatures are accepted. */
export interface AlgorithmOptions {
  /** The signature algorithms accepted. `none` and HMAC never are. @default all of {@link JwsAlgorithm} */
  readonly algorithms?: readonly JwsAlgorithm[];
}

/** What a JWT access token must be. */
export interface JwtRuleOptions {
  /**
   * The media types accepted in the `typ` header. Case and the prefix `application/` do not matter. `JWT` admits servers
   * that do not follow RFC 9068. `false` also admits a token without `typ`; `at+jwt` and `JWT` are then the only types
   * accepted.
   * What is lost with `JWT` and with `false`: tokens are no longer typed, and only their claims tell ID tokens apart, as
   * {@link recognizedBy} says.
   * @default 'at+jwt'
   */
  readonly typ?: string | readonly string[] | false;

  /**
   * The claims that must be present, beside `iss`, `aud` and `exp`, which always must be: names or paths, see
   * {@link ClaimPath}. The list replaces the default. To add to the default, list `RFC9068_REQUIRED_CLAIMS` as well.
   * @default ['sub', 'client_id', 'iat', 'jti'] (RFC 9068 §2.2), under their names in {@link ClaimNames}
   */
  readonly requiredClaims?: readonly ClaimPath[];

  /** The claims that must be absent. @default none */
  readonly forbiddenClaims?: readonly ClaimPath[];

  /**
   * What shows that a token is an access token and no ID token, where its header says `JWT` or nothing (RFC 8725 §3.12).
   * Its own word always does: `typ`, `token_type`, `token_use`, `tokenName` or `purpose` says e.g. `Bearer` or
   * `access_token`.
   * `'own-word'`: nothing else does. It is the strictest, for a server whose access tokens have such a claim.
   * A list: one of these claims does, too. Name only claims that ID tokens of the server never have.
   * A token that says that it is another one, or that has `at_hash`, `c_hash` or `s_hash`, is refused in any case; so is
   * one with `nonce` and without its own word.
   * What is lost with a claim that ID tokens have, as `azp`, `sub` or `sid`: an ID token passes for an access token.
   * @default ['client_id', 'scope', 'scp']
   */
  readonly recognizedBy?: 'own-word' | readonly ClaimPath[];

  /** The longest time since `iat`, in seconds. With it, `iat` is required. @default none */
  readonly maxTokenAge?: number;
}

/** A JWS algorithm that may be accepted: asymmetric ones only (RFC 7518, RFC 8037, RFC 9864). */
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

/** Token introspection (RFC 7662): over HTTP, or by a function in this process. */
export type IntrospectionOptions = RemoteIntrospectionOptions | InProcessIntrospectionOptions;

/** What applies wherever the answer comes from. */
export interface IntrospectionRuleOptions {
  /**
   * Which tokens are looked up.
   * `opaque`: only tokens that are no JWTs.
   * `all`: JWTs too, so that a revoked one is refused. Unless `jwt` is `false`, a JWT is also verified locally, and the
   * two must agree.
   * @default 'opaque'
   */
  readonly tokens?: 'opaque' | 'all';

  /**
   * Whether the answer must name its audience.
   * What is lost with `if-present`: where the server does not name it, a token that was issued for another API of the
   * same server is accepted.
   * @default 'required'
   */
  readonly audience?: 'required' | 'if-present';

  /**
   * Keeps answers for a while.
   * What is lost: a revoked token works until its answer is `ttl` seconds old.
   * @default none: every request asks, and only concurrent look-ups of one token share a call
   */
  readonly cache?: IntrospectionCacheOptions;

  /**
   * With `tokens: 'all'`, after how many seconds the server is asked about a JWT again, 1 to 86400. Until then it is verified
   * locally alone. For JWTs it takes the place of `cache.ttl`; the server's `max-age` shortens it.
   * What is lost: a revoked JWT works for so long, or with `revalidateInBackground` for twice as long.
   * @default none: a JWT is asked about as `cache` says, on every request without it
   */
  readonly revalidateAfter?: number;

  /**
   * Whether no request waits for that: each is decided by the last answer while the next one is fetched, until it is twice as
   * old as `revalidateAfter`. Only then requests wait, and an outage is answered with 503.
   * What is lost: a revoked JWT works for twice `revalidateAfter` at most.
   * @default false: the first request after `revalidateAfter` waits for the answer
   */
  readonly revalidateInBackground?: boolean;
}

/**
 * An introspection endpoint.
 * @example
 * ```ts
 * // introspection.ts
 * import type { AuthorizationServerOptions } from 'nestjs-cert-bound-auth';
 *
 * export const server: AuthorizationServerOptions = {
 *   issuer: 'https://as.example.com',
 *   introspection: {
 *     clientAuthentication: {
 *       method: 'client_secret_basic',
 *       clientId: 'accounts-api',
 *       clientSecret: process.env['CLIENT_SECRET'] ?? '',
 *     },
 *     tokens: 'all',
 *     cache: { ttl: 30 },
 *   },
 * };
 * ```
 */
export interface RemoteIntrospectionOptions extends IntrospectionRuleOptions {
  /** How this API authenticates to the introspection endpoint. */
  readonly clientAuthentication: ClientAuthentication;

  /** The URL of the endpoint: `https:`. @default the one in the server's metadata */
  readonly endpoint?: string;

  /**
   * Further parameters of the call. `token`, `token_type_hint` and those of the client authentication are reserved.
   * @default none
   */
  readonly parameters?: Readonly<Record<string, string>>;

  /**
   * Further headers of the call. `Authorization`, `Proxy-Authorization`, `Content-Type`, `Accept` and `Accept-Encoding` are
   * reserved. `User-Agent` replaces ours, which has name and version of this package.
   * @default none
   */
  readonly headers?: Readonly<Record<string, string>>;

  /**
   * `json`: the answer is plain JSON.
   * `jwt`: the answer must be signed by the server (RFC 9701), with a key and an algorithm that `jwt` accepts. It is then
   * evidence that outlives the connection. An unsigned answer counts as an outage (503).
   * `keycloak-jwt`: JSON with the access token as a JWT in its member `jwt`, as Keycloak has it with the client's switch
   * "Support JWT claim in Introspection Response".
   * `access-token-jwt`: the access token as a JWT and nothing else (`application/jwt`), as Curity has it; 204 for a token that
   * is not active.
   *
   * The JWT of the last two is verified as any access token of the server is, by the rules of `jwt` where that is not `false`,
   * and can be handed on as a phantom token. One that can't be trusted counts as an outage (503).
   * What is lost with `access-token-jwt`: nothing in it names the token that was asked about, so the connection alone says
   * that it is the answer to our question.
   * @default 'json'
   */
  readonly responseFormat?: 'json' | 'jwt' | 'keycloak-jwt' | 'access-token-jwt';

  readonly introspect?: never;
}

/** An authorization server that lives in this process. There is no HTTP call; the checks are the same. */
export interface InProcessIntrospectionOptions extends IntrospectionRuleOptions {
  /**
   * Answers as an introspection endpoint does: `{ active: true, …claims }`, or `{ active: false }` or `undefined` for a
   * token that is not valid. If it throws, that is an outage (503).
   */
  introspect(token: string): Promise<object | undefined>;

  readonly clientAuthentication?: never;
  readonly endpoint?: never;
  readonly parameters?: never;
  readonly headers?: never;
  readonly responseFormat?: never;
}

/** How long introspection answers are kept. None is kept past the `exp` of its token. */
export interface IntrospectionCacheOptions {
  /** How long an active answer is kept, in seconds. @default 60 */
  readonly ttl?: number;
  /** How long an inactive answer is kept, in seconds. @default 10 */
  readonly negativeTtl?: number;
  /** The most answers kept, 1 to 10000000. The least recently used are dropped first. @default 10000 */
  readonly maxEntries?: number;
  /** Shares answers with the other instances of the API. @default none: every instance asks by itself */
  readonly shared?: SharedIntrospectionCacheOptions;
}

/** A cache that all instances of the API share. If it is down, the authorization server is asked instead. */
export interface SharedIntrospectionCacheOptions {
  /** Where the answers are kept: `new RedisIntrospectionStore(client)`. */
  readonly store: IntrospectionStore;
  /**
   * At least 32 random bytes, or text with as many bytes in UTF-8, the same on all instances. Answers are encrypted and
   * authenticated with this secret and the token, and kept under keyed digests. Whoever reads the store learns nothing,
   * and whoever writes to it cannot make up an answer.
   */
  readonly secret: string | Uint8Array;
}

/**
 * Keeps introspection answers for all instances of an API. Implement it to use a store of your own. It sees only digests
 * and ciphertext. If it rejects, or does not answer in time, there is no answer in it.
 */
export interface IntrospectionStore {
  /** What was kept under a key; `undefined` when there is nothing, or no longer. */
  get(key: string): Promise<string | undefined>;
  /** Keeps a value for a while. @param ttlSeconds a whole number, at least 1 */
  set(key: string, value: string, ttlSeconds: number): Promise<void>;
}

/** How this API authenticates to the authorization server (OpenID Connect Core §9, RFC 8705 §2). */
export type ClientAuthentication =
  | ClientSecretAuthentication
  | ClientSecretJwtAuthentication
  | PrivateKeyJwtAuthentication
  | TlsClientAuthentication
  | NoClientAuthentication;

/**
 * The secret itself: by HTTP Basic, with id and secret form-encoded first, or as parameters of the form (RFC 6749
 * §2.3.1).
 */
export interface ClientSecretAuthentication {
  readonly method: 'client_secret_basic' | 'client_secret_post';
  /** The `client_id` of this API at the server. */
  readonly clientId: string;
  /** The secret of this client. */
  readonly clientSecret: string;
}

/** A JWT that is signed with the secret by HMAC, so that the secret itself is not sent (OpenID Connect Core §9). */
export interface ClientSecretJwtAuthentication {
  readonly method: 'client_secret_jwt';
  /** The `client_id` of this API at the server. */
  readonly clientId: string;
  /** The secret of this client: at least 32 bytes for HS256, 48 for HS384, 64 for HS512 (RFC 7518 §3.2). */
  readonly clientSecret: string;
  /** The algorithm that the JWT is signed with. @default 'HS256' */
  readonly algorithm?: 'HS256' | 'HS384' | 'HS512';
}

/** A JWT that is signed with this API's private key (RFC 7523 §2.2). */
export interface PrivateKeyJwtAuthentication {
  readonly method: 'private_key_jwt';
  /** The `client_id` of this API at the server. */
  readonly clientId: string;
  /** The private key: PEM (PKCS #8), JWK, `KeyObject` or `CryptoKey`. RSA keys need 2048 bits. */
  readonly key: string | JWK | KeyObject | CryptoKey;
  /** The algorithm that the JWT is signed with. */
  readonly algorithm: JwsAlgorithm;
  /** The `kid` in the header of the JWT. @default that of a JWK, else none */
  readonly keyId?: string;
}

/**
 * The certificate in `tls: { key, cert }`. It is issued by a CA that the server trusts (RFC 8705 §2.1), or self-signed
 * and registered at the server (§2.2).
 */
export interface TlsClientAuthentication {
  readonly method: 'tls_client_auth' | 'self_signed_tls_client_auth';
  /** The `client_id` of this API at the server. */
  readonly clientId: string;
}

/**
 * The `client_id` alone, for an endpoint that is protected by other means.
 * What is lost: anybody can ask the endpoint about tokens, which RFC 7662 §2.1 forbids.
 */
export interface NoClientAuthentication {
  readonly method: 'none';
  /** The `client_id` of this API at the server. */
  readonly clientId: string;
}

/**
 * Where a claim is: its name, or a path to it. As text, names are separated by dots, as in `realm_access.roles`; a claim
 * whose own name has dots comes first. As a list, each item is one name and may itself hold dots:
 * `['resource_access', 'orders.bank.example', 'roles']`.
 */
export type ClaimPath = string | readonly string[];

/** Where a server puts claims, if not where the standards do. */
export interface ClaimNames {
  /** The claim with the scopes: a space-delimited string, or an array of strings. @default 'scope' */
  readonly scope?: ClaimPath;
  /** The claim with the identifier of the client. @default 'client_id' */
  readonly clientId?: ClaimPath;
  /** The claim with the subject. @default 'sub' */
  readonly subject?: ClaimPath;
}

/** TLS of the calls to an authorization server. */
export interface AuthorizationServerTlsOptions {
  /** The CA certificates that are trusted instead of the system's (PEM). @default those of the system */
  readonly ca?: TlsMaterial | readonly TlsMaterial[];
  /** The private key of this API's client certificate (PEM). It needs `cert`. @default none */
  readonly key?: TlsMaterial;
  /** This API's client certificate and its chain (PEM). It needs `key`. @default none */
  readonly cert?: TlsMaterial;
}

/** PEM text, or its bytes. */
export type TlsMaterial = string | Buffer;

/** Limits of the calls to an authorization server. */
export interface AuthorizationServerHttpOptions {
  /** How long a connection may take to be established, in milliseconds. @default 3000 */
  readonly connectTimeout?: number;
  /** How long a whole answer may take, the wait for a free connection included, in milliseconds. @default 5000 */
  readonly timeout?: number;
  /** The most bytes that the body of an answer may have. @default 1048576 */
  readonly maxResponseSize?: number;
  /**
   * The most connections for introspection, 1 to 1024. When all are busy, calls wait. When 1024 calls are under way or
   * wait, further ones are answered with 503 at once. Metadata and keys have two connections of their own.
   * @default 64
   */
  readonly maxConnections?: number;
  /**
   * The proxy that calls leave the network through: its URL, `http:` or `https:`, with `user:password@` where it asks for
   * them. Or `'environment'`, for the URL in HTTPS_PROXY or else HTTP_PROXY, and for the hosts in NO_PROXY, which are called
   * directly (names, domains and `*`, with or without a port; no ranges of addresses). Lower-case names come first.
   *
   * The calls go through a tunnel (`CONNECT`): the proxy sees host and port of the authorization server, and nothing else.
   * `tls` is for that server. An `https:` proxy needs a certificate of a CA of the system or of NODE_EXTRA_CA_CERTS. This
   * machine (127.0.0.0/8, [::1], localhost) is never called through a proxy.
   * @default none: the environment is not looked at
   */
  readonly proxy?: URL | string;
  /** Whether `http:` is allowed to 127.0.0.0/8, [::1] and localhost, for development. @default false */
  readonly allowLoopbackHttp?: boolean;
}
