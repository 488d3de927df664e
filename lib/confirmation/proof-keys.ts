import { constants, createPublicKey, type KeyObject, verify, type VerifyKeyObjectInput } from 'node:crypto';
import type { JWK } from 'jose';
import { LRUCache } from 'lru-cache';
import type { DpopAlgorithm } from '../cert-bound-auth.options.js';
import { invalidDpopProof, type OAuthError } from '../challenge/oauth-error.js';
import { messageOf } from '../message-of.js';

const MOST_KEYS = 10_000;

/**
 * The clients' proof keys. Each is imported once and kept by its thumbprint, the least recently used going first; only
 * keys that a valid token is bound to come here.
 *
 * Verified by `node:crypto` at once: a proof comes with each request, and jose's way, by Web Crypto and its threads, costs
 * half as much again as the signature.
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
    if (!fits(key, algorithm)) throw unusable(`the key is none for ${algorithm}, or of less than 2048 bits`);
    if (!isSigned(proof, key, algorithm)) throw invalidDpopProof('proof_signature_invalid');
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

/** What a key must be for each algorithm: one key must not serve for another's (RFC 8725 §3.1). */
const KEYS: Readonly<Record<DpopAlgorithm, (key: KeyObject) => boolean>> = {
  ES256: isOfCurve('prime256v1'),
  ES384: isOfCurve('secp384r1'),
  ES512: isOfCurve('secp521r1'),
  PS256: isStrongRsa,
  PS384: isStrongRsa,
  PS512: isStrongRsa,
  RS256: isStrongRsa,
  EdDSA: isEd25519,
  Ed25519: isEd25519,
};

function fits(key: KeyObject, algorithm: DpopAlgorithm): boolean {
  return KEYS[algorithm](key);
}

function isOfCurve(name: string): (key: KeyObject) => boolean {
  // Stryker disable next-line OptionalChaining: every key of ours has details, only its type says it may not
  return (key) => key.asymmetricKeyDetails?.namedCurve === name;
}

/** Only RSA has a modulus. */
function isStrongRsa({ asymmetricKeyDetails }: KeyObject): boolean {
  // Stryker disable next-line OptionalChaining: every key of ours has details, only its type says it may not
  return (asymmetricKeyDetails?.modulusLength ?? 0) >= 2048;
}

function isEd25519({ asymmetricKeyType }: KeyObject): boolean {
  return asymmetricKeyType === 'ed25519';
}

function isSigned(proof: string, key: KeyObject, algorithm: DpopAlgorithm): boolean {
  const end = proof.lastIndexOf('.');
  const signature = Buffer.from(proof.slice(end + 1), 'base64url');
  // Ed25519 hashes by itself; all others say by their name with what.
  const hash = algorithm.startsWith('Ed') ? null : `sha${algorithm.slice(2)}`;
  // Stryker disable next-line StringLiteral: what has been read as base64url is ASCII, in any encoding the same
  return verify(hash, Buffer.from(proof.slice(0, end), 'latin1'), inputOf(key, algorithm), signature);
}

/** ECDSA as the two numbers side by side (RFC 7518 §3.4); PSS with a salt as long as the hash (§3.5). */
function inputOf(key: KeyObject, algorithm: DpopAlgorithm): VerifyKeyObjectInput {
  if (algorithm.startsWith('ES')) return { key, dsaEncoding: 'ieee-p1363' };
  if (!algorithm.startsWith('PS')) return { key };
  return { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST };
}

function unusable(detail: string, cause?: unknown): OAuthError {
  return invalidDpopProof('proof_key_unusable', { detail, cause });
}
