import type { KeyObject } from 'node:crypto';
import type { JWK } from 'jose';
import type { JsonObject } from '../jose/json-object.js';
import { acceptedAlgorithm } from '../authorization-server/verify-signature.js';
import type { DpopAlgorithm } from '../cert-bound-auth.options.js';
import { invalidDpopProof } from '../challenge/oauth-error.js';
import { jwkThumbprint } from '../jose/jwk-thumbprint.js';
import { malformedProof } from './malformed-proof.js';
import { readProofKey } from './proof-key.js';

/** What the header of a proof says: letter by letter the same in all proofs that one client makes with one key. */
export interface ProofHeader {
  readonly algorithm: DpopAlgorithm;
  /** Imported where a proof with this header has been verified; else as the header has it. */
  readonly key: KeyObject | JWK;
  /** Of the key (RFC 7638); `undefined` for one that lacks members of its type. */
  readonly thumbprint: string | undefined;
}

/**
 * Reads the header of a proof.
 * @throws OAuthError 401 `invalid_dpop_proof`
 * @see RFC 9449 §4.3, items 4, 5 and 7
 */
export function readProofHeader(header: JsonObject, algorithms: readonly DpopAlgorithm[]): ProofHeader {
  const { typ, alg, crit, jwk } = header as { readonly [name in 'typ' | 'alg' | 'crit' | 'jwk']: unknown };
  if (typ !== 'dpop+jwt') throw malformedProof('its typ is not dpop+jwt');
  const algorithm = acceptedAlgorithm(alg, algorithms);
  if (algorithm === undefined) throw invalidDpopProof('proof_algorithm_not_allowed');
  if (crit !== undefined) throw malformedProof('it has a crit header, of which nothing is supported');
  const key = readProofKey(jwk);
  return { algorithm, key, thumbprint: jwkThumbprint(key) };
}
