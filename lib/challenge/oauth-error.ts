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

/** Why a request was refused: a stable code for logs and for operations, never shown to the caller. */
export type RefusalReason =
  // request
  | 'credentials_missing'
  | 'credentials_malformed'
  | 'credentials_repeated'
  | 'context_unsupported'
  // access-token
  | 'token_too_large'
  | 'token_malformed'
  | 'token_encrypted'
  | 'token_type_mismatch'
  | 'token_is_id_token'
  | 'token_opaque'
  | 'token_inactive'
  | 'token_expired'
  | 'token_not_yet_valid'
  | 'token_issued_in_future'
  | 'token_too_old'
  | 'algorithm_not_allowed'
  | 'critical_header_unsupported'
  | 'issuer_unknown'
  | 'issuer_mismatch'
  | 'audience_mismatch'
  | 'key_unknown'
  | 'key_unusable'
  | 'signature_invalid'
  | 'claim_missing'
  | 'claim_malformed'
  | 'claim_forbidden'
  | 'introspection_refused'
  | 'introspection_conflict'
  // access-token, not the caller's fault
  | 'authorization_server_unreachable'
  | 'authorization_server_answer_invalid'
  | 'authorization_server_refused_client'
  // confirmation
  | 'confirmation_missing'
  | 'confirmation_malformed'
  | 'confirmation_unsupported'
  | 'certificate_missing'
  | 'certificate_header_untrusted'
  | 'certificate_header_repeated'
  | 'certificate_header_malformed'
  | 'certificate_source_failed'
  | 'certificate_untrusted'
  | 'certificate_expired'
  | 'certificate_not_yet_valid'
  | 'certificate_mismatch'
  | 'scheme_mismatch'
  | 'proof_missing'
  | 'proof_repeated'
  | 'proof_too_large'
  | 'proof_malformed'
  | 'proof_algorithm_not_allowed'
  | 'proof_key_unusable'
  | 'proof_method_mismatch'
  | 'proof_target_mismatch'
  | 'proof_token_mismatch'
  | 'proof_expired'
  | 'proof_issued_in_future'
  | 'proof_nonce_missing'
  | 'proof_nonce_unknown'
  | 'proof_key_mismatch'
  | 'proof_signature_invalid'
  | 'proof_replayed'
  | 'proofs_too_many'
  // confirmation, where something of ours is to blame
  | 'public_url_unknown'
  | 'replay_store_unavailable'
  // authorization
  | 'binding_insufficient'
  | 'scope_missing'
  | 'user_refused';

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

/** What is needed to decide could not be asked, or made no sense: 503, for it says nothing about the caller. */
export function outage(reason: RefusalReason, details?: OAuthErrorDetails): OAuthError {
  return new OAuthError({ status: 503, code: undefined, retryAfter: RETRY_AFTER_SECONDS }, reason, details);
}

/** One client asks for more than its share: 429. */
export function tooManyRequests(reason: RefusalReason, details?: OAuthErrorDetails): OAuthError {
  return new OAuthError({ status: 429, code: undefined, retryAfter: RETRY_AFTER_SECONDS }, reason, details);
}
