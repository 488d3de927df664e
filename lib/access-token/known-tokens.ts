import { LRUCache } from 'lru-cache';
import type { Confirmation } from '../decision.js';
import type { TokenCacheOptions } from '../cert-bound-auth.options.js';
import type { SettingsOf } from '../common/settings-of.js';
import type { RevocableToken } from '../revocation/revocable-token.js';
import type { VerifiedToken } from './verify-access-token.js';

/** How many verified tokens are remembered, as configured. */
export type KnownTokensSettings = SettingsOf<TokenCacheOptions>;

/** A token that every check of its own has passed, and the keys that it is bound to. */
export interface KnownToken extends VerifiedToken {
  readonly confirmation: Confirmation | undefined;
  /** `undefined` where no token can be revoked. */
  readonly revocable: RevocableToken | undefined;
}

/** A verified token, with what is known of it beside its claims. Written out member by member: a spread costs µs. */
export function knownToken(
  { claims, signedAnswer, size, validity, holds, server, description, granted, status }: VerifiedToken,
  confirmation: Confirmation | undefined,
  revocable: RevocableToken | undefined,
): KnownToken {
  return {
    claims,
    signedAnswer,
    size,
    validity,
    holds,
    server,
    description,
    granted,
    status,
    confirmation,
    revocable,
  };
}

/**
 * The tokens that one app has verified, by their digests. One is found as long as verifying it again would lead to the
 * same, and no longer: until it expires, or its server's keys, or its answer, are not what they were. What depends on the
 * request and its connection is checked on each request all the same.
 */
export class KnownTokens {
  private readonly tokens: LRUCache<string, KnownToken>;

  /** @param bytesPerCharacter of its JSON, about: a claim takes some three times what its JSON does */
  constructor({ maxEntries, maxSize }: KnownTokensSettings, bytesPerCharacter = 3) {
    // A cache with a greatest number of entries makes room for all of them at once, which takes 20 ms for a hundred thousand:
    // so it has a size only, of which each entry takes its share at least.
    const least = Math.max(1, Math.floor(maxSize / maxEntries));
    const sizeCalculation = ({ size }: KnownToken): number =>
      Math.max(least, OVERHEAD + bytesPerCharacter * size);
    this.tokens = new LRUCache({ maxSize: Math.min(maxSize, least * maxEntries), sizeCalculation });
  }

  /** @param digest SHA-256 of the token, base64url */
  find(digest: string): KnownToken | undefined {
    const known = this.tokens.get(digest);
    return known !== undefined && isValid(known) && known.holds() ? known : undefined;
  }

  /** Remembers a token, if verifying it again would lead to the same. */
  keep(digest: string, token: KnownToken): void {
    if (isValid(token) && token.holds()) this.tokens.set(digest, token);
  }
}

/** By the clock of now: whatever it says, nothing is found outside the times of the token. */
function isValid({ validity: { from, until } }: VerifiedToken): boolean {
  const now = Date.now();
  return from <= now && now < until;
}

/** Bytes that a token takes beside its claims. */
const OVERHEAD = 1_000;
