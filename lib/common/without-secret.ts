/** Runs of characters of a token (RFC 6750 §2.1), as long as no word is. */
const LONG_RUN = /[\w\-.~+/]{16,}=*/g;
const PLACE_HOLDER = '[token]';

/** A text that repeats neither a token nor a long piece of it. */
export function withoutSecret(text: string, secret: string): string {
  if (secret === '') return text;
  return text
    .replaceAll(secret, PLACE_HOLDER)
    .replaceAll(LONG_RUN, (run) => (secret.includes(run) ? PLACE_HOLDER : run));
}
