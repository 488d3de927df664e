import { OAuthError, outage } from '../challenge/oauth-error.js';
import { messageOf } from '../common/message-of.js';

/** What is so odd that we stumble over it is nonsense of the server's (invariant 3). */
export function asOutage(cause: unknown): OAuthError {
  if (cause instanceof OAuthError) return cause;
  return outage('authorization_server_answer_invalid', { detail: messageOf(cause), cause });
}
