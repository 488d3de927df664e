import { type OAuthError, outage } from '../challenge/oauth-error.js';

/**
 * An answer that makes no sense: 503, for it says nothing about the caller.
 * @param where what has said it, for the log
 */
export function invalidAnswer(where: string, problem: string, cause?: unknown): OAuthError {
  return outage('authorization_server_answer_invalid', { detail: `${where}: ${problem}`, cause });
}
