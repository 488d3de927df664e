/** What the caller of a refused request is told: a status, and an OAuth error code where other credentials may help. */
export const TOLD = {
  unauthenticated: { status: 401, code: undefined },
  invalidRequest: { status: 400, code: 'invalid_request' },
  invalidToken: { status: 401, code: 'invalid_token' },
  invalidDpopProof: { status: 401, code: 'invalid_dpop_proof' },
  useDpopNonce: { status: 401, code: 'use_dpop_nonce' },
  insufficientAuthentication: { status: 401, code: 'insufficient_user_authentication' },
  insufficientScope: { status: 403, code: 'insufficient_scope' },
  notAllowed: { status: 403, code: undefined },
  tooManyRequests: { status: 429, code: undefined },
  outage: { status: 503, code: undefined },
} as const;

/** The level of a log line: what the server, or our own configuration, is to blame for is louder than a caller. */
export type LogLevel = 'error' | 'warn' | 'debug';

/** What the level of a line may depend on. */
interface Evidence {
  readonly detail: string | undefined;
  readonly cause?: unknown;
  readonly chosenStatus: number | undefined;
}

type Row = readonly [
  reason: string,
  told: keyof typeof TOLD,
  level: LogLevel | ((evidence: Evidence) => LogLevel),
];

/**
 * Every reason for a refusal, in the order of a request: what the caller is told, and at which level the log says so.
 * Reasons are stable: operations count and search by them, and docs/reasons.md says of each what it means and what to do.
 */
const REASONS = [
  // request
  ['credentials_missing', 'unauthenticated', 'debug'],
  ['credentials_malformed', 'invalidRequest', 'debug'],
  ['credentials_repeated', 'invalidRequest', 'debug'],
  ['context_unsupported', 'unauthenticated', 'error'],
  ['session_foreign_page', 'notAllowed', 'debug'],
  ['session_invalid', 'invalidToken', 'debug'],
  ['session_expired', 'invalidToken', 'debug'],
  ['ticket_invalid', 'invalidToken', 'debug'],
  ['ticket_store_unavailable', 'outage', 'warn'],
  // access-token
  ['token_too_large', 'invalidToken', 'debug'],
  ['token_malformed', 'invalidToken', 'debug'],
  ['token_encrypted', 'invalidToken', 'debug'],
  ['token_type_mismatch', 'invalidToken', 'debug'],
  ['token_is_id_token', 'invalidToken', 'debug'],
  ['token_opaque', 'invalidToken', 'debug'],
  ['token_inactive', 'invalidToken', 'debug'],
  ['token_expired', 'invalidToken', 'debug'],
  ['token_not_yet_valid', 'invalidToken', 'debug'],
  ['token_issued_in_future', 'invalidToken', 'debug'],
  ['token_too_old', 'invalidToken', 'debug'],
  ['token_revoked', 'invalidToken', 'debug'],
  ['revocations_unavailable', 'outage', 'warn'],
  ['algorithm_not_allowed', 'invalidToken', 'debug'],
  ['critical_header_unsupported', 'invalidToken', 'debug'],
  ['issuer_unknown', 'invalidToken', 'debug'],
  ['issuer_mismatch', 'invalidToken', 'debug'],
  ['audience_mismatch', 'invalidToken', 'debug'],
  ['key_unknown', 'invalidToken', 'debug'],
  ['key_unusable', 'invalidToken', 'warn'],
  ['signature_invalid', 'invalidToken', 'debug'],
  ['claim_missing', 'invalidToken', 'debug'],
  ['claim_malformed', 'invalidToken', 'debug'],
  ['claim_forbidden', 'invalidToken', 'debug'],
  ['introspection_refused', 'invalidToken', levelOfIntrospectionError],
  ['introspection_conflict', 'invalidToken', 'debug'],
  ['status_malformed', 'invalidToken', 'debug'],
  ['status_unsupported', 'invalidToken', 'warn'],
  ['status_invalid', 'invalidToken', 'debug'],
  // access-token, not the caller's fault
  ['authorization_server_unreachable', 'outage', 'warn'],
  ['authorization_server_answer_invalid', 'outage', 'error'],
  ['authorization_server_refused_client', 'outage', 'error'],
  ['authorization_server_unresolved', 'outage', 'error'],
  // confirmation
  ['confirmation_missing', 'invalidToken', 'debug'],
  ['confirmation_malformed', 'invalidToken', 'debug'],
  ['confirmation_unsupported', 'invalidToken', 'debug'],
  ['certificate_missing', 'invalidToken', 'debug'],
  ['certificate_header_untrusted', 'invalidToken', 'debug'],
  ['certificate_header_repeated', 'invalidRequest', 'debug'],
  ['certificate_header_malformed', 'invalidRequest', 'debug'],
  ['certificate_source_failed', 'invalidToken', 'debug'],
  ['certificate_untrusted', 'invalidToken', 'debug'],
  ['certificate_path_incomplete', 'invalidToken', 'debug'],
  ['certificate_revoked', 'invalidToken', 'debug'],
  ['certificate_revocation_unknown', 'invalidToken', 'warn'],
  ['certificate_revocation_unavailable', 'outage', 'warn'],
  ['certificate_expired', 'invalidToken', 'debug'],
  ['certificate_not_yet_valid', 'invalidToken', 'debug'],
  ['certificate_digest_only', 'invalidToken', 'debug'],
  ['certificate_unreadable', 'invalidToken', 'debug'],
  ['certificate_usage_not_allowed', 'invalidToken', 'debug'],
  ['certificate_profile_unmet', 'invalidToken', 'debug'],
  ['certificate_issuer_not_allowed', 'invalidToken', 'debug'],
  ['certificate_denied', 'invalidToken', 'debug'],
  ['certificate_not_allowed', 'invalidToken', 'debug'],
  ['certificate_client_mismatch', 'invalidToken', 'debug'],
  ['certificate_mismatch', 'invalidToken', 'debug'],
  ['scheme_mismatch', 'invalidToken', 'debug'],
  ['proof_missing', 'invalidDpopProof', 'debug'],
  ['proof_repeated', 'invalidDpopProof', 'debug'],
  ['proof_too_large', 'invalidDpopProof', 'debug'],
  ['proof_malformed', 'invalidDpopProof', 'debug'],
  ['proof_algorithm_not_allowed', 'invalidDpopProof', 'debug'],
  ['proof_key_unusable', 'invalidDpopProof', 'debug'],
  ['proof_method_mismatch', 'invalidDpopProof', 'debug'],
  ['proof_target_mismatch', 'invalidDpopProof', 'debug'],
  ['proof_token_mismatch', 'invalidDpopProof', 'debug'],
  ['proof_expired', 'invalidDpopProof', 'debug'],
  ['proof_issued_in_future', 'invalidDpopProof', 'debug'],
  ['proof_nonce_missing', 'useDpopNonce', 'debug'],
  ['proof_nonce_unknown', 'useDpopNonce', 'debug'],
  ['proof_key_mismatch', 'invalidToken', 'debug'],
  ['proof_signature_invalid', 'invalidDpopProof', 'debug'],
  ['proof_replayed', 'invalidDpopProof', 'debug'],
  ['proofs_too_many', 'tooManyRequests', 'warn'],
  // confirmation, where something of ours is to blame
  ['certificate_policy_unusable', 'outage', 'error'],
  ['public_url_unknown', 'invalidDpopProof', 'warn'],
  ['replay_store_unavailable', 'outage', 'warn'],
  // authorization
  ['binding_insufficient', 'invalidToken', 'debug'],
  ['certificate_role_missing', 'notAllowed', 'debug'],
  ['certificate_issuer_unmet', 'notAllowed', 'debug'],
  ['claim_unmet', 'notAllowed', 'debug'],
  ['user_absent', 'notAllowed', 'debug'],
  ['authentication_insufficient', 'insufficientAuthentication', 'debug'],
  ['scope_missing', 'insufficientScope', 'debug'],
  ['authorization_details_unmet', 'insufficientScope', levelOfOwnCheck],
  ['demand_unmet', 'notAllowed', levelOfOwnCheck],
  ['user_refused', 'invalidToken', levelOfOwnCheck],
] as const satisfies readonly Row[];

type Reasons = typeof REASONS;

/** Every reason for a refusal, in the order of a request. */
export const REFUSAL_REASONS = namesOf(REASONS);

/** Why a request was refused: for the log and for operations, never shown to the caller. */
export type RefusalReason = (typeof REFUSAL_REASONS)[number];

/** The reasons of which the caller is told this. */
export type ReasonTold<Told extends keyof typeof TOLD> = Extract<
  Reasons[number],
  readonly [string, Told, ...unknown[]]
>[0];

function namesOf<const Rows extends readonly Row[]>(
  rows: Rows,
): { readonly [Index in keyof Rows]: Rows[Index][0] } {
  return rows.map(([reason]) => reason) as unknown as { readonly [Index in keyof Rows]: Rows[Index][0] };
}

const BY_REASON: ReadonlyMap<RefusalReason, Row> = new Map(REASONS.map((row) => [row[0], row]));

/** What the caller is told of a reason: its status and OAuth error code. */
export function toldOf(reason: RefusalReason): (typeof TOLD)[keyof typeof TOLD] {
  return TOLD[rowOf(reason)[1]];
}

/** Whether a reason says nothing of the caller. */
export function isOutage(reason: RefusalReason): reason is ReasonTold<'outage'> {
  return rowOf(reason)[1] === 'outage';
}

/** What listeners are told: an outage says nothing of the caller. */
export function outcomeOf(reason: RefusalReason): 'refused' | 'unavailable' {
  return isOutage(reason) ? 'unavailable' : 'refused';
}

/** The level at which a refusal is logged. */
export function logLevelOf(reason: RefusalReason, evidence: Evidence): LogLevel {
  const [, , level] = rowOf(reason);
  return typeof level === 'string' ? level : level(evidence);
}

function rowOf(reason: RefusalReason): Row {
  const row = BY_REASON.get(reason);
  if (row === undefined) throw new TypeError(`${reason} is no reason`);
  return row;
}

/** Of a JWT the endpoint may say that it knows no such tokens; any other error can be a fault of our own parameters. */
function levelOfIntrospectionError({ detail }: Evidence): LogLevel {
  return detail?.includes('unsupported_token_type') === true ? 'debug' : 'warn';
}

/** An error that says nothing of HTTP is likelier a fault in the app's `validate` than a decision. */
function levelOfOwnCheck({ cause, chosenStatus }: Evidence): LogLevel {
  return cause === undefined || chosenStatus !== undefined ? 'debug' : 'warn';
}
