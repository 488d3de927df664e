import { createPublicKey, KeyObject } from 'node:crypto';
import type { JWK } from 'jose';
import { LRUCache } from 'lru-cache';
import type { DpopAlgorithm } from '../cert-bound-auth.options.js';
import { invalidDpopProof, type OAuthError } from '../challenge/oauth-error.js';
import { describeMisfit, fits, isSigned } from '../jws-signature.js';
import { messageOf } from '../message-of.js';
import type { ProofHeader } from './proof-header.js';

const MOST_HEADERS = 10_000;

/** Characters: enough for an RSA key of 4096 bits, and nothing beside it. */
const LONGEST_HEADER = 1_200;

/** What is verified of a proof. */
export interface SignedProof {
  /** Compact serialization, in canonical base64url. */
  readonly jwt: string;
  readonly header: ProofHeader;
}

/**
 * The clients' proof keys. A key is read, imported and found fit for its algorithm once, and kept by the header that it
 * stood in, which holds no secret and is in every proof of that client's; the least recently used goes first. Only what
 * has verified a proof for a valid token is kept.
 */
export class ProofKeys {
  private readonly headers = new LRUCache<string, ProofHeader>({ max: MOST_HEADERS });

  /** What a header says, where a proof with it has been verified. @param text the first part of a proof */
  find(text: string): ProofHeader | undefined {
    return this.headers.get(text);
  }

  /**
   * Verifies the signature of a proof.
   * @throws OAuthError 401 `invalid_dpop_proof`
   * @see RFC 7515 §5.2, RFC 7518 §3, RFC 8037 §3.1
   */
  verify({ jwt, header }: SignedProof): void {
    const { key, algorithm } = header;
    if (key instanceof KeyObject) {
      requireSigned(jwt, key, algorithm);
      return;
    }
    const imported = importKey(key, algorithm);
    requireSigned(jwt, imported, algorithm);
    this.keep(jwt, { ...header, key: imported });
  }

  private keep(jwt: string, header: ProofHeader): void {
    const length = jwt.indexOf('.');
    if (length > LONGEST_HEADER) return;
    // Text of its own: V8 makes a part of a string a view that keeps the whole proof in memory.
    this.headers.set(Buffer.from(jwt.slice(0, length)).toString(), header);
  }
}

/** Its form has been looked at already; its point may still be none of the curve. */
function importKey(jwk: JWK, algorithm: DpopAlgorithm): KeyObject {
  const key = importJwk(jwk);
  if (fits(key, algorithm)) return key;
  throw unusable(describeMisfit(algorithm));
}

function importJwk(jwk: JWK): KeyObject {
  try {
    return createPublicKey({ key: jwk as never, format: 'jwk' });
  } catch (cause) {
    throw unusable(messageOf(cause), cause);
  }
}

function requireSigned(jwt: string, key: KeyObject, algorithm: DpopAlgorithm): void {
  if (!verifies(jwt, key, algorithm)) throw invalidDpopProof('proof_signature_invalid');
}

/** OpenSSL may have been built or set up to do without an algorithm. */
function verifies(jwt: string, key: KeyObject, algorithm: DpopAlgorithm): boolean {
  // Stryker disable BlockStatement: proved by test/crypto-unavailable.spec.ts, which no thread can run
  try {
    return isSigned(jwt, key, algorithm);
  } catch (cause) {
    throw unusable(messageOf(cause), cause);
  }
}

// Stryker restore BlockStatement
function unusable(detail: string, cause?: unknown): OAuthError {
  return invalidDpopProof('proof_key_unusable', { detail, cause });
}
