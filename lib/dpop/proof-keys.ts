import { KeyObject } from 'node:crypto';
import type { JWK } from 'jose';
import { LRUCache } from 'lru-cache';
import type { DpopAlgorithm } from '../cert-bound-auth.options.js';
import { invalidDpopProof, type OAuthError } from '../challenge/oauth-error.js';
import { copyOfText } from '../common/copy-of-text.js';
import { importPublicKey } from '../jose/import-public-key.js';
import { describeMisfit, fits, isSigned } from '../jose/jws-signature.js';
import { messageOf } from '../common/message-of.js';
import type { ProofHeader } from './proof-header.js';

const MOST_KEYS = 10_000;

/** Characters: a header with an RSA key of 4096 bits and its `kid` has some 1,200. */
const LONGEST_HEADER = 2_000;

/** What is verified of a proof. */
export interface SignedProof {
  /** Compact serialization, in canonical base64url. */
  readonly jwt: string;
  readonly header: ProofHeader;
}

/** A key that has verified a proof, and the header that it came in. */
interface KnownKey {
  /** `undefined` where it was too long to be kept. */
  readonly text: string | undefined;
  readonly header: ProofHeader & { readonly key: KeyObject };
}

/**
 * The clients' proof keys, by their thumbprints: each is imported once, and found fit for its algorithm; its header is
 * read once, as long as the client writes it in the same way. Only what has verified a proof for a valid token is kept, once
 * for each key; the least recently used goes first.
 */
export class ProofKeys {
  private readonly known = new LRUCache<string, KnownKey>({ max: MOST_KEYS });

  /**
   * What a header says, where the last proof by this key that was verified had the same, letter by letter.
   * @param text the first part of a proof
   * @param thumbprint of the key that the proof must be by
   */
  find(text: string, thumbprint: string): ProofHeader | undefined {
    const known = this.known.get(thumbprint);
    return known?.text === text ? known.header : undefined;
  }

  /**
   * Verifies the signature of a proof.
   * @param thumbprint of its key, which has been compared
   * @throws OAuthError 401 `invalid_dpop_proof`
   * @see RFC 7515 §5.2, RFC 7518 §3, RFC 8037 §3.1
   */
  verify({ jwt, header }: SignedProof, thumbprint: string): void {
    const { algorithm } = header;
    const key = this.keyOf(header, thumbprint);
    if (!verifies(jwt, key, algorithm)) throw invalidDpopProof('proof_signature_invalid');
    if (header.key !== key) this.known.set(thumbprint, { text: textToKeep(jwt), header: { ...header, key } });
  }

  private keyOf({ key, algorithm }: ProofHeader, thumbprint: string): KeyObject {
    if (key instanceof KeyObject) return key;
    const known = this.known.get(thumbprint)?.header;
    return known?.algorithm === algorithm ? known.key : importKey(key, algorithm);
  }
}

/** The header, and nothing else of the proof. */
function textToKeep(jwt: string): string | undefined {
  const length = jwt.indexOf('.');
  return length > LONGEST_HEADER ? undefined : copyOfText(jwt.slice(0, length));
}

/** Its form has been looked at already; its point may still be none of the curve. */
function importKey(jwk: JWK, algorithm: DpopAlgorithm): KeyObject {
  const key = importJwk(jwk);
  if (fits(key, algorithm)) return key;
  throw unusable(describeMisfit(algorithm));
}

function importJwk(jwk: JWK): KeyObject {
  try {
    return importPublicKey(jwk);
  } catch (cause) {
    throw unusable(messageOf(cause), cause);
  }
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
