import { Logger } from '@nestjs/common';
import type { OAuthError } from '../challenge/oauth-error.js';
import type { RefusalReason } from '../challenge/refusal-reason.js';
import type { MaybePromise } from '../maybe-promise.js';
import { messageOf } from '../message-of.js';
import { asOutage } from './as-outage.js';

/** How old something that the authorization server publishes may become. */
export interface RefreshRules {
  /** Seconds after which it is fetched again while the old one still serves. */
  readonly refreshAfter: number;
  /** Seconds after which the old one serves no more. */
  readonly maxAge: number;
  /** Seconds beyond that for which it serves as long as fetching it fails. */
  readonly staleIfError: number;
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
}

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 10_000;

/**
 * Something that is fetched when it is first needed, kept, and fetched again in the background before it is too old.
 * Concurrent needs share one fetch; after one that failed there is none for a while, longer each time.
 */
export class RefreshedValue<Value> {
  private readonly logger = new Logger('CertBoundAuth');
  private held: Held<Value> | undefined;
  private pending: Promise<Value> | undefined;
  private failures = 0;
  private lastError: OAuthError | undefined;
  /** Milliseconds since the epoch. */
  private failedAt = -Infinity;
  /** Milliseconds. */
  private pause = 0;

  /**
   * @param name for the log
   * @param fetch gets what was fetched before
   */
  constructor(
    private readonly name: string,
    private readonly fetch: (previous: Value | undefined) => Promise<Value>,
    private readonly rules: RefreshRules,
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
    if (age >= this.oldest()) return false;
    if (age >= this.rules.refreshAfter) this.refreshUnseen();
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
    if (this.pending === undefined && this.isPausing()) throw this.lastError;
    return this.fetchOnce();
  }

  /** Fetches it anew, come what may, and no sooner than it is asked for. @throws OAuthError 503 */
  async fetchNow(): Promise<Value> {
    await this.pending?.catch(() => undefined);
    return this.fetchOnce();
  }

  health(): RefreshHealth {
    const { held } = this;
    const lastFailure = this.failures === 0 ? undefined : this.lastError?.reason;
    const age = held === undefined ? undefined : Math.floor(ageOf(held));
    if (age !== undefined && age < this.oldest()) {
      return { state: age < this.rules.maxAge ? 'fresh' : 'stale', age, lastFailure };
    }
    return { state: this.hasJustFailed() ? 'unavailable' : 'not-fetched', age, lastFailure };
  }

  /** What failed long ago may succeed now: whoever gets no requests while it is down must not stay down for ever. */
  private hasJustFailed(): boolean {
    return this.failures > 0 && isWithin(LONGEST_PAUSE_MS, this.failedAt);
  }

  private isPausing(): boolean {
    return this.failures > 0 && isWithin(this.pause, this.failedAt);
  }

  /** Only after a fetch that failed it is known whether the old value serves for longer. */
  private async fetchOrServe(held: Held<Value>): Promise<Value> {
    try {
      return await this.fetchUnlessPausing();
    } catch (error) {
      if (ageOf(held) < this.oldest()) return held.value;
      throw error;
    }
  }

  /** Seconds: only where fetching fails may it be older than `maxAge`. */
  private oldest(): number {
    const { maxAge, staleIfError } = this.rules;
    return this.failures === 0 ? maxAge : maxAge + staleIfError;
  }

  private refreshUnseen(): void {
    if (this.pending !== undefined || this.isPausing()) return;
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
    if (this.failures > 0 && this.held !== undefined) {
      this.logger.log(`${this.name}: fetched again after ${this.failures} failures`);
    }
    this.held = { value, at: Date.now() };
    this.failures = 0;
  }

  /** Who waits says so itself; where the old value serves, nobody else would. */
  private failed(error: OAuthError): void {
    if (this.failures === 0 && this.held !== undefined) {
      this.logger.warn(`${this.name}: could not be refreshed: ${messageOf(error)}`);
    }
    this.lastError = error;
    this.failedAt = Date.now();
    this.pause = pauseAfter(this.failures);
    this.failures += 1;
  }
}

/** Whether this many milliseconds have not passed since a moment. By a clock that has been set back they have. */
export function isWithin(milliseconds: number, since: number): boolean {
  const passed = Date.now() - since;
  return passed >= 0 && passed < milliseconds;
}

/** Seconds. By a clock that has been set back nothing is young. */
function ageOf({ at }: Held<unknown>): number {
  const age = (Date.now() - at) / 1000;
  return age < 0 ? Infinity : age;
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
