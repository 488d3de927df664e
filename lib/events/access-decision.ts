import type { BindingMethod, AuthenticationScheme } from '../decision.js';
import type { RefusalReason } from '../challenge/reasons.js';

/** What was decided about one request: one event each, whatever guards it passed. No token, proof or secret is in it. */
export type AccessDecision = AcceptedAccess | RefusedAccess;

/** The request went on to its handler. */
export interface AcceptedAccess extends DecidedRequest {
  readonly outcome: 'accepted';
  /** The keys whose possession the caller has proved; none for an unbound token under `if-bound`. */
  readonly boundBy: readonly BindingMethod[];
  /** Only where it came without credentials, as `@AllowAnonymous()` lets it: then nothing is known of a token. */
  readonly anonymous?: true;
}

/** The request was refused; `unavailable` where that says nothing of the caller, for nobody could be asked (503). */
export interface RefusedAccess extends DecidedRequest {
  readonly outcome: 'refused' | 'unavailable';
  /** A stable code: docs/reasons.md says of each what it means and what to do. */
  readonly reason: RefusalReason;
  /** The status of the answer; that of the exception where the app's `validate` threw an `HttpException`. */
  readonly status: number;
  /** The OAuth error code that the caller is told, where it is told one. */
  readonly error: string | undefined;
  /** What exactly was found and what was expected; it may quote what the caller sent. */
  readonly detail: string | undefined;
  /** What the token says of itself, where it could not be verified: anyone may have written it. */
  readonly claimed: TokenOrigin | undefined;
}

/** What is known of a request, accepted or not. */
export interface DecidedRequest extends TokenOrigin {
  /** Method and path pattern, as `GET /accounts/:id`. */
  readonly route: string;
  /** The name of the policy that has decided; absent where that are the options of the module itself. */
  readonly policy?: string;
  /** `undefined` where the request used none that is accepted. */
  readonly scheme: AuthenticationScheme | undefined;
  /** SHA-256 of the token, base64url; `undefined` where there was none. */
  readonly tokenDigest: string | undefined;
  /** SHA-256 of the certificate that the client proved, base64url; `undefined` where there was none. */
  readonly certificateThumbprint: string | undefined;
  /** Only where the cookie of a session stood for the token. */
  readonly bySession?: true;
  /** The `x-fapi-interaction-id` of the answer, a UUID; `undefined` without the option `interactionId`. */
  readonly interactionId: string | undefined;
  /** Whether the token was known already: nothing was verified or asked anew. */
  readonly cacheHit: boolean;
  /** Milliseconds from the first look at the request to the decision. */
  readonly duration: number;
}

/** Who issued a token, to whom, about whom; each `undefined` where the token does not say, or is not verified. */
export interface TokenOrigin {
  readonly issuer: string | undefined;
  readonly clientId: string | undefined;
  readonly subject: string | undefined;
}
