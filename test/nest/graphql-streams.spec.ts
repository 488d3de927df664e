import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { RevocationWatch, TokenEnd, type TokenEnded } from '../../lib/nest/exchange/token-end.js';
import { endingWith, EndOfStream } from '../../lib/nest/graphql/ending-stream.js';

beforeEach(() => void vi.useFakeTimers({ now: 0 }));
afterEach(() => void vi.useRealTimers());

/** A stream whose events the test sends. */
class Source implements AsyncIterableIterator<unknown> {
  isReturned = false;
  thrown: unknown;
  private waiting: ((result: IteratorResult<unknown>) => void)[] = [];
  private failing: ((error: unknown) => void)[] = [];

  [Symbol.asyncIterator](): this {
    return this;
  }
  async next(): Promise<IteratorResult<unknown>> {
    return new Promise((resolve, reject) => {
      this.waiting.push(resolve);
      this.failing.push(reject);
    });
  }
  async return(): Promise<IteratorResult<unknown>> {
    this.isReturned = true;
    throw new Error('nobody hears this');
  }
  async throw(error: unknown): Promise<IteratorResult<unknown>> {
    this.thrown = error;
    return { done: true, value: undefined };
  }
  send(value: unknown): void {
    this.waiting.shift()?.({ done: false, value });
  }
  finish(): void {
    this.waiting.shift()?.({ done: true, value: undefined });
  }
  fail(error: unknown): void {
    this.failing.shift()?.(error);
  }
}

const revocations = new RevocationWatch();
const tokenEnd = new TokenEnd(1000, 'digest', revocations);
const ending = (source: Source): AsyncIterableIterator<unknown> =>
  endingWith(source, tokenEnd) as AsyncIterableIterator<unknown>;
const endOf = (ended: TokenEnded): IteratorResult<unknown> => ({
  done: false,
  value: new EndOfStream(ended),
});

describe('a stream that ends with its token', () => {
  test('events come as they are until the end, which is told once', async () => {
    const source = new Source();
    const stream = ending(source);
    const [first, second, third] = [stream.next(), stream.next(), stream.next()];
    source.send('one');
    expect(await first).toEqual({ done: false, value: 'one' });
    vi.advanceTimersByTime(1000);
    expect(await second).toEqual(endOf('expired'));
    expect(await third).toEqual({ done: true, value: undefined });
    expect(await stream.next()).toEqual({ done: true, value: undefined });
    expect(source.isReturned).toBe(true);
  });

  test('a token that is revoked ends it as well, once', async () => {
    const source = new Source();
    const stream = ending(source);
    const next = stream.next();
    revocations.revoked('another');
    revocations.revoked('digest');
    revocations.revoked('digest');
    expect(await next).toEqual(endOf('revoked'));
    expect(await stream.next()).toEqual({ done: true, value: undefined });
    expect(vi.getTimerCount()).toBe(0);
  });

  test('the end is told to who asks for the next event after it', async () => {
    const stream = ending(new Source());
    vi.advanceTimersByTime(1000);
    expect(await stream.next()).toEqual(endOf('expired'));
    expect(await stream.next()).toEqual({ done: true, value: undefined });
  });

  test('an event that comes when the timer is late is not sent', async () => {
    const source = new Source();
    const stream = ending(source);
    const next = stream.next();
    vi.setSystemTime(1000);
    source.send('late');
    expect(await next).toEqual(endOf('expired'));
  });

  test('a stream that is over, or fails, before its token expires ends as it does without us', async () => {
    const source = new Source();
    const stream = ending(source);
    const failed = stream.next();
    source.fail(new Error('failed'));
    await expect(failed).rejects.toThrow('failed');
    expect(vi.getTimerCount()).toBe(0);
    const other = new Source();
    const over = ending(other);
    const last = over.next();
    other.finish();
    expect(await last).toEqual({ done: true, value: undefined });
    vi.advanceTimersByTime(1000);
    expect(await over.next()).toEqual({ done: true, value: undefined });
  });

  test('who listens no longer ends it at its source', async () => {
    const source = new Source();
    const stream = ending(source);
    const waiting = stream.next();
    await expect(stream.return?.()).rejects.toThrow('nobody hears this');
    expect(await waiting).toEqual({ done: true, value: undefined });
    await expect(ending(source).throw?.('error')).rejects.toBe('error');
    expect(source.thrown).toBe('error');
    expect(vi.getTimerCount()).toBe(0);
  });

  test('what is no stream, or has no end, is left as it is', () => {
    const source = new Source();
    expect(endingWith(source, undefined)).toBe(source);
    expect(endingWith('text', tokenEnd)).toBe('text');
    expect(endingWith(undefined, tokenEnd)).toBeUndefined();
  });
});
