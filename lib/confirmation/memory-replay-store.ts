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

/** About ten milliseconds' worth. */
const MOST_FORGOTTEN_AT_ONCE = 10_000;

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
    const now = Math.floor(seconds);
    this.forgetUntil(now, MOST_FORGOTTEN_AT_ONCE);
    const [client, proof] = split(key);
    if (this.clients.get(client)?.proofs.has(proof) === true) return false;
    if (this.roomProblem(client) !== undefined) this.forgetUntil(now, Number.POSITIVE_INFINITY);
    const problem = this.roomProblem(client);
    if (problem !== undefined) throw problem;
    this.add(copyOf(client), copyOf(proof), Math.ceil(seconds + ttlSeconds));
    return true;
  }

  private roomProblem(client: string): Error | undefined {
    if ((this.clients.get(client)?.proofs.size ?? 0) >= this.maxEntriesPerKey) {
      return new TooManyProofsError(
        `a client has ${this.maxEntriesPerKey} unexpired proofs, which is maxEntriesPerKey of the MemoryReplayStore`,
      );
    }
    return this.entries < this.maxEntries
      ? undefined
      : new Error(
          `the MemoryReplayStore is full: it has ${this.maxEntries} unexpired proofs, which is maxEntries`,
        );
  }

  private add(key: string, proof: string, second: number): void {
    const client = getOrAdd(this.clients, key, () => ({ key, proofs: new Set<string>() }));
    const bucket = getOrAdd(this.buckets, second, () => ({ clients: [], proofs: [] }));
    client.proofs.add(proof);
    bucket.clients.push(client);
    bucket.proofs.push(proof);
    this.entries += 1;
  }

  /**
   * Forgets what is over, whenever something is added: a timer would keep the process from ending.
   * @param most proofs: to forget all at once after a pause would hold every other request up
   */
  private forgetUntil(second: number, most: number): void {
    let left = most;
    while (left > 0) {
      const due = this.nextDue(second);
      if (due === undefined) return;
      left -= this.forget(due, left);
    }
  }

  /** The earliest second in which something is over. */
  private nextDue(second: number): number | undefined {
    // A clock that was set back counts on from there: what is added then may be over before the time it had reached.
    if (second < this.forgottenUntil) this.forgottenUntil = second;
    this.skipPause(second);
    for (; this.forgottenUntil < second; this.forgottenUntil += 1) {
      if (this.buckets.has(this.forgottenUntil + 1)) return this.forgottenUntil + 1;
    }
    return undefined;
  }

  /** After a long pause there are more seconds to look at than buckets. */
  private skipPause(second: number): void {
    if (second - this.forgottenUntil <= this.buckets.size) return;
    let earliest = second + 1;
    for (const due of this.buckets.keys()) earliest = Math.min(earliest, due);
    this.forgottenUntil = earliest - 1;
  }

  /** @returns how many proofs it has forgotten, at most this many */
  private forget(second: number, most: number): number {
    const { clients = [], proofs = [] } = this.buckets.get(second) ?? {};
    const count = Math.min(most, proofs.length);
    for (let left = count; left > 0; left -= 1) {
      const [client, proof] = [clients.pop(), proofs.pop()];
      client?.proofs.delete(proof ?? '');
      if (client?.proofs.size === 0) this.clients.delete(client.key);
      this.entries -= 1;
    }
    if (proofs.length === 0) this.buckets.delete(second);
    return count;
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
