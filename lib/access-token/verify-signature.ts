import {
  compactVerify,
  type CompactVerifyGetKey,
  type CryptoKey,
  decodeProtectedHeader,
  errors,
  type KeyObject,
} from 'jose';
import type { JwsAlgorithm } from '../cert-bound-auth.options.js';
import { invalidToken, type OAuthError } from '../challenge/oauth-error.js';
import type { SigningKeys } from './signing-keys.js';
import { messageOf } from '../message-of.js';

/** An algorithm that can be accepted; HMAC only with a secret that the configuration holds. */
export type SignatureAlgorithm = JwsAlgorithm | HmacAlgorithm;

/** HMAC with SHA-2 (RFC 7518 §3.2). */
export type HmacAlgorithm = 'HS256' | 'HS384' | 'HS512';

/** What verifies a signature: a key, or a set of keys that the header chooses from. */
export type VerificationKeys = CompactVerifyGetKey | CryptoKey | KeyObject;

/**
 * Verifies the signature of a JWS with the keys of one issuer.
 * @param token compact serialization
 * @throws OAuthError 401 `invalid_token`; 503 when the keys can't be had
 * @see RFC 7515 §5.2, RFC 8725 §3.1
 */
export async function verifySignature(
  token: string,
  keys: SigningKeys,
  algorithms: readonly SignatureAlgorithm[],
): Promise<void> {
  const current = await keys.current();
  const known = await tryKeys(token, current, algorithms);
  if (known === undefined) return;
  if (!mayBeNewKey(known, token)) throw known;
  const renewed = await keys.renew(current);
  const error = renewed === undefined ? known : await tryKeys(token, renewed, algorithms);
  if (error !== undefined) throw error;
}

/** A token that does not name its key may be signed with one that is not known yet, whatever fits it. */
function mayBeNewKey({ reason }: OAuthError, token: string): boolean {
  if (reason === 'key_unknown') return true;
  return reason === 'signature_invalid' && decodeProtectedHeader(token).kid === undefined;
}

/** @returns why the signature does not verify; `undefined` when it does */
async function tryKeys(
  token: string,
  keys: VerificationKeys,
  algorithms: readonly SignatureAlgorithm[],
): Promise<OAuthError | undefined> {
  try {
    await verifyWith(token, keys, algorithms);
    return undefined;
  } catch (cause) {
    if (cause instanceof errors.JWKSMultipleMatchingKeys) return tryEach(token, cause, algorithms);
    return explain(cause);
  }
}

async function verifyWith(
  token: string,
  keys: VerificationKeys,
  algorithms: readonly SignatureAlgorithm[],
): Promise<void> {
  // It takes either, but its overloads take no union of them.
  await compactVerify(token, keys as CompactVerifyGetKey, { algorithms: [...algorithms] });
}

/** Several keys fit a token without `kid`, or with one that is used twice: any of them may have signed it. */
async function tryEach(
  token: string,
  candidates: AsyncIterable<CryptoKey>,
  algorithms: readonly SignatureAlgorithm[],
): Promise<OAuthError | undefined> {
  let error: OAuthError | undefined = invalidToken('key_unknown');
  for await (const key of candidates) {
    error = await tryKeys(token, key, algorithms);
    if (error === undefined) return undefined;
  }
  return error;
}

/** The header has been checked already, so what can go wrong is the key or the signature. */
function explain(cause: unknown): OAuthError {
  if (cause instanceof errors.JWKSNoMatchingKey) return invalidToken('key_unknown', { cause });
  if (cause instanceof errors.JWSSignatureVerificationFailed)
    return invalidToken('signature_invalid', { cause });
  // A key that is broken or too weak is the server's fault, but no reason to trust the token.
  return invalidToken('key_unusable', {
    detail: messageOf(cause),
    cause,
  });
}
