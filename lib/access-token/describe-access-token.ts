import type { ResolvedClaimNames } from '../options/resolved-options.js';
import { claimAt } from './claim-at.js';
import { audienceOf, timeOf } from './check-claims.js';
import { copyOfJson, type JsonObject } from './json-object.js';
import type { BindingMethod, Confirmation, VerifiedAccessToken } from './verified-access-token.js';

/** A token in the one shape that handlers see, however it was verified, but for what each request proves anew. */
export type TokenDescription = Omit<VerifiedAccessToken, 'confirmation' | 'boundBy' | 'raw'>;

/** Describes a token. @param claims checked in every way */
export function describeAccessToken(
  issuer: string,
  claims: JsonObject,
  claimNames: ResolvedClaimNames,
): TokenDescription {
  return {
    issuer,
    ...optional('subject', textOf(claims, claimNames.subject)),
    ...optional('clientId', textOf(claims, claimNames.clientId)),
    audience: audienceOf(claims),
    scopes: new Set(scopesOf(claimAt(claims, claimNames.scope))),
    ...optional('issuedAt', timeOf(claims, 'iat')),
    expiresAt: timeOf(claims, 'exp') ?? 0,
    ...optional('tokenId', textOf(claims, 'jti')),
    claims,
  };
}

/** What a request adds to the description of its token. */
export interface ProvenToken {
  readonly confirmation: Confirmation | undefined;
  readonly boundBy: readonly BindingMethod[];
  /** The token itself, where the app wants it. */
  readonly raw: string | undefined;
}

/** A token as one handler gets it: its own, down to the last claim, for the description serves other requests. */
export function accessTokenFor(
  description: TokenDescription,
  { confirmation, boundBy, raw }: ProvenToken,
): VerifiedAccessToken {
  const token = {
    ...description,
    audience: [...description.audience],
    scopes: new Set(description.scopes),
    claims: copyOfJson(description.claims),
    confirmation: { ...confirmation },
    boundBy: [...boundBy],
  };
  return raw === undefined ? token : { ...token, raw };
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
