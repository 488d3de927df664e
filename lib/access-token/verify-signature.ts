import { compactVerify, type CompactVerifyGetKey, type CryptoKey, errors } from 'jose';
import type { JwsAlgorithm } from '../cert-bound-auth.options.js';
import { invalidToken, type OAuthError } from '../challenge/oauth-error.js';
import type { SigningKeys } from './signing-keys.js';

/**
 * Verifies the signature of a JWS with the keys of one issuer.
 * @param token compact serialization
 * @throws OAuthError 401 `invalid_token`; 503 when the keys can't be had
 * @see RFC 7515 §5.2, RFC 8725 §3.1
 */
export async function verifySignature(
  token: string,
  keys: SigningKeys,
  algorithms: readonly JwsAlgorithm[],
): Promise<void> {
  const known = await tryKeys(token, await keys.current(), algorithms);
  if (known === undefined) return;
  if (known.reason !== 'key_unknown') throw known;
  const renewed = await keys.renew();
  const error = renewed === undefined ? known : await tryKeys(token, renewed, algorithms);
  if (error !== undefined) throw error;
}

/** @returns why the signature does not verify; `undefined` when it does */
async function tryKeys(
  token: string,
  keys: CompactVerifyGetKey | CryptoKey,
  algorithms: readonly JwsAlgorithm[],
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
  keys: CompactVerifyGetKey | CryptoKey,
  algorithms: readonly JwsAlgorithm[],
): Promise<void> {
  const options = { algorithms: [...algorithms] };
  await (typeof keys === 'function'
    ? compactVerify(token, keys, options)
    : compactVerify(token, keys, options));
}

/** Several keys fit a token without `kid`, or with one that is used twice: any of them may have signed it. */
async function tryEach(
  token: string,
  candidates: AsyncIterable<CryptoKey>,
  algorithms: readonly JwsAlgorithm[],
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
    detail: cause instanceof Error ? cause.message : String(cause),
    cause,
  });
}
