import { withoutSecret } from '../common/without-secret.js';
import { OAuthError } from './oauth-error.js';

/**
 * An error whose detail repeats neither the token that it is about nor a long piece of it, whoever has put that there: a
 * server may echo what it was asked about.
 */
export function withoutToken(error: OAuthError, token: string): OAuthError {
  const { refusal, reason, detail, cause, chosenStatus } = error;
  if (detail === undefined) return error;
  const clean = withoutSecret(detail, token);
  return clean === detail ? error : new OAuthError(refusal, reason, { detail: clean, cause, chosenStatus });
}
