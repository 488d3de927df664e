/** Characters of an OAuth error code, and no more of them than a code has (RFC 6749 §5.2). */
const CODE = /^[\x20\x21\x23-\x5b\x5d-\x7e]{1,64}$/;

/** So many characters in a row in common are no chance. */
const PIECE = 8;

/**
 * The `error` of an answer, for the log: only what looks like a code, and repeats no piece of the token.
 * @returns `undefined` for anything else
 */
export function errorCodeOf(error: unknown, token: string): string | undefined {
  if (typeof error !== 'string' || !CODE.test(error)) return undefined;
  return token.includes(error) || holdsPiece(error, token) ? undefined : error;
}

function holdsPiece(text: string, token: string): boolean {
  const length = Math.min(PIECE, token.length);
  for (let start = 0; start + length <= text.length; start += 1) {
    if (token.includes(text.slice(start, start + length))) return true;
  }
  return false;
}
