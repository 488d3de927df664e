import { invalidToken, type InvalidTokenReason } from '../challenge/oauth-error.js';
import type { ClaimPath } from '../cert-bound-auth.options.js';
import { knownIssuer } from './known-issuers.js';
import { claimAt, textOfPath } from './claim-at.js';
import { quoted, quotedList } from '../common/quoted.js';
import type { JsonObject } from '../jose/json-object.js';

/** What the claims of a token, or of an introspection answer, must say. */
export interface ClaimRules {
  readonly issuer: string;
  /** An introspection answer need not name its issuer (RFC 7662 §2.2). */
  readonly issuerPresence: 'required' | 'if-present';
  /** At least one of these must be in `aud`. */
  readonly audience: readonly string[];
  readonly audiencePresence: 'required' | 'if-present';
  /** Seconds. */
  readonly clockTolerance: number;
  readonly requiredClaims: readonly ClaimPath[];
  readonly forbiddenClaims: readonly ClaimPath[];
  /** Seconds since `iat`. */
  readonly maxTokenAge?: number;
  /** Claims that must be non-empty strings where present. */
  readonly stringClaims: readonly ClaimPath[];
}

/**
 * Checks issuer, audience, times, presence and types of the claims.
 * @param now seconds since the epoch
 * @throws OAuthError 401 `invalid_token`
 * @see RFC 9068 §4, RFC 7519 §4.1, RFC 7662 §2.2
 */
export function checkClaims(claims: JsonObject, rules: ClaimRules, now: number): void {
  checkIssuer(claims, rules);
  checkAudience(claims, rules);
  checkTimes(claims, rules, now);
  checkPresence(claims, rules);
}

/** Which claims must be there, which must not, and which must be text. @throws OAuthError 401 `invalid_token` */
export function checkPresence(
  claims: JsonObject,
  {
    stringClaims,
    requiredClaims,
    forbiddenClaims,
  }: Pick<ClaimRules, 'stringClaims' | 'requiredClaims' | 'forbiddenClaims'>,
): void {
  for (const path of stringClaims) checkString(claims, path);
  for (const path of requiredClaims) {
    if (isAbsent(claimAt(claims, path))) refuse('claim_missing', textOfPath(path));
  }
  for (const path of forbiddenClaims) {
    if (claimAt(claims, path) !== undefined) refuse('claim_forbidden', textOfPath(path));
  }
}

/** Whether a claim is not there, or `null`. */
export function isAbsent(value: unknown): boolean {
  return value === undefined || value === null;
}

/** @throws OAuthError 401 `invalid_token` */
export function checkIssuer(claims: JsonObject, { issuer, issuerPresence }: ClaimRules): void {
  if (!Object.hasOwn(claims, 'iss')) {
    if (issuerPresence === 'required') refuse('claim_missing', 'iss');
    return;
  }
  if (claims['iss'] !== issuer)
    refuse('issuer_mismatch', `iss is ${quoted(claims['iss'])}, expected ${JSON.stringify(issuer)}`);
}

/** @throws OAuthError 401 `invalid_token` */
export function checkAudience(claims: JsonObject, { issuer, audience, audiencePresence }: ClaimRules): void {
  if (!Object.hasOwn(claims, 'aud')) {
    if (audiencePresence === 'required')
      refuse('claim_missing', ['aud', knownIssuer(issuer)?.audienceHint].filter(Boolean).join(': '));
    return;
  }
  const named = audienceOf(claims);
  if (!named.some((value) => audience.includes(value))) {
    refuse('audience_mismatch', `aud is ${quotedList(named)}, expected one of ${JSON.stringify(audience)}`);
  }
}

/** `aud` as a list. @throws OAuthError 401 when it is neither a string nor an array of strings */
export function audienceOf(claims: JsonObject): readonly string[] {
  const aud = claims['aud'];
  const list: readonly unknown[] = Array.isArray(aud) ? aud : aud === undefined ? [] : [aud];
  if (!list.every((value) => typeof value === 'string')) {
    throw invalidToken('claim_malformed', { detail: 'aud is neither a string nor an array of strings' });
  }
  return list;
}

/** @param now seconds since the epoch @throws OAuthError 401 `invalid_token` */
export function checkTimes(
  claims: JsonObject,
  { clockTolerance, maxTokenAge }: ClaimRules,
  now: number,
): void {
  const exp = timeOf(claims, 'exp') ?? refuse('claim_missing', 'exp');
  const nbf = timeOf(claims, 'nbf');
  const iat = timeOf(claims, 'iat');
  // Written so that a comparison with NaN refuses.
  if (!(now < exp + clockTolerance)) refuse('token_expired', `exp was ${exp}, now is ${now}`);
  if (nbf !== undefined && !(nbf <= now + clockTolerance)) {
    refuse('token_not_yet_valid', `nbf is ${nbf}, now is ${now}`);
  }
  if (iat !== undefined && !(iat <= now + clockTolerance)) {
    refuse('token_issued_in_future', `iat is ${iat}, now is ${now}`);
  }
  if (maxTokenAge === undefined) return;
  const age = now - (iat ?? refuse('claim_missing', 'iat, which maxTokenAge needs'));
  if (!(age <= maxTokenAge + clockTolerance)) refuse('token_too_old', `issued ${age} s ago`);
}

/** A time in seconds. JSON can hold numbers that are not finite (1e999): those are no time. */
export function timeOf(claims: JsonObject, name: string): number | undefined {
  const value = claims[name];
  if (value === undefined) return undefined;
  return isFiniteNumber(value) ? value : refuse('claim_malformed', `${name} is not a finite number`);
}

function isFiniteNumber(value: unknown): value is number {
  return Number.isFinite(value);
}

function checkString(claims: JsonObject, path: ClaimPath): void {
  const value = claimAt(claims, path);
  if (value !== undefined && (typeof value !== 'string' || value === '')) {
    refuse('claim_malformed', `${textOfPath(path)} is not a non-empty string`);
  }
}

function refuse(reason: InvalidTokenReason, detail: string): never {
  throw invalidToken(reason, { detail });
}
