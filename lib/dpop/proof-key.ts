import type { JWK } from 'jose';
import { isJsonObject } from '../jose/json-object.js';
import { fitnessOf } from '../jose/key-fitness.js';
import { invalidDpopProof } from '../challenge/oauth-error.js';

/**
 * Reads the `jwk` of a proof: a public key, in its one canonical form, that is fit to verify with.
 * @returns the members that make the key, and no others
 * @throws OAuthError 401 `invalid_dpop_proof`
 * @see RFC 9449 §4.2, §4.3 item 7
 */
export function readProofKey(jwk: unknown): JWK {
  if (!isJsonObject(jwk)) {
    throw invalidDpopProof('proof_malformed', { detail: 'the proof: its jwk is no object' });
  }
  const fitness = fitnessOf(jwk, 'canonical');
  if (fitness.kind === 'fit') return fitness.jwk;
  throw invalidDpopProof('proof_key_unusable', { detail: `the jwk of the proof: ${fitness.problem}` });
}
