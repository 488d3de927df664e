import { compactVerify, type CompactVerifyGetKey, type CryptoKey, errors, type KeyObject } from 'jose';
import type { JwsAlgorithm } from '../cert-bound-auth.options.js';
import { invalidToken, OAuthError } from '../challenge/oauth-error.js';
import type { KeyGroup, KeySet } from './key-set.js';
import type { SigningKeys } from './signing-keys.js';
import { messageOf } from '../message-of.js';

/** An algorithm that can be accepted; HMAC only with a secret that the configuration holds. */
export type SignatureAlgorithm = JwsAlgorithm | HmacAlgorithm;

/** HMAC with SHA-2 (RFC 7518 §3.2). */
export type HmacAlgorithm = 'HS256' | 'HS384' | 'HS512';

/** What verifies a signature: a key, or a set of keys that the header chooses from. */
export type VerificationKeys = CompactVerifyGetKey | CryptoKey | KeyObject;

/** A JWS in compact serialization, and the `kid` of its header. */
export interface SignedText {
  readonly jws: string;
  readonly kid: unknown;
}

/**
 * Verifies the signature of a JWS with the keys of one issuer.
 * @returns the keys that it was verified with: what is verified holds no longer than they do
 * @throws OAuthError 401 `invalid_token`; 503 when the keys can't be had
 * @see RFC 7515 §5.2, RFC 8725 §3.1
 */
export async function verifySignature(
  signed: SignedText,
  keys: SigningKeys,
  algorithms: readonly SignatureAlgorithm[],
): Promise<KeyGroup> {
  const current = await keys.current();
  const verified = await tryNewer(signed, keys, algorithms, current, MOST_RENEWALS);
  if (verified instanceof OAuthError) throw verified;
  return verified;
}

/** The first may bring keys that others have asked for before the newest was published. */
const MOST_RENEWALS = 2;

/** Tries these keys, and where the token may be of a new one, those that are fetched in their place. */
async function tryNewer(
  signed: SignedText,
  keys: SigningKeys,
  algorithms: readonly SignatureAlgorithm[],
  known: KeySet,
  renewals: number,
): Promise<KeyGroup | OAuthError> {
  const verified = await tryKeys(signed, known, algorithms);
  if (renewals === 0 || !mayBeNewKey(verified, signed)) return verified;
  const renewed = await keys.renew(known);
  return renewed === undefined ? verified : tryNewer(signed, keys, algorithms, renewed, renewals - 1);
}

/** A token that does not name its key may be signed with one that is not known yet, whatever fits it. */
function mayBeNewKey(verified: KeyGroup | OAuthError, { kid }: SignedText): boolean {
  if (!(verified instanceof OAuthError)) return false;
  const { reason } = verified;
  if (reason === 'key_unknown') return true;
  return reason === 'signature_invalid' && kid === undefined;
}

/** @returns the keys of which one verifies the signature, or why none does */
async function tryKeys(
  { jws, kid }: SignedText,
  keys: KeySet,
  algorithms: readonly SignatureAlgorithm[],
): Promise<KeyGroup | OAuthError> {
  const group = keys.groupFor(kid);
  if (group === undefined) return invalidToken('key_unknown');
  return (await tryKey(jws, group.keys, algorithms)) ?? group;
}

/** @returns why the signature does not verify; `undefined` when it does */
async function tryKey(
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

/** Whoever sends tokens without `kid` must not make one token cost as much as a thousand. */
const MOST_TRIES = 10;

/** Several keys fit a token without `kid`, or with one that is used twice: any of them may have signed it. */
async function tryEach(
  token: string,
  candidates: AsyncIterable<CryptoKey>,
  algorithms: readonly SignatureAlgorithm[],
): Promise<OAuthError | undefined> {
  let error: OAuthError | undefined = invalidToken('key_unknown');
  let tried = 0;
  for await (const key of candidates) {
    if ((tried += 1) > MOST_TRIES) break;
    error = await tryKey(token, key, algorithms);
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
