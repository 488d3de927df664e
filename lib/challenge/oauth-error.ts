import type { RefusalReason } from './refusal-reason.js';

export type { RefusalReason } from './refusal-reason.js';

/**
 * What the caller is told. `code` is the OAuth error code (RFC 6750 §3.1, RFC 9449 §7.1, §9); without one, no credentials were
 * recognised, or it is not the caller's fault.
 */
export type Refusal =
  | { readonly status: 400; readonly code: 'invalid_request' }
  | { readonly status: 401; readonly code: undefined }
  | { readonly status: 401; readonly code: 'invalid_token' }
  | { readonly status: 401; readonly code: 'invalid_dpop_proof' }
  | { readonly status: 401; readonly code: 'use_dpop_nonce'; readonly nonce: string }
  | { readonly status: 403; readonly code: 'insufficient_scope'; readonly scope: readonly string[] }
  | { readonly status: 429; readonly code: undefined; readonly retryAfter: number }
  | { readonly status: 503; readonly code: undefined; readonly retryAfter: number };

/** What an error knows beside its reason: for the log, never for the caller. */
export interface OAuthErrorDetails {
  /** Says exactly what was found and what was expected. It holds no token, proof or secret. */
  readonly detail?: string;
  readonly cause?: unknown;
}

/** A refusal, or an outage, as a value: what the caller is told, the exact reason, and the cause. */
export class OAuthError extends Error {
  override readonly name = 'OAuthError';
  readonly detail: string | undefined;

  constructor(
    readonly refusal: Refusal,
    readonly reason: RefusalReason,
    { detail, cause }: OAuthErrorDetails = {},
  ) {
    super(detail === undefined ? reason : `${reason}: ${detail}`, { cause });
    this.detail = detail;
  }
}

/** No credentials came that this API understands: 401, without an error code (RFC 6750 §3.1). */
export function missingCredentials(reason: RefusalReason, details?: OAuthErrorDetails): OAuthError {
  return new OAuthError({ status: 401, code: undefined }, reason, details);
}

/** The request is malformed, or sends its token in more than one way: 400. */
export function invalidRequest(reason: RefusalReason, details?: OAuthErrorDetails): OAuthError {
  return new OAuthError({ status: 400, code: 'invalid_request' }, reason, details);
}

/** The token is not valid, or the caller has not proved the keys that it is bound to: 401. */
export function invalidToken(reason: RefusalReason, details?: OAuthErrorDetails): OAuthError {
  return new OAuthError({ status: 401, code: 'invalid_token' }, reason, details);
}

/** The DPoP proof is missing or not valid: 401 (RFC 9449 §7.1). */
export function invalidDpopProof(reason: RefusalReason, details?: OAuthErrorDetails): OAuthError {
  return new OAuthError({ status: 401, code: 'invalid_dpop_proof' }, reason, details);
}

/** The DPoP proof does not hold a nonce of ours that is still valid: 401, with the one to use (RFC 9449 §9). */
export function useDpopNonce(nonce: string, reason: RefusalReason): OAuthError {
  return new OAuthError({ status: 401, code: 'use_dpop_nonce', nonce }, reason);
}

/** The token does not carry the scopes that the route needs: 403. */
export function insufficientScope(scope: readonly string[]): OAuthError {
  return new OAuthError({ status: 403, code: 'insufficient_scope', scope }, 'scope_missing');
}

const RETRY_AFTER_SECONDS = 5;

/**
 * What is needed to decide could not be asked, or made no sense: 503, for it says nothing about the caller.
 * @param retryAfter whole seconds, at least 1
 */
export function outage(
  reason: RefusalReason,
  details?: OAuthErrorDetails,
  retryAfter = RETRY_AFTER_SECONDS,
): OAuthError {
  return new OAuthError({ status: 503, code: undefined, retryAfter }, reason, details);
}

/** One client asks for more than its share: 429. */
export function tooManyRequests(reason: RefusalReason, details?: OAuthErrorDetails): OAuthError {
  return new OAuthError({ status: 429, code: undefined, retryAfter: RETRY_AFTER_SECONDS }, reason, details);
}
