import { OAuthError } from './oauth-error.js';

/** Runs of characters of a token (RFC 6750 §2.1), as long as no word is. */
const LONG_RUN = /[\w\-.~+/]{16,}=*/g;
const PLACE_HOLDER = '[token]';

/**
 * An error whose detail repeats neither the token that it is about nor a long piece of it, whoever has put that there: a
 * server may echo what it was asked about.
 */
export function withoutToken(error: OAuthError, token: string): OAuthError {
  const { refusal, reason, detail, cause, chosenStatus } = error;
  if (detail === undefined || token === '') return error;
  const clean = detail
    .replaceAll(token, PLACE_HOLDER)
    .replaceAll(LONG_RUN, (run) => (token.includes(run) ? PLACE_HOLDER : run));
  return clean === detail ? error : new OAuthError(refusal, reason, { detail: clean, cause, chosenStatus });
}
