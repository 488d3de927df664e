import type { TokenEnd, TokenEnded } from '../exchange/token-end.js';

/** The last event of a stream whose token has ended. */
export class EndOfStream {
  constructor(readonly ended: TokenEnded) {}
}

type Events = AsyncIterator<unknown, unknown>;

interface Waiting {
  resolve(result: IteratorResult<unknown>): void;
  reject(error: unknown): void;
}

const OVER: IteratorResult<unknown> = { done: true, value: undefined };

/** The events of a stream until its token ends, and then an {@link EndOfStream}; whatever is no stream as it is. */
export function endingWith(stream: unknown, end: TokenEnd | undefined): unknown {
  if (end === undefined || !isStream(stream)) return stream;
  return new EndingStream(stream[Symbol.asyncIterator](), end);
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
  private state: 'open' | 'over' | EndOfStream = 'open';

  constructor(
    private readonly events: Events,
    private readonly tokenEnd: TokenEnd,
  ) {
    this.takeBack = tokenEnd.whenOver((ended) => this.endAs(ended));
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
    if (Date.now() >= this.tokenEnd.validUntil) this.endAs('expired');
    if (!this.waiting.delete(waiting)) return;
    if (result.done === true) this.end();
    waiting.resolve(result);
  }

  private endAs(ended: TokenEnded): void {
    if (this.state !== 'open') return;
    this.takeBack();
    this.state = new EndOfStream(ended);
    for (const waiting of this.takeWaiting()) waiting.resolve(this.last());
    this.leave().catch(() => undefined);
  }

  /** The source learns that nobody listens any more. */
  private async leave(): Promise<void> {
    await this.events.return?.();
  }

  /** What has become of the token is told once. */
  private last(): IteratorResult<unknown> {
    if (!(this.state instanceof EndOfStream)) return OVER;
    const value = this.state;
    this.state = 'over';
    return { done: false, value };
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
