import type { OAuthError } from '../challenge/oauth-error.js';
import type { RefusalReason } from '../challenge/reasons.js';
import type { MaybePromise } from '../common/maybe-promise.js';
import { messageOf } from '../common/message-of.js';
import type { KeyCacheOptions } from '../cert-bound-auth.options.js';
import type { SettingsOf } from '../common/settings-of.js';
import { asOutage } from './as-outage.js';
import { log } from '../common/log.js';

/** How old something that the authorization server publishes may become. */
export interface RefreshRules {
  /** Seconds after which it is fetched again while the old one still serves. */
  readonly refreshAfter: number;
  /** Seconds after which the old one serves no more. */
  readonly maxAge: number;
  /** Seconds beyond that for which it serves as long as fetching it fails. */
  readonly staleIfError: number;
}

/** How old keys and metadata may become, as configured. */
export type KeyCacheSettings = SettingsOf<KeyCacheOptions, 'refreshAfter'>;

/** Where `maxAge` alone is given and short, the old one is fetched anew in its second half. */
export function refreshRulesOf({ refreshAfter, maxAge, staleIfError }: KeyCacheSettings): RefreshRules {
  return { refreshAfter: refreshAfter ?? Math.min(300, maxAge / 2), maxAge, staleIfError };
}

/** How a value is doing, for a health check. */
export interface RefreshHealth {
  readonly state: 'not-fetched' | 'fresh' | 'stale' | 'unavailable';
  /** Seconds since it was fetched. */
  readonly age: number | undefined;
  /** Why the last attempt failed; `undefined` where it did not. The details are in the log alone. */
  readonly lastFailure: RefusalReason | undefined;
}

interface Held<Value> {
  readonly value: Value;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly rules: RefreshRules;
}

/** What the last fetches came to, where they failed. */
interface Failure {
  readonly error: OAuthError;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** Milliseconds in which there is no other fetch. */
  readonly pause: number;
  /** How many in a row. */
  readonly count: number;
}

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 10_000;

/**
 * Something that is fetched when it is first needed, kept, and fetched again in the background before it is too old.
 * Concurrent needs share one fetch; after one that failed there is none for a while, longer each time.
 */
export class RefreshedValue<Value> {
  private held: Held<Value> | undefined;
  private pending: Promise<Value> | undefined;
  /** `undefined` while fetching succeeds. */
  private failure: Failure | undefined;

  /**
   * @param name for the log
   * @param fetch gets what was fetched before
   * @param rules of every value, or by what a value itself says of its time
   */
  constructor(
    private readonly name: string,
    private readonly fetch: (previous: Value | undefined) => Promise<Value>,
    private readonly rules: RefreshRules | ((value: Value) => RefreshRules),
  ) {}

  /** What is known, if it may serve; else a promise of what is fetched. @throws OAuthError 503, by the promise */
  get(): MaybePromise<Value> {
    const { held } = this;
    if (held === undefined) return this.fetchUnlessPausing();
    return this.serve() ? held.value : this.fetchOrServe(held);
  }

  /** Whether what is known may serve at this moment; fetches it in the background where it is no longer young. */
  serve(): boolean {
    const { held } = this;
    if (held === undefined) return false;
    const age = ageOf(held);
    if (age >= this.oldest(held)) return false;
    if (age >= held.rules.refreshAfter) this.refreshUnseen();
    return true;
  }

  /** What the fetch comes to that is under way, if one is. @throws OAuthError 503 */
  async underWay(): Promise<Value | undefined> {
    return this.pending;
  }

  /** What is known, however old. */
  get known(): Value | undefined {
    return this.held?.value;
  }

  /** Fetches it anew, unless it has just failed. @throws OAuthError 503 */
  async fetchUnlessPausing(): Promise<Value> {
    const failed = this.failedJustNow();
    if (this.pending === undefined && failed !== undefined) throw failed;
    return this.fetchOnce();
  }

  /** Fetches it anew, come what may, and no sooner than it is asked for. @throws OAuthError 503 */
  async fetchNow(): Promise<Value> {
    await this.pending?.catch(() => undefined);
    return this.fetchOnce();
  }

  health(): RefreshHealth {
    const { held, failure } = this;
    const lastFailure = failure?.error.reason;
    const missing = isRecent(failure) ? 'unavailable' : 'not-fetched';
    if (held === undefined) return { state: missing, age: undefined, lastFailure };
    const age = Math.floor(ageOf(held));
    if (age >= this.oldest(held)) return { state: missing, age, lastFailure };
    return { state: age < held.rules.maxAge ? 'fresh' : 'stale', age, lastFailure };
  }

  /** Why there is no fetch at this moment, if there is none. */
  private failedJustNow(): OAuthError | undefined {
    const { failure } = this;
    return failure !== undefined && isWithin(failure.pause, failure.at) ? failure.error : undefined;
  }

  /** Only after a fetch that failed it is known whether the old value serves for longer. */
  private async fetchOrServe(held: Held<Value>): Promise<Value> {
    try {
      return await this.fetchUnlessPausing();
    } catch (error) {
      if (ageOf(held) < this.oldest(held)) return held.value;
      throw error;
    }
  }

  /** Seconds: only where fetching fails may it be older than `maxAge`. */
  private oldest({ rules: { maxAge, staleIfError } }: Held<Value>): number {
    return this.failure === undefined ? maxAge : maxAge + staleIfError;
  }

  private refreshUnseen(): void {
    // Stryker disable next-line ConditionalExpression: one that is under way is shared; to ask first spares promises
    if (this.pending !== undefined || this.failedJustNow() !== undefined) return;
    this.fetchOnce().catch(() => undefined);
  }

  private async fetchOnce(): Promise<Value> {
    this.pending ??= this.attempt().finally(() => {
      this.pending = undefined;
    });
    return this.pending;
  }

  private async attempt(): Promise<Value> {
    try {
      const value = await this.fetch(this.held?.value);
      this.succeeded(value);
      return value;
    } catch (cause) {
      const error = asOutage(cause);
      this.failed(error);
      throw error;
    }
  }

  private succeeded(value: Value): void {
    if (this.failure !== undefined && this.held !== undefined) {
      log.log(`${this.name}: fetched again after ${this.failure.count} failures`);
    }
    const rules = typeof this.rules === 'function' ? this.rules(value) : this.rules;
    this.held = { value, at: Date.now(), rules };
    this.failure = undefined;
  }

  /** Who waits says so itself; where the old value serves, nobody else would. */
  private failed(error: OAuthError): void {
    const { count = 0 } = this.failure ?? {};
    if (count === 0 && this.held !== undefined) {
      log.warn(`${this.name}: could not be refreshed: ${messageOf(error)}`);
    }
    this.failure = { error, at: Date.now(), pause: pauseAfter(count), count: count + 1 };
  }
}

/** Whether this many milliseconds have not passed since a moment. By a clock that has been set back they have. */
export function isWithin(milliseconds: number, since: number): boolean {
  const passed = Date.now() - since;
  return passed >= 0 && passed < milliseconds;
}

/** Seconds. By a clock that has been set back nothing is young. */
function ageOf({ at }: Pick<Held<unknown>, 'at'>): number {
  const age = (Date.now() - at) / 1000;
  return age < 0 ? Infinity : age;
}

/** What failed long ago may succeed now: whoever gets no requests while it is down must not stay down for ever. */
function isRecent(failure: Failure | undefined): boolean {
  return failure !== undefined && isWithin(LONGEST_PAUSE_MS, failure.at);
}

/**
 * Milliseconds: none after the first failure, which may be over already; then twice as many each time, and not the same
 * for all instances of an API.
 */
function pauseAfter(failuresBefore: number): number {
  if (failuresBefore === 0) return 0;
  const pause = Math.min(FIRST_PAUSE_MS * 2 ** (failuresBefore - 1), LONGEST_PAUSE_MS);
  return pause * (0.5 + Math.random() / 2);
}
