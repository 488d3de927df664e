/**
 * Keeps introspection answers for all instances of an API. It is given digests and ciphertext only. What it rejects
 * with, or does not answer in time, counts as an answer that is not there.
 */
export interface IntrospectionStore {
  /** What was kept under a key; `undefined` when there is nothing, or no longer. */
  get(key: string): Promise<string | undefined>;
  /** Keeps a value for a while. @param ttlSeconds a whole number, at least 1 */
  set(key: string, value: string, ttlSeconds: number): Promise<void>;
}
