import type { X509Certificate } from 'node:crypto';
import type { OAuthError } from './challenge/oauth-error.js';
import type { JsonObject } from './jose/json-object.js';

/** Whether a request may go on to authorization. */
export type Decision = Acceptance | RefusalDecision;

/** The token is valid, and its caller has proved every key that it is bound to. */
export interface Acceptance {
  readonly outcome: 'accepted';
  /** What the app gets: its own, to change as it likes. */
  readonly token: VerifiedAccessToken;
  /** The token, or what the app's `validate` made of it. */
  readonly user: unknown;
  /** What the route's rules are checked by, whatever has become of `token`. */
  readonly proved: ProvenToken;
  /** The nonce for the client's next DPoP proof, where it needs another one. */
  readonly nextNonce: string | undefined;
  /** What keeps the session going that it came by, as a `Set-Cookie`; `undefined` where nothing has to. */
  readonly sessionCookie: string | undefined;
  /** Milliseconds since the epoch: `exp` and the tolerance of clocks. Nothing that was accepted may go on after it. */
  readonly validUntil: number;
  readonly trace: RequestTrace;
}

/** What has been proved of a token and its holder. */
export interface ProvenToken {
  /** What the token has, with what that stands for. */
  readonly scopes: ReadonlySet<string>;
  /** What the token says; it serves other requests, and so is nobody's to change. */
  readonly described: TokenDescription;
  readonly confirmation: Confirmation | undefined;
  /** The token itself, where the app wants it. */
  readonly raw: string | undefined;
  readonly boundBy: readonly BindingMethod[];
  /** The signed introspection answer that says so (RFC 9701), where one was asked for. */
  readonly signedAnswer: string | undefined;
  /** The roles in the certificate that it is bound to, where `clientCertificate.policy` has the profile of PSD2. */
  readonly psd2Roles: readonly string[];
  /** What was found of a certificate on this request; it counts where `boundBy` names it. */
  readonly certificate:
    { readonly kind: 'found'; readonly certificate: CertificateOfCaller } | { readonly kind: 'none' };
  /** Asks whether it has been revoked in the meantime; `undefined` where no token can be. */
  readonly revocable: { isRevoked(): boolean } | undefined;
}

/** A certificate, as far as demands look at it. */
export interface CertificateOfCaller {
  /** The certificate itself, or what stands for one of which only a digest is known. */
  readonly identity: object;
  /** The same object for as long as nothing has changed. */
  readonly chain: () => FoundChain | Promise<FoundChain>;
}

type FoundChain = ChainOfCaller | { readonly kind: 'unverified' };

/** A chain that leads to a trusted CA; without a path where others vouch for it. */
export interface ChainOfCaller {
  readonly kind: 'verified';
  readonly path: readonly X509Certificate[];
}

export interface RefusalDecision {
  readonly outcome: 'refused';
  readonly error: OAuthError;
  /** What ends the session that it came by, where that is good for nothing any more. */
  readonly sessionCookie: string | undefined;
  readonly trace: RequestTrace;
}

/** How far a request came, for the log and the events. No token, proof or secret: digests stand for them. */
export interface RequestTrace {
  /** Milliseconds, as `performance.now()` counts them. */
  readonly startedAt: number;
  /** `undefined` where the request used none that is accepted. */
  readonly scheme: AuthenticationScheme | undefined;
  /** Whether the cookie of a session stood for the token. */
  readonly bySession: boolean;
  /** SHA-256 of the token, base64url. */
  readonly tokenDigest: string | undefined;
  /** SHA-256 of the certificate, base64url. */
  readonly certificateThumbprint: string | undefined;
  /** Whether the token was known already. */
  readonly cacheHit: boolean;
  /** The token, where it is verified. */
  readonly verified: TokenDescription | undefined;
  /** What the token says of itself, where it is not: anyone may have written it. */
  readonly claimed: JsonObject | undefined;
  /** Names the call, where the app has the option `interactionId`. */
  readonly interactionId: string | undefined;
}

/** How an access token is sent: a bearer token, or one that comes with a proof of its key (RFC 9449 §7.1). */
export type AuthenticationScheme = 'Bearer' | 'DPoP';

/** An access token that has passed every check: the same shape whichever way it was verified. */
export interface VerifiedAccessToken {
  /** The configured issuer that vouches for the token. */
  readonly issuer: string;
  /** `sub`: the user, or the client itself where no user is involved; compare with `clientId` (RFC 9068 §5). */
  readonly subject?: string;
  /** The client that the token was issued to. */
  readonly clientId?: string;
  /** The `aud` values; empty only with `introspection.audience: 'if-present'`. */
  readonly audience: readonly string[];
  readonly scopes: ReadonlySet<string>;
  /** The same as text, separated by spaces, as other libraries read them (RFC 6749 §3.3). */
  readonly scope: string;
  /** `iat`, in seconds since the epoch. */
  readonly issuedAt?: number;
  /** `exp`, in seconds since the epoch. */
  readonly expiresAt: number;
  /** `jti`. */
  readonly tokenId?: string;
  /** The keys that the token is bound to (RFC 7800). */
  readonly confirmation: Confirmation;
  /** The keys whose possession the caller has proved on this request. */
  readonly boundBy: readonly BindingMethod[];
  /** Every claim of the token, or every member of the introspection answer. */
  readonly claims: Readonly<Record<string, unknown>>;
  /** The token as it was sent; only with `exposeToken: true`. */
  readonly raw?: string;
}

/** What `cnf` names, as far as this module can check it. */
export interface Confirmation {
  /** `x5t#S256`: SHA-256 of the certificate's DER, base64url, 43 characters (RFC 8705 §3.1). */
  readonly certificateThumbprint?: string;
  /** `jkt`: SHA-256 thumbprint of a JWK, base64url, 43 characters (RFC 9449 §6.1). */
  readonly jwkThumbprint?: string;
}

/** How a caller proves possession of a key. */
export type BindingMethod = 'certificate' | 'dpop';

/** What handlers see of a token, however it was verified, but for what each request proves anew. */
export type TokenDescription = PossiblyAbsent<Omit<VerifiedAccessToken, 'confirmation' | 'boundBy' | 'raw'>>;

/** With a member for everything, so that all are of one shape; `undefined` for what the token does not say. */
type PossiblyAbsent<T> = {
  readonly [Name in keyof Required<T>]: undefined extends T[Name] ? T[Name] | undefined : T[Name];
};
