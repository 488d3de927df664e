import { type JsonWebKey, type KeyObject, randomUUID } from 'node:crypto';
import { KEY_CACHE, LEAD, UNDER_WAY } from '../timing.js';
import { newKeyPair } from '../../support/key-pair.js';

/** The time between a request and its answer, in milliseconds since the epoch. */
export interface Exchange {
  readonly sentAt: number;
  readonly receivedAt: number;
}

/**
 * What the API knows of a key. `known`: it must accept its tokens. `fading`: it is withdrawn, and the API may or may
 * not have noticed. `gone`: it must refuse them.
 */
export type KeyState = 'known' | 'fading' | 'gone';

/** A key that tokens are signed with. */
export class SigningKey {
  readonly kid = randomUUID();
  readonly privateKey: KeyObject;
  readonly jwk: JsonWebKey;
  private withdrawnAt: number | undefined;
  private refusedAt: number | undefined;

  /** @param publishedAt milliseconds since the epoch */
  constructor(readonly publishedAt: number) {
    const { privateKey, publicKey } = newKeyPair('ec', { namedCurve: 'P-256' });
    this.privateKey = privateKey;
    this.jwk = { ...publicKey.export({ format: 'jwk' }), kid: this.kid, alg: 'ES256', use: 'sig' };
  }

  get withdrawn(): boolean {
    return this.withdrawnAt !== undefined;
  }

  withdraw(): void {
    this.withdrawnAt = Date.now();
  }

  /** The API has refused a token for this key: from now on it must never accept another one. */
  refused(): void {
    if (this.withdrawn) this.refusedAt ??= Date.now();
  }

  /** Whether the API has been seen to refuse it after its withdrawal. */
  get refusalSeen(): boolean {
    return this.refusedAt !== undefined;
  }

  stateDuring({ sentAt, receivedAt }: Exchange): KeyState {
    if (this.withdrawnAt === undefined || receivedAt < this.withdrawnAt) return 'known';
    const latest = this.withdrawnAt + KEY_CACHE.maxAge * 1000 + UNDER_WAY;
    return sentAt > Math.min(latest, this.refusedAt ?? Infinity) ? 'gone' : 'fading';
  }
}

/** How many of the keys that were withdrawn are still tried. */
const WITHDRAWN_KEPT = 4;

/** The keys of one authority. */
export class KeyRing {
  private keys: readonly SigningKey[] = [new SigningKey(-Infinity)];
  private gone: readonly SigningKey[] = [];

  /** From the oldest to the newest. */
  get published(): readonly SigningKey[] {
    return this.keys;
  }

  /** The last ones that were withdrawn. */
  get withdrawn(): readonly SigningKey[] {
    return this.gone;
  }

  /** The next one to be withdrawn. */
  get oldest(): SigningKey {
    return this.at(0);
  }

  get newest(): SigningKey {
    return this.at(-1);
  }

  /** What tokens are signed with: the newest that has been published for long enough. */
  get settled(): SigningKey {
    const until = Date.now() - LEAD;
    return this.keys.findLast(({ publishedAt }) => publishedAt <= until) ?? this.oldest;
  }

  /** Publishes a new key. */
  publish(): void {
    this.keys = [...this.keys, new SigningKey(Date.now())];
  }

  /** Withdraws the oldest keys, so that no more than these are left. */
  keep(most: number): void {
    const leaving = this.keys.slice(0, Math.max(0, this.keys.length - most));
    for (const key of leaving) key.withdraw();
    this.keys = this.keys.slice(leaving.length);
    this.gone = [...this.gone, ...leaving].slice(-WITHDRAWN_KEPT);
  }

  private at(index: number): SigningKey {
    const key = this.keys.at(index);
    if (key === undefined) throw new RangeError('a key ring is never empty');
    return key;
  }
}
