/** Remembers which proofs have been used (RFC 9449 §11.1). */
export interface ReplayStore {
  /**
   * Adds a key, atomically: of any number of calls with the same key, on all instances of the API, exactly one
   * resolves to `true` until the key's time is over. It rejects when it cannot tell, which is answered with 503: a
   * store never lets a proof pass unseen.
   * @param key digest of the client's key and digest of the proof's `jti`, both base64url, separated by a dot
   * @param ttlSeconds how long the key must be kept: a whole number, at least 1
   * @throws TooManyProofsError when the client alone is to blame, which is answered with 429
   */
  addIfAbsent(key: string, ttlSeconds: number): Promise<boolean>;
}

/** One client has used more proofs than its share of the store. */
export class TooManyProofsError extends Error {
  override readonly name = 'TooManyProofsError';
}
