import { claimAt } from '../claims/claim-at.js';
import type { TokenDescription } from '../decision.js';
import type { AuthenticationCheck } from './demands.js';

/** How far in the future a time may be, because clocks differ, in seconds. */
const LEEWAY_SECONDS = 5;

/** Whether a user has to do with a token: in one of the client's own, `sub` is the client (RFC 9068 §2.2). */
export function hasUser({ subject, clientId }: TokenDescription): boolean {
  return subject !== undefined && subject !== clientId;
}

/**
 * Whether the user has authenticated in one of these ways, and not too long ago (RFC 9470 §3). What the token does not say, or
 * says in another form, is not met.
 * @param now seconds since the epoch
 */
export function isAuthenticated(
  { claims }: TokenDescription,
  { acrValues, maxAge }: AuthenticationCheck,
  now: number,
): boolean {
  if (acrValues.length > 0 && !acrValues.includes(claimAt(claims, 'acr') as string)) return false;
  if (maxAge === undefined) return true;
  // Never `iat`: a refreshed token is younger than what its user did.
  const at = claimAt(claims, 'auth_time');
  return typeof at === 'number' && at <= now + LEEWAY_SECONDS && now - at <= maxAge;
}
