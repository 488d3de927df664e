import { REFUSAL_REASONS, type RefusalReason } from '../../lib/challenge/reasons.js';

const REASONS: ReadonlySet<string> = new Set(REFUSAL_REASONS);

/** The server's fault, not the caller's: 503. */
const OF_SERVERS: ReadonlySet<RefusalReason> = new Set([
  'authorization_server_unreachable',
  'authorization_server_answer_invalid',
]);

/** What nothing that a caller sends, and no answer of a server, may lead to here. */
const IMPOSSIBLE: ReadonlySet<RefusalReason> = new Set([
  'context_unsupported',
  'session_foreign_page',
  'session_invalid',
  'session_expired',
  'ticket_invalid',
  'ticket_store_unavailable',
  'authorization_server_refused_client',
  'authorization_server_unresolved',
  'certificate_source_failed',
  'proofs_too_many',
  'public_url_unknown',
  'replay_store_unavailable',
  'revocations_unavailable',
  'binding_insufficient',
  'certificate_role_missing',
  'certificate_issuer_unmet',
  'claim_unmet',
  'user_absent',
  'authentication_insufficient',
  'scope_missing',
  'authorization_details_unmet',
  'demand_unmet',
  'user_refused',
]);

/** Whose fault a refusal is; `undefined` for a reason that is not documented, or cannot be. */
export function faultOf(reason: RefusalReason): 'caller' | 'server' | undefined {
  if (!REASONS.has(reason) || IMPOSSIBLE.has(reason)) return undefined;
  return OF_SERVERS.has(reason) ? 'server' : 'caller';
}
