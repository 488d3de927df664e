/** One client has used more proofs than its share of the store. */
export class TooManyProofsError extends Error {
  override readonly name = 'TooManyProofsError';
}
