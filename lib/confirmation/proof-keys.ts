import { createPublicKey, type KeyObject } from 'node:crypto';
import { compactVerify, errors, type JWK } from 'jose';
import { LRUCache } from 'lru-cache';
import type { DpopAlgorithm } from '../cert-bound-auth.options.js';
import { invalidDpopProof, type OAuthError } from '../challenge/oauth-error.js';
import { messageOf } from '../message-of.js';

const MOST_KEYS = 10_000;

/**
 * The clients' proof keys. Each is imported once and kept by its thumbprint, the least recently used going first; only
 * keys that a valid token is bound to come here.
 */
export class ProofKeys {
  private readonly keys = new LRUCache<string, KeyObject>({ max: MOST_KEYS });

  /**
   * Verifies the signature of a proof.
   * @param thumbprint of `jwk` (RFC 7638)
   * @throws OAuthError 401 `invalid_dpop_proof`
   */
  async verify(proof: string, jwk: JWK, thumbprint: string, algorithm: DpopAlgorithm): Promise<void> {
    try {
      await compactVerify(proof, this.keyOf(jwk, thumbprint), { algorithms: [algorithm] });
    } catch (cause) {
      throw explain(cause);
    }
  }

  private keyOf(jwk: JWK, thumbprint: string): KeyObject {
    const known = this.keys.get(thumbprint);
    if (known !== undefined) return known;
    const key = createPublicKey({ key: jwk as never, format: 'jwk' });
    this.keys.set(thumbprint, key);
    return key;
  }
}

/** Header and key have been looked at already: what can still be wrong is the signature, or the key in itself. */
function explain(cause: unknown): OAuthError {
  return cause instanceof errors.JWSSignatureVerificationFailed
    ? invalidDpopProof('proof_signature_invalid', { cause })
    : invalidDpopProof('proof_key_unusable', { detail: messageOf(cause), cause });
}
