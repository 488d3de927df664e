import { invalidDpopProof, type OAuthError } from '../challenge/oauth-error.js';

/** A proof that has not the form of one (RFC 9449 §4.2). */
export function malformedProof(detail: string): OAuthError {
  return invalidDpopProof('proof_malformed', { detail: `the proof: ${detail}` });
}
