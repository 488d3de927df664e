import type { KeysToVerifyWith } from '../authorization-server/signing-keys.js';
import { isJsonObject } from '../jose/json-object.js';
import {
  checkAudience,
  checkHeader,
  checkIssuer,
  issuedAt,
  type SetRules,
  textOf,
  type UnverifiedSet,
  verifySigned,
} from './security-event-token.js';
import { SetError } from './set-error.js';

/** Whose session has ended. */
export interface LogoutToken {
  /** Seconds since the epoch. */
  readonly issuedAt: number;
  readonly subject: string | undefined;
  readonly sessionId: string | undefined;
}

/** What the logout tokens of one provider must be. */
export interface LogoutRules extends SetRules {
  /** Whether their header must say that they are such. */
  readonly typ: 'required' | 'if-present';
}

const LOGOUT_TYPE = 'logout+jwt';
const LOGOUT_EVENT = 'http://schemas.openid.net/event/backchannel-logout';

/**
 * Verifies a logout token with the keys of its provider.
 * @throws SetError; OAuthError 503 where the keys cannot be had
 * @see OpenID Connect Back-Channel Logout 1.0 §2.4, §2.6
 */
export async function verifyLogoutToken(
  token: UnverifiedSet,
  rules: LogoutRules,
  keys: KeysToVerifyWith,
): Promise<LogoutToken> {
  const types = rules.typ === 'required' ? [LOGOUT_TYPE] : [LOGOUT_TYPE, 'jwt', undefined];
  const algorithm = checkHeader(token, types, rules);
  await verifySigned(token, algorithm, keys);
  const { payload } = token;
  checkIssuer(payload, rules);
  checkAudience(payload, rules);
  checkExpiry(payload['exp'], rules);
  textOf(payload, 'jti');
  const { events } = payload;
  if (!isJsonObject(events) || !isJsonObject(events[LOGOUT_EVENT]))
    throw new SetError('invalid_request', 'its events do not say that it is a logout');
  if (Object.hasOwn(payload, 'nonce')) throw new SetError('invalid_request', 'it must not have nonce');
  const [subject, sessionId] = ['sub', 'sid'].map((name) =>
    Object.hasOwn(payload, name) ? textOf(payload, name) : undefined,
  );
  if (subject === undefined && sessionId === undefined)
    throw new SetError('invalid_request', 'it has neither sub nor sid');
  return { issuedAt: issuedAt(payload, rules), subject, sessionId };
}

function checkExpiry(exp: unknown, { clockTolerance }: LogoutRules): void {
  if (typeof exp === 'number' && Date.now() / 1000 < exp + clockTolerance) return;
  throw new SetError('invalid_request', 'it has no exp, or has expired');
}
