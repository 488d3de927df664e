import type {
  RevocationEntry,
  RevocationFeed,
  RevocationReplica,
  RevocationStore,
} from '../cert-bound-auth.options.js';
import { outage } from '../challenge/oauth-error.js';
import { log } from '../common/log.js';
import { SeldomLog } from '../common/seldom-log.js';
import { type Cutoff, CutoffTable } from './cutoff-table.js';
import type { RevocationChannel } from './revocation-channel.js';
import { issuerEntry, NEVER_AGAIN } from './revocation-entry.js';
import { keyText, MARK, readKey, SHAPE, type Shape, type TokenKey } from './token-key.js';

/** How much is remembered of what has been revoked, as configured. */
export interface RevocationListSettings {
  readonly maxEntries: number;
  /** Seconds. */
  readonly maxTokenLifetime: number;
  /** Seconds. */
  readonly clockTolerance: number;
  /** `undefined`: the memory of this process alone. */
  readonly store: RevocationStore | undefined;
}

/** How the store of revocations is doing. */
export interface RevocationsHealth {
  /**
   * `current`: all that is revoked is known here. `stale`: the store does not answer, and what was known lately counts.
   * `unheard`: a transmitter of security events is silent, so that tokens that it speaks of are introspected, or answered with 503.
   * `unavailable`: requests with a token are answered with 503.
   */
  readonly state: 'current' | 'stale' | 'unheard' | 'unavailable';
  /** What is wrong with the store, or with a transmitter. */
  readonly problem: string | undefined;
}

/** Issuers that have a cut-off for all of their tokens; beyond that, there is one for all issuers. */
const MOST_ISSUERS = 1_000;
const ALL_ISSUERS = '';

/**
 * What one app refuses though it has not expired. Nothing that may still refuse a token is ever dropped: where there is no room
 * for more, all tokens of the issuer are refused that are as old.
 */
export class RevocationList implements RevocationReplica {
  /** Goes up with each entry: what was found good at one version need not be looked up before the next. */
  version = 1;
  /** The shapes of the keys that there are, in the order in which they came. */
  readonly shapes: Shape[] = [];
  private readonly table: CutoffTable;
  private readonly issuers = new Map<string, Cutoff>();
  /** Moments by the text of their keys: a few for each who tells of revocations. */
  private readonly marks = new Map<string, number>();
  private readonly listeners = new Set<() => void>();
  private readonly channels: RevocationChannel[] = [];
  private readonly served = new Set<string>();
  private servesOthers = false;
  private readonly warnings = new SeldomLog('warnings about revocations');
  /** `undefined` where nobody else revokes anything. */
  private readonly feed: RevocationFeed | undefined;

  constructor(readonly settings: RevocationListSettings) {
    this.table = new CutoffTable(settings.maxEntries);
    this.feed = settings.store?.follow(this);
  }

  /** Begins to follow the store, where there is one. */
  async start(): Promise<void> {
    await this.feed?.start();
  }

  /** Ends that. */
  close(): void {
    this.feed?.close();
  }

  /** Keeps entries, in the store where there is one, and takes them in. @throws Error where the store has not kept them */
  async revoke(entries: readonly RevocationEntry[]): Promise<void> {
    this.add(this.feed === undefined ? entries : await this.feed.keep(entries));
  }

  /** @throws OAuthError 503 where others may have revoked what this process has not heard of */
  requireCurrent(): void {
    const { feed } = this;
    if (feed === undefined || performance.now() < feed.currentUntil) return;
    throw outage('revocations_unavailable', {
      detail: feed.problem ?? 'the store has not been heard of lately',
    });
  }

  /** From now on tokens of its issuers are accepted only while it can be relied on, or where their server is asked. */
  relyOn(channel: RevocationChannel): void {
    this.channels.push(channel);
  }

  /** Why what is revoked of an issuer may not be known; `undefined` where it is. */
  problemWith(issuer: string): string | undefined {
    if (this.channels.length === 0) return undefined;
    for (const channel of this.channels) {
      const problem = channel.issuers.has(issuer) ? channel.problem() : undefined;
      if (problem !== undefined) return problem;
    }
    return undefined;
  }

  /** How the store is doing, and those who tell of revocations; `undefined` where there are none. */
  health(): RevocationsHealth | undefined {
    const { feed, channels } = this;
    if (feed === undefined && channels.length === 0) return undefined;
    const { problem, currentUntil = Infinity } = feed ?? {};
    if (performance.now() >= currentUntil) return { state: 'unavailable', problem };
    if (problem !== undefined) return { state: 'stale', problem };
    const unheard = channels.map((channel) => channel.problem()).find((each) => each !== undefined);
    return { state: unheard === undefined ? 'current' : 'unheard', problem: unheard };
  }

  /** Notes whose tokens may be revoked. @param others whether the app names further issuers later */
  serve(issuers: Iterable<string>, others: boolean): void {
    for (const issuer of issuers) this.served.add(issuer);
    this.servesOthers ||= others;
  }

  /** Whose tokens may be revoked; `undefined` where the app names further issuers later. */
  get servedIssuers(): ReadonlySet<string> | undefined {
    return this.servesOthers ? undefined : this.served;
  }

  /** How many entries there are, with those that are over and not dropped yet. */
  get size(): number {
    return this.table.size + this.issuers.size;
  }

  /** Bytes that the entries take. */
  get byteLength(): number {
    return this.table.byteLength;
  }

  /** Takes entries in: from now on they count. */
  add(entries: readonly RevocationEntry[]): void {
    const now = Date.now() / 1000;
    const counting = entries.filter(({ until }) => until >= now);
    let isAboutTokens = false;
    for (const entry of counting) isAboutTokens = this.take(entry, now) || isAboutTokens;
    if (!isAboutTokens) return;
    this.version += 1;
    for (const listener of this.listeners) listener();
  }

  /** The second until which tokens with this key are refused; `undefined` where none are. */
  cutoffOf(key: TokenKey): number | undefined {
    return this.table.find(key, Date.now() / 1000)?.issuedBefore;
  }

  /** The latest moment of a mark, in seconds since the epoch; `undefined` where there is none. */
  markAt(key: TokenKey): number | undefined {
    return this.marks.get(keyText(key));
  }

  /** The same of all tokens of an issuer. @param issuer its key */
  cutoffOfIssuer(issuer: string): number | undefined {
    if (this.issuers.size === 0) return undefined;
    const now = Date.now() / 1000;
    const cutoffs = [this.issuers.get(issuer), this.issuers.get(ALL_ISSUERS)].flatMap((cutoff) =>
      cutoff === undefined || cutoff.until < now ? [] : cutoff.issuedBefore,
    );
    return cutoffs.length === 0 ? undefined : Math.max(...cutoffs);
  }

  /** Calls this after each change. @returns what takes it back */
  onChange(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** All entries that still count, for a store that has lost them. */
  *entries(): Generator<RevocationEntry> {
    for (const [key, issuedBefore] of this.marks)
      yield { kind: 'lift', key, issuer: ALL_ISSUERS, issuedBefore, until: NEVER_AGAIN };
    for (const [issuer, cutoff] of this.issuers) yield { kind: 'revoke', key: issuer, issuer, ...cutoff };
    for (const [words, cutoff] of this.table.entries(Date.now() / 1000))
      yield { kind: 'revoke', key: keyText({ words }), issuer: ALL_ISSUERS, ...cutoff };
  }

  /** @returns whether it is about tokens */
  private take(entry: RevocationEntry, now: number): boolean {
    const key = readEntryKey(entry);
    if (key?.shape === MARK) {
      this.marks.set(entry.key, Math.max(this.marks.get(entry.key) ?? 0, entry.issuedBefore));
      return false;
    }
    if (key === undefined) this.cutIssuer(entry.issuer, entry);
    else if (entry.kind === 'lift') this.lift(key, entry, now);
    else this.cut(key, entry, now);
    return true;
  }

  private cut(key: TokenKey, entry: RevocationEntry, now: number): void {
    if (isOfAccount(key) && (this.table.find(liftOf(key), now)?.issuedBefore ?? -1) >= entry.issuedBefore)
      return;
    if (!this.shapes.includes(key.shape)) this.shapes.push(key.shape);
    if (!this.table.put(key, entry, now)) this.cutFor(entry, now);
  }

  /** An account may be used again; what comes later but is older says nothing any more. */
  private lift(key: TokenKey, entry: RevocationEntry, now: number): void {
    if (!isOfAccount(key)) return;
    this.table.put(liftOf(key), entry, now);
    const cutoff = this.table.find(key, now);
    if (cutoff !== undefined && cutoff.issuedBefore <= entry.issuedBefore) this.table.remove(key);
  }

  /** There is no room: what was to be refused is, with all that is as old. */
  private cutFor(entry: RevocationEntry, now: number): void {
    const { maxEntries, clockTolerance } = this.settings;
    this.warnings.warn('full', () => {
      return `the list of revocations is full with ${maxEntries} entries: all tokens of the issuer that are as old are refused; raise revocations.maxEntries`;
    });
    this.cutIssuer(entry.issuer, issuerEntry(entry, now, clockTolerance));
  }

  private cutIssuer(issuer: string, { issuedBefore, until }: Cutoff): void {
    const known = this.issuers.has(issuer) || this.issuers.size < MOST_ISSUERS ? issuer : ALL_ISSUERS;
    if (known === ALL_ISSUERS) log.error('tokens of all issuers are refused that are as old as one revoked');
    const old = this.issuers.get(known);
    this.issuers.set(known, {
      issuedBefore: Math.max(old?.issuedBefore ?? 0, issuedBefore),
      until: Math.max(old?.until ?? 0, until),
    });
  }
}

/** `undefined` of an entry that is about all tokens of its issuer. */
function readEntryKey({ key, issuer }: RevocationEntry): TokenKey | undefined {
  return key === issuer ? undefined : readKey(key);
}

function isOfAccount({ shape }: TokenKey): boolean {
  return (shape & SHAPE.account) !== 0;
}

/** Where it is kept when an account was last said to be in use again. */
function liftOf({ words: [first, second, third, fourth], shape }: TokenKey): TokenKey {
  return { words: [first, second, third, ~fourth], shape };
}
