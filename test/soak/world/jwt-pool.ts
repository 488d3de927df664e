import type { Random } from '../random.js';
import { CLOCK_TOLERANCE, TOKEN_LIFETIME } from '../timing.js';
import type { Authority } from './authority.js';
import { type IssuedJwt, mintJwt } from './jwt.js';
import type { SigningKey } from './key-ring.js';

/** How often a token is a new one, though there are some already. */
const NEW = 0.2;
const MOST_OF_ONE = 6;
const MOST_CONFIRMATIONS = 64;
const SPENT_KEPT = 40;

/** Lifetime of a token that outlives its key. */
const HOUR = 3_600_000;

/** The JWTs that clients of one API hold, by what they are bound to. */
export class JwtPool {
  private readonly held = new Map<string, readonly IssuedJwt[]>();
  private readonly ofKeys = new WeakMap<SigningKey, Map<string, IssuedJwt>>();
  private spent: readonly IssuedJwt[] = [];

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

  /** Tokens that were good once, and have expired beyond any tolerance. */
  expired(): readonly IssuedJwt[] {
    const until = Date.now() - CLOCK_TOLERANCE * 1000 - 1000;
    return this.spent.filter(({ expiresAt, key }) => expiresAt < until && !key.withdrawn);
  }

  private mint(confirmation: object, key: SigningKey, lifetime: number): IssuedJwt {
    return mintJwt({ issuer: this.authority.issuer, key, confirmation, lifetime });
  }

  private stillGood(name: string): readonly IssuedJwt[] {
    const held = this.held.get(name) ?? [];
    const now = Date.now();
    const good = held.filter(({ key, expiresAt }) => !key.withdrawn && expiresAt > now);
    if (good.length === held.length) return held;
    this.spent = [...this.spent, ...held.filter((jwt) => !good.includes(jwt))].slice(-SPENT_KEPT);
    return good;
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
