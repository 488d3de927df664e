import { type ReasonTold, type RefusalReason, TOLD } from './reasons.js';

/**
 * What the caller is told. `code` is the OAuth error code (RFC 6750 §3.1, RFC 9449 §7.1, §9); without one, no credentials were
 * recognised, or it is not the caller's fault.
 */
export type Refusal =
  | Told<'unauthenticated' | 'invalidRequest' | 'invalidToken' | 'invalidDpopProof'>
  | (Told<'useDpopNonce'> & { readonly nonce: string })
  | Told<'notAllowed'>
  | (Told<'insufficientScope'> & { readonly scope: readonly string[] })
  | (Told<'insufficientAuthentication'> & AuthenticationNeeded)
  | (Told<'tooManyRequests' | 'outage'> & { readonly retryAfter: number });

/** What a step-up needs (RFC 9470 §3). */
export interface AuthenticationNeeded {
  readonly acrValues: readonly string[];
  /** Seconds. */
  readonly maxAge: number | undefined;
  /** Where scopes are missing as well. */
  readonly scope: readonly string[];
}

type Told<Kind extends keyof typeof TOLD> = (typeof TOLD)[Kind];

/** What an error knows beside its reason: for the log, never for the caller. */
export interface OAuthErrorDetails {
  /** Says exactly what was found and what was expected. It holds no token, proof or secret. */
  readonly detail?: string;
  readonly cause?: unknown;
  /** The HTTP status that the app's own `validate` refused with, where its error has one. */
  readonly chosenStatus?: number | undefined;
}

/** A refusal, or an outage, as a value: what the caller is told, the exact reason, and the cause. */
export class OAuthError extends Error {
  override readonly name = 'OAuthError';
  readonly detail: string | undefined;
  readonly chosenStatus: number | undefined;

  constructor(
    readonly refusal: Refusal,
    readonly reason: RefusalReason,
    { detail, cause, chosenStatus }: OAuthErrorDetails = {},
  ) {
    // A value has no use for a stack trace, which would cost more than to refuse. Where nobody may change that, it has one.
    const { stackTraceLimit } = Error;
    Reflect.set(Error, 'stackTraceLimit', 0);
    super(detail === undefined ? reason : `${reason}: ${detail}`, { cause });
    Reflect.set(Error, 'stackTraceLimit', stackTraceLimit);
    this.detail = detail;
    this.chosenStatus = chosenStatus;
  }
}

/** No credentials came that this API understands: 401, without an error code (RFC 6750 §3.1). */
export function missingCredentials(
  reason: ReasonTold<'unauthenticated'>,
  details?: OAuthErrorDetails,
): OAuthError {
  return new OAuthError(TOLD.unauthenticated, reason, details);
}

/** The request is malformed, or sends its token in more than one way: 400. */
export function invalidRequest(
  reason: ReasonTold<'invalidRequest'>,
  details?: OAuthErrorDetails,
): OAuthError {
  return new OAuthError(TOLD.invalidRequest, reason, details);
}

/** A reason that makes a token invalid: nothing else may be said of one. */
export type InvalidTokenReason = ReasonTold<'invalidToken'>;

/** The token is not valid, or the caller has not proved the keys that it is bound to: 401. */
export function invalidToken(reason: InvalidTokenReason, details?: OAuthErrorDetails): OAuthError {
  return new OAuthError(TOLD.invalidToken, reason, details);
}

/** The DPoP proof is missing or not valid: 401 (RFC 9449 §7.1). */
export function invalidDpopProof(
  reason: ReasonTold<'invalidDpopProof'>,
  details?: OAuthErrorDetails,
): OAuthError {
  return new OAuthError(TOLD.invalidDpopProof, reason, details);
}

/** The DPoP proof does not hold a nonce of ours that is still valid: 401, with the one to use (RFC 9449 §9). */
export function useDpopNonce(nonce: string, reason: ReasonTold<'useDpopNonce'>): OAuthError {
  return new OAuthError({ ...TOLD.useDpopNonce, nonce }, reason);
}

/** The token does not carry the scopes, or the authorization details, that the route needs: 403. */
export function insufficientScope(
  reason: ReasonTold<'insufficientScope'>,
  scope: readonly string[],
  details?: OAuthErrorDetails,
): OAuthError {
  return new OAuthError({ ...TOLD.insufficientScope, scope }, reason, details);
}

/** The user must authenticate in another way, or again: 401 (RFC 9470 §3). */
export function insufficientAuthentication(
  needed: AuthenticationNeeded,
  details?: OAuthErrorDetails,
): OAuthError {
  const refusal = { ...TOLD.insufficientAuthentication, ...needed };
  return new OAuthError(refusal, 'authentication_insufficient', details);
}

/** The holder of this token may not do this, whatever it asks for: 403, without an error code that would invite it to. */
export function notAllowed(reason: ReasonTold<'notAllowed'>, details?: OAuthErrorDetails): OAuthError {
  return new OAuthError(TOLD.notAllowed, reason, details);
}

const RETRY_AFTER_SECONDS = 5;

/**
 * What is needed to decide could not be asked, or made no sense: 503, for it says nothing about the caller.
 * @param retryAfter whole seconds, at least 1
 */
export function outage(
  reason: ReasonTold<'outage'>,
  details?: OAuthErrorDetails,
  retryAfter = RETRY_AFTER_SECONDS,
): OAuthError {
  return new OAuthError({ ...TOLD.outage, retryAfter }, reason, details);
}

/** One client asks for more than its share: 429. */
export function tooManyRequests(
  reason: ReasonTold<'tooManyRequests'>,
  details?: OAuthErrorDetails,
): OAuthError {
  return new OAuthError({ ...TOLD.tooManyRequests, retryAfter: RETRY_AFTER_SECONDS }, reason, details);
}
