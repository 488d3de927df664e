import type { ResolvedClaimNames } from '../options/resolved-options.js';
import { claimAt } from './claim-at.js';
import { audienceOf, timeOf } from './check-claims.js';
import type { JsonObject } from './json-object.js';
import type { BindingMethod, Confirmation, VerifiedAccessToken } from './verified-access-token.js';

/** What is known of a token when every check is done. */
export interface CheckedToken {
  readonly issuer: string;
  readonly claims: JsonObject;
  readonly claimNames: ResolvedClaimNames;
  readonly confirmation: Confirmation | undefined;
  readonly boundBy: readonly BindingMethod[];
  /** The token itself, where the app wants it. */
  readonly raw: string | undefined;
}

/** Puts a token into the one shape that handlers see, however it was verified. */
export function describeAccessToken(token: CheckedToken): VerifiedAccessToken {
  const { claims, claimNames } = token;
  return {
    issuer: token.issuer,
    ...optional('subject', textOf(claims, claimNames.subject)),
    ...optional('clientId', textOf(claims, claimNames.clientId)),
    audience: [...audienceOf(claims)],
    scopes: new Set(scopesOf(claimAt(claims, claimNames.scope))),
    ...optional('issuedAt', timeOf(claims, 'iat')),
    expiresAt: timeOf(claims, 'exp') ?? 0,
    ...optional('tokenId', textOf(claims, 'jti')),
    confirmation: { ...token.confirmation },
    boundBy: [...token.boundBy],
    claims,
    ...optional('raw', token.raw),
  };
}

function optional<Name extends string, Value>(
  name: Name,
  value: Value | undefined,
): { readonly [key in Name]?: Value } {
  return value === undefined ? {} : ({ [name]: value } as { [key in Name]: Value });
}

function textOf(claims: JsonObject, name: string): string | undefined {
  const value = claimAt(claims, name);
  return typeof value === 'string' ? value : undefined;
}

/** Scopes as a space-delimited string (RFC 8693 §4.2) or as an array. Anything else is no scope. */
function scopesOf(value: unknown): readonly string[] {
  if (typeof value === 'string') return value.split(' ').filter((scope) => scope !== '');
  if (Array.isArray(value)) return value.filter((scope): scope is string => typeof scope === 'string');
  return [];
}
