import { hash } from 'node:crypto';
import { calculateJwkThumbprint, EmbeddedJWK, jwtVerify } from 'jose';
import { LRUCache } from 'lru-cache';
import { DPOP_ALGORITHMS } from '../../options/dpop.settings.js';
import { EndpointRefusal } from './endpoint-answer.js';

/** Seconds. */
const PROOF_LIFETIME = 60;
const CLOCK_SKEW = 5;
const MAX_PROOFS = 10_000;

/** Checks the proofs of token requests, which have no token yet (RFC 9449 §5). */
export class TokenRequestProofs {
  private readonly used = new LRUCache<string, true>({
    max: MAX_PROOFS,
    ttl: (PROOF_LIFETIME + 2 * CLOCK_SKEW) * 1000,
  });

  constructor(private readonly url: string) {}

  /**
   * @returns the thumbprint of the key that a token is to be bound to
   * @throws EndpointRefusal `invalid_dpop_proof`
   */
  async check(proof: string): Promise<string> {
    const { payload, protectedHeader } = await jwtVerify(proof, EmbeddedJWK, {
      typ: 'dpop+jwt',
      algorithms: [...DPOP_ALGORITHMS],
      maxTokenAge: PROOF_LIFETIME,
      clockTolerance: CLOCK_SKEW,
      requiredClaims: ['jti', 'htm', 'htu', 'iat'],
    }).catch((error: unknown) => {
      throw invalidProof(error instanceof Error ? error.message : 'it is no JWT');
    });
    if (payload['htm'] !== 'POST') throw invalidProof('its htm is not POST');
    if (payload['htu'] !== this.url) throw invalidProof(`its htu is not ${this.url}`);
    // EmbeddedJWK has taken the key from this header.
    const thumbprint = await calculateJwkThumbprint(protectedHeader.jwk ?? {});
    const digest = hash('sha256', `${thumbprint}.${String(payload.jti)}`, 'base64url');
    if (this.used.has(digest)) throw invalidProof('it was used before');
    this.used.set(digest, true);
    return thumbprint;
  }
}

function invalidProof(detail: string): EndpointRefusal {
  return new EndpointRefusal(400, 'invalid_dpop_proof', `the DPoP proof: ${detail}`);
}
