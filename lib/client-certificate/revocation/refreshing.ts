import type { MaybePromise } from '../../common/maybe-promise.js';
import { messageOf } from '../../common/message-of.js';

/** Something that was fetched. */
export interface Fetched<Value> {
  readonly value: Value;
  /** How long it serves, in milliseconds since the epoch. */
  readonly until: number;
}

/** What serves at this moment, or why nothing does. */
export type Served<Value> =
  { readonly kind: 'there'; readonly value: Value } | { readonly kind: 'missing'; readonly problem: string };

interface Held<Value> extends Fetched<Value> {
  /** Milliseconds since the epoch. */
  readonly at: number;
}

interface Failure {
  readonly problem: string;
  readonly count: number;
  /** When the next attempt may be made, in milliseconds since the epoch. */
  readonly next: number;
}

const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 60_000;
const LONGEST_AGE_MS = 3_600_000;
/** What nobody has asked for during so many milliseconds is not fetched any more. */
const FORGOTTEN_AFTER_MS = 86_400_000;

/**
 * Something that is fetched when it is first needed, and again in the background well before it is out of date, so that nobody
 * waits for it twice. Concurrent needs share one fetch; after one that failed there is none for a while, longer each time.
 */
export class Refreshing<Value> {
  private held: Held<Value> | undefined;
  private pending: Promise<Served<Value>> | undefined;
  private failure: Failure | undefined;
  private usedAt = 0;

  /** @param fetch gets what was fetched before */
  constructor(private readonly fetch: (previous: Value | undefined) => Promise<Fetched<Value>>) {}

  /** What serves; at once where it is there, or is known not to be. @param now milliseconds since the epoch */
  get(now: number): MaybePromise<Served<Value>> {
    this.usedAt = now;
    const { held, failure } = this;
    if (held !== undefined && now <= held.until) {
      this.refreshWhenDue(now);
      return { kind: 'there', value: held.value };
    }
    if (this.pending !== undefined) return this.pending;
    if (failure !== undefined && isPausing(failure, now))
      return { kind: 'missing', problem: failure.problem };
    return this.fetchOnce(now);
  }

  /** Whether it is out of date because nobody has asked for it lately. */
  isForgotten(now: number): boolean {
    const isOver = this.held === undefined || now > this.held.until;
    return isOver && now - this.usedAt > FORGOTTEN_AFTER_MS;
  }

  /** Fetches it anew in the background, where it is time and somebody has lately asked for it. */
  refreshWhenDue(now: number): void {
    const { held, failure } = this;
    if (this.pending !== undefined || now - this.usedAt > FORGOTTEN_AFTER_MS) return;
    if (failure !== undefined ? isPausing(failure, now) : held !== undefined && now < dueAt(held)) return;
    void this.fetchOnce(now);
  }

  /** What was fetched last, however old it is. */
  get known(): Value | undefined {
    return this.held?.value;
  }

  /** When what is held was fetched, and what has failed since. */
  get record(): {
    readonly at: number | undefined;
    readonly until: number | undefined;
    readonly failures: number;
    readonly problem: string | undefined;
  } {
    const { held, failure } = this;
    return {
      at: held?.at,
      until: held?.until,
      failures: failure?.count ?? 0,
      problem: failure?.problem,
    };
  }

  private async fetchOnce(now: number): Promise<Served<Value>> {
    this.pending ??= this.attempt(now).finally(() => {
      this.pending = undefined;
    });
    return this.pending;
  }

  private async attempt(now: number): Promise<Served<Value>> {
    try {
      const fetched = await this.fetch(this.held?.value);
      this.held = { ...fetched, at: now };
      if (now > fetched.until) throw new Error('what it has is out of date');
      this.failure = undefined;
      return { kind: 'there', value: fetched.value };
    } catch (error) {
      const count = (this.failure?.count ?? 0) + 1;
      const problem = messageOf(error);
      this.failure = { problem, count, next: now + pauseAfter(count) };
      const { held } = this;
      return held !== undefined && now <= held.until
        ? { kind: 'there', value: held.value }
        : { kind: 'missing', problem };
    }
  }
}

function isPausing({ next }: Failure, now: number): boolean {
  // By a clock that has been set back, no pause is longer than the longest.
  return now < next && next - now <= LONGEST_PAUSE_MS;
}

/** In the middle of its time, and after an hour at most. */
function dueAt({ at, until }: Held<unknown>): number {
  return at + Math.min((until - at) / 2, LONGEST_AGE_MS);
}

/** Not the same for all instances of an API. */
function pauseAfter(failures: number): number {
  const pause = Math.min(FIRST_PAUSE_MS * 2 ** (failures - 1), LONGEST_PAUSE_MS);
  return pause * (0.5 + Math.random() / 2);
}
