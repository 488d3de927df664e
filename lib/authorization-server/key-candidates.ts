import type { KeyObject } from 'node:crypto';
import type { JWK } from 'jose';
import type { OAuthErrorDetails } from '../challenge/oauth-error.js';
import { importPublicKey } from '../jose/import-public-key.js';
import { describeMisfit, fits, type SignatureAlgorithm } from '../jose/jws-signature.js';
import { messageOf } from '../common/message-of.js';
import { isAbsentMember } from '../jose/json-object.js';
import { fitnessOf, type KeyFitness } from '../jose/key-fitness.js';

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
/** What it costs to verify with all of them, as a multiple of RSA with 2048 bits: ten keys of 4096 bits are 40. */
const MOST_COST = 64;

/**
 * The keys that are for an algorithm, by what they say of themselves. One that is broken hides no others, and one that is
 * published twice counts once. Whether a key is fit is found out before it is imported: what an unfit one costs, nobody pays.
 * @see RFC 7517 §4, RFC 8725 §3.1
 */
export function candidatesAmong(keys: readonly JWK[], algorithm: SignatureAlgorithm): KeyCandidates {
  const meant = keys.filter((key) => isFor(key, algorithm));
  if (meant.length === 0) return { kind: 'none', reason: 'key_unknown', details: {} };
  const found = new Candidates(algorithm);
  for (const key of meant) {
    found.add(key);
    if (found.isFull) break;
  }
  return found.keys();
}

/** The keys that one token is tried with, and what trying them costs. */
class Candidates {
  /** By what makes each. */
  private readonly found = new Map<string, KeyObject>();
  private problem: OAuthErrorDetails = {};
  private cost = 0;
  isFull = false;

  constructor(private readonly algorithm: SignatureAlgorithm) {}

  /** Adds a key, unless it is unfit, here already, or too much beside the others. */
  add(key: JWK): void {
    try {
      this.addFit(requireFit(key));
    } catch (cause) {
      this.problem = { detail: messageOf(cause), cause };
    }
  }

  /** What is wrong with the last, where there is none. */
  keys(): KeyCandidates {
    const keys = [...this.found.values()];
    return keys.length > 0
      ? { kind: 'found', keys }
      : { kind: 'none', reason: 'key_unusable', details: this.problem };
  }

  private addFit({ jwk, cost }: FitKey): void {
    const name = JSON.stringify(jwk);
    if (this.found.has(name)) return;
    const key = requireFitting(importPublicKey(jwk), this.algorithm);
    // By itself none is too much, for it is fit.
    if (this.found.size === 0 || this.cost + cost <= MOST_COST) {
      this.found.set(name, key);
      this.cost += cost;
    }
    this.isFull = this.found.size === MOST_CANDIDATES || this.cost >= MOST_COST;
  }
}

type FitKey = KeyFitness & { readonly kind: 'fit' };

/** A key that may serve for an algorithm, or why it may not. */
export function candidate(key: KeyObject, algorithm: SignatureAlgorithm): KeyCandidates {
  if (fits(key, algorithm)) return { kind: 'found', keys: [key] };
  return { kind: 'none', reason: 'key_unusable', details: { detail: describeMisfit(algorithm) } };
}

/** @throws TypeError for a key that is unfit, whatever it is for */
function requireFit(key: JWK): FitKey {
  const fitness = fitnessOf(key, 'lenient');
  if (fitness.kind === 'fit') return fitness;
  throw new TypeError(`the key is unfit: ${fitness.problem}`);
}

/** @throws TypeError for a key of another kind, or one that is too weak */
function requireFitting(key: KeyObject, algorithm: SignatureAlgorithm): KeyObject {
  if (fits(key, algorithm)) return key;
  throw new TypeError(describeMisfit(algorithm));
}

/** What a key does not say of itself rules nothing out, and neither does what is no member of its type (RFC 7517 §4). */
function isFor({ kty, crv, alg, use, key_ops: operations }: JWK, algorithm: SignatureAlgorithm): boolean {
  const [type, curve] = FORMS[algorithm];
  return (
    kty === type &&
    (curve === undefined || crv === curve) &&
    (isAbsentMember(alg) || alg === algorithm) &&
    (isAbsentMember(use) || use === 'sig') &&
    (isAbsentMember(operations) || (Array.isArray(operations) && operations.includes('verify')))
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
