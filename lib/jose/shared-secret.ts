import type { HmacAlgorithm } from './jws-signature.js';

/** A secret as bytes: text stands for its UTF-8. */
export function bytesOf(secret: string | Uint8Array): Uint8Array {
  return Buffer.from(secret);
}

/** Bytes that the secret of each algorithm must have at least (RFC 7518 §3.2). */
const LEAST_BYTES: Readonly<Record<HmacAlgorithm, number>> = { HS256: 32, HS384: 48, HS512: 64 };

/** The algorithms that a secret is long enough for. */
export function hmacAlgorithmsFor(secret: Uint8Array): readonly HmacAlgorithm[] {
  return (Object.keys(LEAST_BYTES) as HmacAlgorithm[]).filter(
    (algorithm) => secret.length >= LEAST_BYTES[algorithm],
  );
}
