import { isDeepStrictEqual } from 'node:util';
import { invalidToken } from '../challenge/oauth-error.js';
import { audienceOf } from '../claims/check-claims.js';
import { claimAt, withClaimAt } from '../claims/claim-at.js';
import type { ClaimNameSettings } from '../claims/claim-context.js';
import type { JsonObject } from '../jose/json-object.js';
import { namesStatusList } from '../status-list/status-reference.js';
import { scopesOf } from './describe-access-token.js';

/**
 * What is known of a JWT that its server has been asked about: what either says, where the other is silent. Servers leave
 * claims out of a JWT that only they are to hand out (Keycloak's lightweight access tokens). Where both say something, they
 * must be about the same token, and the narrower counts: `aud` and scopes are those that both name. What the token is authorized
 * for in detail (RFC 9396) is what the answer says: the server has made that for this API, and lately.
 * @param jwt the claims of the JWT, whose signature is verified
 * @param answer the members of the introspection answer
 * @throws OAuthError 401 `introspection_conflict`
 * @see RFC 7662 §2.2, RFC 7519 §4.1.3, RFC 9396 §9.2
 */
export function confirmedClaims(jwt: JsonObject, answer: JsonObject, names: ClaimNameSettings): JsonObject {
  requireSameToken(jwt, answer, names);
  const { active: _active, ...said } = answer;
  const both = { ...said, ...jwt, ...commonAudience(jwt, answer), ...detailsOf(answer) };
  return withCommonScopes(both, answer, names);
}

function requireSameToken(jwt: JsonObject, answer: JsonObject, names: ClaimNameSettings): void {
  // A binding that only one of them knows of is one that somebody has forgotten.
  if (!isDeepStrictEqual(jwt['cnf'], answer['cnf'])) throw conflict('cnf');
  for (const [name, path] of [
    ['jti', 'jti'],
    ['the subject', names.subject],
    ['the client', names.clientId],
  ] as const) {
    const [own, said] = [claimAt(jwt, path), claimAt(answer, path)];
    if (own !== undefined && said !== undefined && !isDeepStrictEqual(own, said)) throw conflict(name);
  }
  requireSameStatusList(jwt['status'], answer['status']);
}

/** Which of two is to be asked? Any other `status` is a claim of the server's own, and each may have one. */
function requireSameStatusList(own: unknown, said: unknown): void {
  if (own === undefined || said === undefined || isDeepStrictEqual(own, said)) return;
  if (namesStatusList(own) || namesStatusList(said)) throw conflict('status');
}

/** Each has been checked to name this API, where it names anybody. */
function commonAudience(jwt: JsonObject, answer: JsonObject): { readonly aud?: readonly string[] } {
  if (!Object.hasOwn(jwt, 'aud') || !Object.hasOwn(answer, 'aud')) return {};
  const said = new Set(audienceOf(answer));
  return { aud: audienceOf(jwt).filter((value) => said.has(value)) };
}

function detailsOf(answer: JsonObject): JsonObject {
  const details = answer['authorization_details'];
  return details === undefined ? {} : { authorization_details: details };
}

/** A server may have withdrawn scopes since it made the JWT, and may say so in its answer alone. */
function withCommonScopes(claims: JsonObject, answer: JsonObject, { scope }: ClaimNameSettings): JsonObject {
  const [own, said] = [claimAt(claims, scope), claimAt(answer, scope)];
  if (own === undefined || said === undefined) return claims;
  const granted = new Set(scopesOf(said));
  const common = scopesOf(own).filter((each) => granted.has(each));
  return withClaimAt(claims, scope, typeof own === 'string' ? common.join(' ') : common);
}

function conflict(claim: string): Error {
  return invalidToken('introspection_conflict', { detail: `${claim} differs from the token's own` });
}
