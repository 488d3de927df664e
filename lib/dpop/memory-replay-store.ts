import { copyOfText } from '../common/copy-of-text.js';
import type { ReplayStore } from '../cert-bound-auth.options.js';
import { TooManyProofsError } from './replay-store.js';

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
  /** The seconds that are over in which something is still to be forgotten. */
  private due: number[] = [];
  /** The second up to which there are none but those. */
  private lookedUntil = 0;

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
    const [client, proof] = split(key);
    return this.addNow(copyOfText(client), copyOfText(proof), ttlSeconds);
  }

  /**
   * The same at once, with the key in its two parts, which are kept as they are: each must be a text of its own.
   * @param client digest of the client's key, base64url
   * @param proof digest of the proof's `jti`, base64url
   * @throws TooManyProofsError when the client's share is full; Error when the store is
   */
  addNow(client: string, proof: string, ttlSeconds: number): boolean {
    const seconds = this.now() / 1000;
    const now = Math.floor(seconds);
    this.forgetUntil(now, MOST_FORGOTTEN_AT_ONCE);
    if (this.clients.get(client)?.proofs.has(proof) === true) return false;
    if (this.roomProblem(client) !== undefined) this.forgetUntil(now, Number.POSITIVE_INFINITY);
    const problem = this.roomProblem(client);
    if (problem !== undefined) throw problem;
    this.add(client, proof, Math.ceil(seconds + ttlSeconds));
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
    // Stryker disable next-line ConditionalExpression: a second look finds nothing more, it only costs
    if (second !== this.lookedUntil) this.lookUntil(second);
    for (let left = most; left > 0 && this.due.length > 0;) left -= this.forgetSome(left);
  }

  /** Looks at each second once, and at what is over again only to forget it. */
  private lookUntil(second: number): void {
    // A clock that was set back goes on from there: what was over may not be so any more.
    const stillDue = this.due.filter((due) => due <= second);
    this.due = [...stillDue, ...this.overSince(this.lookedUntil, second)];
    this.lookedUntil = second;
  }

  /** The seconds in which something is over. After a long pause there are fewer buckets than seconds to look at. */
  private overSince(start: number, end: number): readonly number[] {
    const elapsed = Math.max(0, end - start);
    // Stryker disable next-line EqualityOperator: both ways find the same seconds, one of them sooner
    return elapsed < this.buckets.size
      ? Array.from({ length: elapsed }, (_, index) => end - index).filter((second) =>
          this.buckets.has(second),
        )
      : [...this.buckets.keys()].filter((second) => second > start && second <= end);
  }

  /** Forgets this many proofs of one second at most, and says how many they were. */
  private forgetSome(most: number): number {
    const second = this.due.at(-1) as number;
    const { clients, proofs } = this.buckets.get(second) as Bucket;
    const from = Math.max(0, proofs.length - most);
    const forgotten = proofs.splice(from);
    for (const [index, client] of clients.splice(from).entries()) {
      client.proofs.delete(forgotten[index] as string);
      if (client.proofs.size === 0) this.clients.delete(client.key);
    }
    this.entries -= forgotten.length;
    if (from === 0) {
      this.buckets.delete(second);
      this.due.pop();
    }
    return forgotten.length;
  }
}

/** As it is now: what is put in its place later is not passed by. */
// eslint-disable-next-line @typescript-eslint/unbound-method -- compared, not called
const OWN_METHOD = MemoryReplayStore.prototype.addIfAbsent;

/** Whether a store can be asked without waiting: not one that does something of its own in `addIfAbsent`. */
export function answersAtOnce(store: ReplayStore): store is MemoryReplayStore {
  return store.addIfAbsent === OWN_METHOD;
}

function checkLimit(name: string, value: number): number {
  if (Number.isSafeInteger(value) && value >= 1) return value;
  throw new RangeError(`MemoryReplayStore: ${name} is ${String(value)}; give a whole number of at least 1`);
}

/** The client's key, and what identifies the proof among the client's. */
function split(key: string): readonly [client: string, proof: string] {
  const [client] = key.split('.', 1) as [string];
  return [client, key.slice(client.length + 1)];
}

function getOrAdd<Key, Value>(map: Map<Key, Value>, key: Key, make: () => Value): Value {
  const known = map.get(key);
  if (known !== undefined) return known;
  const value = make();
  map.set(key, value);
  return value;
}
