import { createPublicKey, type KeyObject } from 'node:crypto';
import type { JWK } from 'jose';
import type { OAuthErrorDetails } from '../challenge/oauth-error.js';
import { describeMisfit, fits, type SignatureAlgorithm } from '../jose/jws-signature.js';
import { messageOf } from '../common/message-of.js';

/** Keys that may have signed a token, or why there are none. */
export type KeyCandidates =
  | { readonly kind: 'found'; readonly keys: readonly KeyObject[] }
  | {
      readonly kind: 'none';
      readonly reason: 'key_unknown' | 'key_unusable';
      readonly details: OAuthErrorDetails;
    };

/** Whoever sends tokens without `kid` must not make one token cost as much as a thousand. */
const MOST_CANDIDATES = 10;

/**
 * The keys that are for an algorithm, by what they say of themselves. One that is broken hides no others.
 * @see RFC 7517 §4, RFC 8725 §3.1
 */
export function candidatesAmong(keys: readonly JWK[], algorithm: SignatureAlgorithm): KeyCandidates {
  const meant = keys.filter((key) => isFor(key, algorithm));
  if (meant.length === 0) return { kind: 'none', reason: 'key_unknown', details: {} };
  return firstUsable(meant, (key) => createPublicKey({ key: { ...key } as never, format: 'jwk' }), algorithm);
}

/** The first keys that can be had, and that may serve for an algorithm; if there are none, what is wrong with the last. */
export function firstUsable<Key>(
  keys: readonly Key[],
  importKey: (key: Key) => KeyObject,
  algorithm: SignatureAlgorithm,
): KeyCandidates {
  const usable: KeyObject[] = [];
  let problem: OAuthErrorDetails = {};
  for (const key of keys) {
    try {
      usable.push(requireFitting(importKey(key), algorithm));
    } catch (cause) {
      problem = { detail: messageOf(cause), cause };
    }
    if (usable.length === MOST_CANDIDATES) break;
  }
  if (usable.length > 0) return { kind: 'found', keys: usable };
  return { kind: 'none', reason: 'key_unusable', details: problem };
}

/** @throws TypeError for a key of another kind, or one that is too weak */
function requireFitting(key: KeyObject, algorithm: SignatureAlgorithm): KeyObject {
  if (fits(key, algorithm)) return key;
  throw new TypeError(describeMisfit(algorithm));
}

/** What a key does not say of itself rules nothing out. */
function isFor({ kty, crv, alg, use, key_ops: operations }: JWK, algorithm: SignatureAlgorithm): boolean {
  const [type, curve] = FORMS[algorithm];
  return (
    kty === type &&
    crv === curve &&
    (alg === undefined || alg === algorithm) &&
    (use === undefined || use === 'sig') &&
    (operations === undefined || (Array.isArray(operations) && operations.includes('verify')))
  );
}

/** `kty` and `crv` of the keys for each algorithm (RFC 7518 §3.1, RFC 8037 §3.1); a secret is never published. */
const FORMS: Readonly<Record<SignatureAlgorithm, readonly [kty?: string, crv?: string]>> = {
  ES256: ['EC', 'P-256'],
  ES384: ['EC', 'P-384'],
  ES512: ['EC', 'P-521'],
  PS256: ['RSA'],
  PS384: ['RSA'],
  PS512: ['RSA'],
  RS256: ['RSA'],
  RS384: ['RSA'],
  RS512: ['RSA'],
  EdDSA: ['OKP', 'Ed25519'],
  Ed25519: ['OKP', 'Ed25519'],
  HS256: [],
  HS384: [],
  HS512: [],
};
