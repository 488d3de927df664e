import type { TokenKey } from './token-key.js';

/** What is kept of a key. */
export interface Cutoff {
  /** Tokens issued until then are refused: seconds since the epoch. */
  readonly issuedBefore: number;
  /** When it may be forgotten: seconds since the epoch. */
  readonly until: number;
}

/** Four words of the key, the cut-off, and its end. */
const WORDS = 6;
const LEAST_SLOTS = 8;
const SHARDS = 256;

/**
 * Cut-offs by key, 32 to 64 bytes each: for a million of them a `Map` would take five times as much. It is made of small parts, of which
 * each grows by itself, so that no request waits while a million are moved.
 */
export class CutoffTable {
  private readonly shards: Shard[] = Array.from({ length: SHARDS }, () => new Shard());
  private sweptAt = 0;
  private count = 0;

  constructor(private readonly maxEntries: number) {}

  /** How many there are, with those that are over and not dropped yet. */
  get size(): number {
    return this.count;
  }

  /** Bytes that they take. */
  get byteLength(): number {
    return this.shards.reduce((sum, { slots }) => sum + slots.byteLength, 0);
  }

  /** The cut-off of a key; `undefined` where there is none, or no longer. @param now seconds since the epoch */
  find(key: TokenKey, now: number): Cutoff | undefined {
    return this.shardOf(key).find(key, now);
  }

  /**
   * Sets a cut-off, or moves the one that is there to later.
   * @param now seconds since the epoch
   * @returns `false` where there is no room
   */
  put(key: TokenKey, cutoff: Cutoff, now: number): boolean {
    const shard = this.shardOf(key);
    if (shard.raise(key, cutoff)) return true;
    if (!this.hasRoom(now)) return false;
    const before = shard.used;
    shard.insert(key, cutoff, now);
    this.count += shard.used - before;
    return true;
  }

  /** Forgets a key. */
  remove(key: TokenKey): void {
    this.shardOf(key).remove(key);
  }

  /** All that are not over. @param now seconds since the epoch */
  *entries(now: number): Generator<readonly [words: TokenKey['words'], cutoff: Cutoff]> {
    for (const shard of this.shards) yield* shard.entries(now);
  }

  private shardOf({ words }: TokenKey): Shard {
    return this.shards[words[1] & (SHARDS - 1)] as Shard;
  }

  /** When it is full, it is looked once a minute whether some are over. */
  private hasRoom(now: number): boolean {
    if (this.size < this.maxEntries) return true;
    if (now - this.sweptAt < 60) return false;
    this.sweptAt = now;
    for (const shard of this.shards) shard.rebuild(now);
    this.count = this.shards.reduce((sum, { used }) => sum + used, 0);
    return this.size < this.maxEntries;
  }
}

/** Open addressing with linear probing; at most three quarters of the slots are used. */
class Shard {
  slots = new Int32Array(WORDS * LEAST_SLOTS);
  used = 0;

  find(key: TokenKey, now: number): Cutoff | undefined {
    const at = this.slotOf(key);
    const cutoff = this.cutoffAt(at);
    return cutoff.until < now || this.isFree(at) ? undefined : cutoff;
  }

  /** @returns `false` where the key is not there */
  raise(key: TokenKey, { issuedBefore, until }: Cutoff): boolean {
    const at = this.slotOf(key);
    if (this.isFree(at)) return false;
    const old = this.cutoffAt(at);
    this.write(at, {
      issuedBefore: Math.max(old.issuedBefore, issuedBefore),
      until: Math.max(old.until, until),
    });
    return true;
  }

  insert(key: TokenKey, cutoff: Cutoff, now: number): void {
    if ((this.used + 1) * 4 > (this.slots.length / WORDS) * 3) this.rebuild(now);
    const at = this.slotOf(key);
    this.slots.set(key.words, at);
    this.write(at, cutoff);
    this.used += 1;
  }

  /** The slot stays taken until all are moved, for others may stand behind it. */
  remove(key: TokenKey): void {
    const at = this.slotOf(key);
    if (!this.isFree(at)) this.write(at, { issuedBefore: 0, until: OVER });
  }

  /** Drops what is over, and makes room. */
  rebuild(now: number): void {
    const old = [...this.entries(now)];
    let length = LEAST_SLOTS;
    while ((old.length + 1) * 2 > length) length *= 2;
    this.slots = new Int32Array(WORDS * length);
    this.used = old.length;
    for (const [words, cutoff] of old) {
      const at = this.slotOf({ words });
      this.slots.set(words, at);
      this.write(at, cutoff);
    }
  }

  *entries(now: number): Generator<readonly [TokenKey['words'], Cutoff]> {
    for (let at = 0; at < this.slots.length; at += WORDS) {
      const cutoff = this.cutoffAt(at);
      if (!this.isFree(at) && cutoff.until >= now) yield [this.wordsAt(at), cutoff];
    }
  }

  /** Where the key is, or would be. */
  private slotOf({ words }: Pick<TokenKey, 'words'>): number {
    const { slots } = this;
    const mask = slots.length / WORDS - 1;
    let index = words[2] & mask;
    for (;;) {
      const at = index * WORDS;
      if (this.isFree(at) || this.holds(at, words)) return at;
      index = (index + 1) & mask;
    }
  }

  private holds(at: number, words: TokenKey['words']): boolean {
    const { slots } = this;
    return (
      slots[at] === words[0] &&
      slots[at + 1] === words[1] &&
      slots[at + 2] === words[2] &&
      slots[at + 3] === words[3]
    );
  }

  private isFree(at: number): boolean {
    return this.slots[at + 5] === 0;
  }

  private wordsAt(at: number): TokenKey['words'] {
    return [...this.slots.subarray(at, at + 4)] as unknown as TokenKey['words'];
  }

  private cutoffAt(at: number): Cutoff {
    return {
      issuedBefore: (this.slots[at + 4] as number) >>> 0,
      until: (this.slots[at + 5] as number) >>> 0,
    };
  }

  private write(at: number, { issuedBefore, until }: Cutoff): void {
    this.slots[at + 4] = issuedBefore;
    this.slots[at + 5] = until;
  }
}

/** Of an entry that nobody is refused by any more. */
const OVER = 1;
