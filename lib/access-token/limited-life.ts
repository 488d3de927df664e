import { invalidToken } from '../challenge/oauth-error.js';
import type { RevocationListSettings } from '../revocation/revocation-list.js';
import type { VerifiedToken } from './verify-access-token.js';

/**
 * A token that is good no longer than revocations are remembered: one that outlived them would come back to life.
 * @throws OAuthError 401 `invalid_token` where it is older than that, or may be
 */
export function withLimitedLife(
  verified: VerifiedToken,
  { maxTokenLifetime, clockTolerance }: Pick<RevocationListSettings, 'maxTokenLifetime' | 'clockTolerance'>,
): VerifiedToken {
  const { validity, description } = verified;
  const now = Date.now();
  const { issuedAt, expiresAt } = description;
  const longest = maxTokenLifetime + clockTolerance;
  if (issuedAt === undefined) {
    if (expiresAt - now / 1000 <= longest) return verified;
    throw tooOld(`it has no iat, and lives for longer than ${maxTokenLifetime} s`);
  }
  const until = (issuedAt + longest) * 1000;
  if (now >= until) throw tooOld(`issued ${Math.floor(now / 1000 - issuedAt)} s ago`);
  return { ...verified, validity: { ...validity, until: Math.min(validity.until, until) } };
}

function tooOld(detail: string): Error {
  return invalidToken('token_too_old', { detail: `${detail}: see revocations.maxTokenLifetime` });
}
