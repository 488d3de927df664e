import type { ClaimPath } from '../cert-bound-auth.options.js';
import type { ClaimNameSettings } from '../claims/claim-context.js';
import { claimAt } from '../claims/claim-at.js';
import { audienceOf, timeOf } from '../claims/check-claims.js';
import { copyOfJson, type JsonObject } from '../jose/json-object.js';
import type { ProvenToken, TokenDescription, VerifiedAccessToken } from '../decision.js';

/** Describes a token. @param claims checked in every way */
export function describeAccessToken(
  issuer: string,
  claims: JsonObject,
  claimNames: ClaimNameSettings,
): TokenDescription {
  const scopes = new Set(scopesOf(claimAt(claims, claimNames.scope)));
  return {
    issuer,
    subject: textOf(claims, claimNames.subject),
    clientId: textOf(claims, claimNames.clientId),
    audience: audienceOf(claims),
    scopes,
    scope: [...scopes].join(' '),
    issuedAt: timeOf(claims, 'iat'),
    expiresAt: timeOf(claims, 'exp') ?? 0,
    tokenId: textOf(claims, 'jti'),
    claims,
  };
}

/** What a request adds to the description of its token. */
export type AddedByRequest = Pick<ProvenToken, 'confirmation' | 'boundBy' | 'raw'>;

/**
 * A token as one handler gets it: its own, down to the last claim, for the description serves other requests. Written out
 * member by member: with a spread it would cost as much as all the rest of a known token.
 */
export function accessTokenFor(
  {
    issuer,
    subject,
    clientId,
    audience,
    scopes,
    scope,
    issuedAt,
    expiresAt,
    tokenId,
    claims,
  }: TokenDescription,
  { confirmation, boundBy, raw }: AddedByRequest,
): VerifiedAccessToken {
  const token: { -readonly [Name in keyof VerifiedAccessToken]: unknown } = {
    issuer,
    subject,
    clientId,
    audience: [...audience],
    scopes: new Set(scopes),
    scope,
    issuedAt,
    expiresAt,
    tokenId,
    confirmation: { ...confirmation },
    boundBy: [...boundBy],
    claims: copyOfJson(claims),
  };
  for (const name of OPTIONAL) if (token[name] === undefined) delete token[name];
  if (raw !== undefined) token.raw = raw;
  return token as unknown as VerifiedAccessToken;
}

/** What a token need not say: then it has no such member. */
const OPTIONAL = ['subject', 'clientId', 'issuedAt', 'tokenId'] as const;

function textOf(claims: JsonObject, path: ClaimPath): string | undefined {
  const value = claimAt(claims, path);
  return typeof value === 'string' ? value : undefined;
}

/** Scopes as a space-delimited string (RFC 8693 §4.2) or as an array. Anything else is no scope. */
export function scopesOf(value: unknown): readonly string[] {
  if (typeof value === 'string') return value.split(' ').filter((scope) => scope !== '');
  if (Array.isArray(value)) return value.filter((scope): scope is string => typeof scope === 'string');
  return [];
}
