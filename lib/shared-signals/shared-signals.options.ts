import type {
  AuthorizationServerHttpOptions,
  AuthorizationServerTlsOptions,
  JwsAlgorithm,
} from '../cert-bound-auth.options.js';

/** What `SharedSignalsModule` is configured by. */
export interface SharedSignalsOptions {
  /**
   * Where transmitters push their events to, as it is sent, from the host on: `/signals`. No prefix, version, guard, middleware or
   * CORS setting of the app has a say there. It is needed where one of them pushes.
   */
  readonly path?: string;
  /**
   * Who may say what is revoked.
   * @default nobody: then there is `backChannelLogout`
   */
  readonly transmitters?: readonly TransmitterOptions[];
  /**
   * Lets OpenID providers end sessions (OpenID Connect Back-Channel Logout 1.0).
   * @default none may
   */
  readonly backChannelLogout?: BackChannelLogoutOptions;
  /**
   * Is told of each event, once in this process, before it is acknowledged: keep it, and return. Where it throws, or takes longer than 10
   * seconds, the transmitter is asked to send the event again.
   * @default nobody is told
   */
  readonly onSignal?: (signal: Signal) => unknown;
}

/** How OpenID providers tell of sessions that have ended. */
export interface BackChannelLogoutOptions {
  /** Where they send logout tokens, as it is sent: the path of `backchannel_logout_uri`. It answers before the app, as `path` does. */
  readonly path: string;
  /** Who may send them: at least one. */
  readonly providers: readonly LogoutProviderOptions[];
}

/** An OpenID provider whose sessions may end. */
export interface LogoutProviderOptions {
  /** Of an authorization server: the exact `iss` of its logout tokens. */
  readonly issuer: string;
  /** What `aud` of its logout tokens must hold: the client that it knows this API, or its front end, as; of a list, one. */
  readonly clientId: string | readonly string[];
  /**
   * Whether the header of a logout token must say by its `typ` that it is one, `logout+jwt`. With `'if-present'`, `JWT` and none are
   * accepted as well, which older providers send.
   * What is lost then: only its claims tell it from other tokens of the provider.
   * @default 'required'
   */
  readonly typ?: 'required' | 'if-present';
  /**
   * The algorithms that its logout tokens may be signed by.
   * @default every asymmetric one that access tokens may have
   */
  readonly algorithms?: readonly JwsAlgorithm[];
  /** Where its keys are. @default discovered */
  readonly jwksUri?: string;
  /** TLS of the calls to it. @default the CAs of the system */
  readonly tls?: AuthorizationServerTlsOptions;
  /** Limits of the calls to it. */
  readonly http?: AuthorizationServerHttpOptions;
}

/** One transmitter, and how its events come. */
export type TransmitterOptions = PushTransmitterOptions | PollTransmitterOptions;

/** What holds for a transmitter however its events come. */
export interface TransmitterRuleOptions {
  /** The exact `iss` of its events, and the base of its discovery (`/.well-known/ssf-configuration`, SSF 1.0 §7.2). */
  readonly issuer: string;
  /** What `aud` of its events must hold: as it was agreed upon when the stream was made; of a list, one. */
  readonly audience: string | readonly string[];
  /**
   * For whose tokens it speaks.
   * @default for those of an authorization server with the same `issuer`, and no other's
   */
  readonly subjects?: SignalSubjectOptions;
  /**
   * The algorithms that its events may be signed by.
   * @default every asymmetric one that access tokens may have
   */
  readonly algorithms?: readonly JwsAlgorithm[];
  /** Where its keys are. @default discovered */
  readonly jwksUri?: string;
  /**
   * Seconds, 1 to 31622400, without an event after which the transmitter counts as silent: then tokens of the issuers that it speaks
   * for are introspected where that is configured, and requests with others are answered with 503. Make it send verification
   * events more often than that.
   * What is lost without: nobody notices when no more events are pushed. A transmitter that is polled is heard with each answer.
   * @default however long for one that pushes; 300 for one that is polled, or three times `longPoll` where that is more
   */
  readonly maxSilence?: number;
  /**
   * What becomes of requests while the transmitter is silent, or has said that it stops. With `'carry-on'` they go on.
   * What is lost then: what is revoked meanwhile is accepted.
   * @default 'refuse'
   */
  readonly onSilence?: 'refuse' | 'carry-on';
  /**
   * Whether this API has asked for a verification event with this `state` (SSF 1.0 §8.1.4). Events without one are always welcome.
   * @default it never has
   */
  readonly verifyState?: (state: string) => boolean | Promise<boolean>;
  /** TLS of the calls to it. @default the CAs of the system */
  readonly tls?: AuthorizationServerTlsOptions;
  /** Limits of the calls to it. */
  readonly http?: AuthorizationServerHttpOptions;
}

/** A transmitter that sends its events to {@link SharedSignalsOptions.path} (RFC 8935). */
export interface PushTransmitterOptions extends TransmitterRuleOptions {
  readonly delivery: 'push';
  /**
   * What the header `Authorization` must be, exactly: the `authorization_header` of the stream.
   * What is lost without: whoever finds the path can make this API verify signatures.
   * @default no matter
   */
  readonly authorizationHeader?: string;
}

/** A transmitter that is asked for its events, all the time while the app runs (RFC 8936). */
export interface PollTransmitterOptions extends TransmitterRuleOptions {
  readonly delivery: 'poll';
  /** Where it is asked: the `endpoint_url` of the stream. */
  readonly endpoint: string;
  /**
   * What is sent as the header `Authorization`, or what makes it for each call: `Bearer` and an access token.
   * @default none: the client certificate in `tls` says who asks
   */
  readonly authorizationHeader?: string | (() => string | Promise<string>);
  /**
   * Seconds, 1 to 3600, that a call may wait for events: longer than the transmitter makes it wait.
   * @default 90
   */
  readonly longPoll?: number;
}

/** For whose tokens a transmitter speaks. */
export interface SignalSubjectOptions {
  /**
   * The issuer of access tokens by the `iss` of a subject: `{ 'https://idp.example.com': 'https://as.example.com' }`. The transmitter may
   * revoke all tokens of these issuers.
   * @default the issuer of the transmitter, by itself
   */
  readonly issuers?: Readonly<Record<string, string>>;
  /**
   * Says which tokens a subject has that no token names: by e-mail address, phone number, account, DID or URI (RFC 9493), or a format of
   * your own. It must compare such values as your users do. Where it throws, the event has to be sent again.
   * @default none
   */
  readonly find?: (
    subject: Readonly<Record<string, unknown>>,
  ) => TokensOfSubject | undefined | Promise<TokensOfSubject | undefined>;
}

/** All tokens of one subject. */
export interface TokensOfSubject {
  /** Of an authorization server. */
  readonly issuer: string;
  /** `sub` of its tokens. */
  readonly subject: string;
}

/** An event that has come. */
export interface Signal {
  /** Who has sent it. */
  readonly transmitter: string;
  /** `jti` of the token that it came in. */
  readonly tokenId: string;
  /** `iat`, seconds since the epoch. */
  readonly issuedAt: number;
  /** A URI. */
  readonly type: string;
  /** Who it is about, as it was sent (`sub_id`, RFC 9493); `undefined` where it does not say. */
  readonly subject: unknown;
  /** What the transmitter says of it. */
  readonly event: Readonly<Record<string, unknown>>;
  /** Whether tokens are refused from now on, or accepted again, because of it. */
  readonly hasEffect: boolean;
}
