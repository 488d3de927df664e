import { createPublicKey, type KeyObject } from 'node:crypto';
import type { JWK } from 'jose';
import { LRUCache } from 'lru-cache';
import type { DpopAlgorithm } from '../cert-bound-auth.options.js';
import { invalidDpopProof, type OAuthError } from '../challenge/oauth-error.js';
import { describeMisfit, fits, isSigned } from '../jws-signature.js';
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
   * @param proof compact serialization, in canonical base64url
   * @param thumbprint of `jwk` (RFC 7638)
   * @throws OAuthError 401 `invalid_dpop_proof`
   * @see RFC 7515 §5.2, RFC 7518 §3, RFC 8037 §3.1
   */
  verify(proof: string, jwk: JWK, thumbprint: string, algorithm: DpopAlgorithm): void {
    const key = this.keyOf(jwk, thumbprint);
    if (!fits(key, algorithm)) throw unusable(describeMisfit(algorithm));
    if (!verifies(proof, key, algorithm)) throw invalidDpopProof('proof_signature_invalid');
  }

  private keyOf(jwk: JWK, thumbprint: string): KeyObject {
    const known = this.keys.get(thumbprint);
    if (known !== undefined) return known;
    const key = importKey(jwk);
    this.keys.set(thumbprint, key);
    return key;
  }
}

/** Its form has been looked at already; its point may still be none of the curve. */
function importKey(jwk: JWK): KeyObject {
  try {
    return createPublicKey({ key: jwk as never, format: 'jwk' });
  } catch (cause) {
    throw unusable(messageOf(cause), cause);
  }
}

/** OpenSSL may have been built or set up to do without an algorithm. */
function verifies(proof: string, key: KeyObject, algorithm: DpopAlgorithm): boolean {
  // Stryker disable BlockStatement: proved by test/crypto-unavailable.spec.ts, which no thread can run
  try {
    return isSigned(proof, key, algorithm);
  } catch (cause) {
    throw unusable(messageOf(cause), cause);
  }
}

// Stryker restore BlockStatement
function unusable(detail: string, cause?: unknown): OAuthError {
  return invalidDpopProof('proof_key_unusable', { detail, cause });
}
