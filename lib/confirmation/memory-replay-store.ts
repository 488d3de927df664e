import { type ReplayStore, TooManyProofsError } from './replay-store.js';

/** Limits of a {@link MemoryReplayStore}. */
export interface MemoryReplayStoreOptions {
  /**
   * Most proofs remembered at once, of all clients together, at least 1: about 110 bytes each, and 200 more for each
   * client. When as many are unexpired, no further one can be used (503).
   * @default 1000000
   */
  readonly maxEntries?: number;

  /**
   * Most proofs of one client's key remembered at once, at least 1, so that no client can fill the store for all: one
   * that has used as many is told to slow down (429).
   * @default 100000
   */
  readonly maxEntriesPerKey?: number;

  /** The time, in milliseconds since the epoch. @default Date.now */
  readonly now?: () => number;
}

/** The proofs that one client has used, by the digests of their `jti`. */
interface Client {
  readonly key: string;
  readonly proofs: Set<string>;
}

/** What is forgotten in one second: the proofs, and at the same places the clients that they are of. */
interface Bucket {
  readonly clients: Client[];
  readonly proofs: string[];
}

/**
 * Remembers used proofs in this process: enough for an API of one instance; of several, each would accept a proof
 * once. An unexpired proof is never forgotten to make room, for it could then be used again.
 */
export class MemoryReplayStore implements ReplayStore {
  private readonly maxEntries: number;
  private readonly maxEntriesPerKey: number;
  private readonly now: () => number;
  private readonly clients = new Map<string, Client>();
  /** By the second since the epoch in which they are over. */
  private readonly buckets = new Map<number, Bucket>();
  private entries = 0;
  /** The second up to which everything is forgotten. */
  private forgottenUntil = 0;

  /** @throws RangeError when a limit is no whole number, or less than 1 */
  constructor({
    maxEntries = 1_000_000,
    maxEntriesPerKey = 100_000,
    now = () => Date.now(),
  }: MemoryReplayStoreOptions = {}) {
    this.maxEntries = checkLimit('maxEntries', maxEntries);
    this.maxEntriesPerKey = checkLimit('maxEntriesPerKey', maxEntriesPerKey);
    this.now = now;
  }

  /**
   * Adds a key for this many seconds, rounded up to the next full second of the clock.
   * @throws TooManyProofsError when the client's share is full; Error when the store is
   */
  async addIfAbsent(key: string, ttlSeconds: number): Promise<boolean> {
    const seconds = this.now() / 1000;
    this.forgetUntil(Math.floor(seconds));
    const [client, proof] = split(key);
    if (this.clients.get(client)?.proofs.has(proof) === true) return false;
    this.requireRoom(client);
    this.add(copyOf(client), copyOf(proof), Math.ceil(seconds + ttlSeconds));
    return true;
  }

  private requireRoom(client: string): void {
    if ((this.clients.get(client)?.proofs.size ?? 0) >= this.maxEntriesPerKey) {
      throw new TooManyProofsError(
        `a client has ${this.maxEntriesPerKey} unexpired proofs, which is maxEntriesPerKey of the MemoryReplayStore`,
      );
    }
    if (this.entries >= this.maxEntries) {
      throw new Error(
        `the MemoryReplayStore is full: it has ${this.maxEntries} unexpired proofs, which is maxEntries`,
      );
    }
  }

  private add(key: string, proof: string, second: number): void {
    const client = getOrAdd(this.clients, key, () => ({ key, proofs: new Set<string>() }));
    const bucket = getOrAdd(this.buckets, second, () => ({ clients: [], proofs: [] }));
    client.proofs.add(proof);
    bucket.clients.push(client);
    bucket.proofs.push(proof);
    this.entries += 1;
  }

  /** Forgets what is over, whenever something is added: a timer would keep the process from ending. */
  private forgetUntil(second: number): void {
    for (const due of this.secondsUntil(second)) this.forget(due);
    // A clock that was set back counts on from there: what is added then may be over before the time it had reached.
    this.forgottenUntil = second;
  }

  /** The seconds that something may be over in, and after a long pause only those in which something is. */
  private secondsUntil(second: number): readonly number[] {
    const elapsed = Math.max(0, second - this.forgottenUntil);
    return elapsed > this.buckets.size
      ? [...this.buckets.keys()].filter((due) => due <= second)
      : Array.from({ length: elapsed }, (_, index) => this.forgottenUntil + 1 + index);
  }

  private forget(second: number): void {
    const bucket = this.buckets.get(second);
    this.buckets.delete(second);
    bucket?.clients.forEach(({ key, proofs }, index) => {
      proofs.delete(bucket.proofs[index] ?? '');
      if (proofs.size === 0) this.clients.delete(key);
      this.entries -= 1;
    });
  }
}

function checkLimit(name: string, value: number): number {
  if (Number.isSafeInteger(value) && value >= 1) return value;
  throw new RangeError(`MemoryReplayStore: ${name} is ${String(value)}; give a whole number of at least 1`);
}

/** The client's key, and what identifies the proof among the client's. */
function split(key: string): readonly [client: string, proof: string] {
  const [client = ''] = key.split('.', 1);
  return [client, key.slice(client.length + 1)];
}

/** Text of its own: V8 makes a part of a string a view that keeps the whole of it in memory. */
function copyOf(text: string): string {
  return Buffer.from(text).toString();
}

function getOrAdd<Key, Value>(map: Map<Key, Value>, key: Key, make: () => Value): Value {
  const known = map.get(key);
  if (known !== undefined) return known;
  const value = make();
  map.set(key, value);
  return value;
}
