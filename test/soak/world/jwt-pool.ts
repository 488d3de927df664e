import type { Random } from '../random.js';
import { BRIEF_LIFETIME, CLOCK_TOLERANCE, TOKEN_LIFETIME } from '../timing.js';
import type { Authority } from './authority.js';
import { type IssuedJwt, mintJwt } from './jwt.js';
import type { SigningKey } from './key-ring.js';

/** How often a token is a new one, though there are some already. */
const NEW = 0.2;
const MOST_OF_ONE = 6;
const MOST_CONFIRMATIONS = 64;
const BRIEF_KEPT = 40;

/** Lifetime of a token that outlives its key. */
const HOUR = 3_600_000;

/** The JWTs that clients of one API hold, by what they are bound to. */
export class JwtPool {
  private readonly held = new Map<string, readonly IssuedJwt[]>();
  private readonly ofKeys = new WeakMap<SigningKey, Map<string, IssuedJwt>>();
  private brief: readonly IssuedJwt[] = [];

  constructor(
    private readonly authority: Authority,
    private readonly random: Random,
  ) {}

  /** A good token: one that was used before or a new one. @param key that a new one is signed with */
  good(confirmation: object, key = this.authority.keys.settled): IssuedJwt {
    const name = JSON.stringify(confirmation);
    const held = this.stillGood(name);
    const known = this.random.chance(NEW) ? undefined : this.random.pick(held);
    if (known !== undefined) return known;
    const minted = this.mint(confirmation, key, TOKEN_LIFETIME);
    this.hold(name, [...held, minted].slice(-MOST_OF_ONE));
    return minted;
  }

  /** A token that a key has signed, and that is not over before the run is. */
  lasting(confirmation: object, key: SigningKey): IssuedJwt {
    const tokens = this.ofKeys.get(key) ?? new Map<string, IssuedJwt>();
    this.ofKeys.set(key, tokens);
    const name = JSON.stringify(confirmation);
    const token = tokens.get(name) ?? this.mint(confirmation, key, HOUR);
    tokens.set(name, token);
    return token;
  }

  /** A token that expires soon: one of those that have, beyond any tolerance, or a new one, which is used now. */
  soonExpired(confirmation: object): IssuedJwt {
    const until = Date.now() - CLOCK_TOLERANCE * 1000 - 1000;
    const expired = this.brief.filter(({ expiresAt, key }) => expiresAt < until && !key.withdrawn);
    const known = this.random.chance(NEW) ? undefined : this.random.pick(expired);
    if (known !== undefined) return known;
    const minted = this.mint(confirmation, this.authority.keys.settled, BRIEF_LIFETIME);
    // However fast they come: those that are kept become old enough before a newer one takes their place.
    const waiting = this.brief.filter(({ expiresAt }) => expiresAt >= until);
    if (waiting.length < BRIEF_KEPT) this.brief = [...this.brief, minted].slice(-2 * BRIEF_KEPT);
    return minted;
  }

  private mint(confirmation: object, key: SigningKey, lifetime: number): IssuedJwt {
    return mintJwt({ issuer: this.authority.issuer, key, confirmation, lifetime });
  }

  private stillGood(name: string): readonly IssuedJwt[] {
    const held = this.held.get(name) ?? [];
    const now = Date.now();
    return held.filter(({ key, expiresAt }) => !key.withdrawn && expiresAt > now);
  }

  private hold(name: string, tokens: readonly IssuedJwt[]): void {
    this.held.delete(name);
    this.held.set(name, tokens);
    for (const first of this.held.keys()) {
      if (this.held.size <= MOST_CONFIRMATIONS) return;
      this.held.delete(first);
    }
  }
}
