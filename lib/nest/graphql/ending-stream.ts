import { atTime } from '../../common/at-time.js';

/** The last event of a stream whose token has expired. */
export const EXPIRED = Symbol('expired');

type Events = AsyncIterator<unknown, unknown>;

interface Waiting {
  resolve(result: IteratorResult<unknown>): void;
  reject(error: unknown): void;
}

const OVER: IteratorResult<unknown> = { done: true, value: undefined };

/** The events of a stream until its token expires, and then {@link EXPIRED}; whatever is no stream as it is. */
export function endingWith(stream: unknown, validUntil: number | undefined): unknown {
  if (validUntil === undefined || !isStream(stream)) return stream;
  return new EndingStream(stream[Symbol.asyncIterator](), validUntil);
}

function isStream(value: unknown): value is AsyncIterable<unknown> {
  return (
    typeof (value as Partial<AsyncIterable<unknown>> | null | undefined)?.[Symbol.asyncIterator] ===
    'function'
  );
}

class EndingStream implements AsyncIterableIterator<unknown> {
  /** Who waits for an event. */
  private readonly waiting = new Set<Waiting>();
  private readonly takeBack: () => void;
  private state: 'open' | 'expired' | 'over' = 'open';

  constructor(
    private readonly events: Events,
    private readonly validUntil: number,
  ) {
    this.takeBack = atTime(validUntil, () => this.expire());
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<unknown>> {
    if (this.state !== 'open') return this.last();
    return new Promise((resolve, reject) => {
      const waiting: Waiting = { resolve, reject };
      this.waiting.add(waiting);
      this.read().then(
        (result) => this.received(result, waiting),
        (error: unknown) => this.failed(error, waiting),
      );
    });
  }

  /** Sources of apps are of many kinds: whatever one throws or returns comes in one way. */
  private async read(): Promise<IteratorResult<unknown>> {
    return this.events.next();
  }

  private failed(error: unknown, waiting: Waiting): void {
    if (!this.waiting.delete(waiting)) return;
    this.end();
    waiting.reject(error);
  }

  async return(): Promise<IteratorResult<unknown>> {
    this.end();
    await this.leave();
    return OVER;
  }

  async throw(error: unknown): Promise<IteratorResult<unknown>> {
    this.end();
    if (this.events.throw !== undefined) await this.events.throw(error);
    throw error;
  }

  private received(result: IteratorResult<unknown>, waiting: Waiting): void {
    // What comes behind the end is nobody's any more; a timer may be late.
    if (Date.now() >= this.validUntil) this.expire();
    if (!this.waiting.delete(waiting)) return;
    if (result.done === true) this.end();
    waiting.resolve(result);
  }

  private expire(): void {
    if (this.state !== 'open') return;
    this.takeBack();
    this.state = 'expired';
    for (const waiting of this.takeWaiting()) waiting.resolve(this.last());
    this.leave().catch(() => undefined);
  }

  /** The source learns that nobody listens any more. */
  private async leave(): Promise<void> {
    await this.events.return?.();
  }

  /** What is told once is that the token has expired. */
  private last(): IteratorResult<unknown> {
    if (this.state !== 'expired') return OVER;
    this.state = 'over';
    return { done: false, value: EXPIRED };
  }

  private end(): void {
    this.takeBack();
    this.state = 'over';
    for (const waiting of this.takeWaiting()) waiting.resolve(OVER);
  }

  private takeWaiting(): readonly Waiting[] {
    const waiting = [...this.waiting];
    this.waiting.clear();
    return waiting;
  }
}
