import type { Dispatcher } from 'undici';
import { answerLifetime } from './answer-lifetime.js';
import { decodeBody } from './decode-body.js';
import type { HttpAnswer } from './http-call.js';

type Headers = Parameters<NonNullable<Dispatcher.DispatchHandler['onResponseStart']>>[2];

/** Reads one answer as it comes in; undici bounds its size as it is sent, and the signal its time. */
export class AnswerReader implements Dispatcher.DispatchHandler {
  /** The whole answer. It rejects with the signal's reason, or with what ended the connection. */
  readonly answer: Promise<HttpAnswer>;
  private resolve: (answer: HttpAnswer) => void = () => undefined;
  private reject: (error: Error) => void = () => undefined;
  private started = false;
  private status = 0;
  // Stryker disable next-line StringLiteral: the head of the answer replaces it, and without one there is no answer
  private contentType = '';
  private coding = '';
  private lifetime: number | undefined;
  private readonly chunks: Buffer[] = [];

  /** @param limit the most bytes that the body may have when it is decoded */
  constructor(
    private readonly signal: AbortSignal,
    private readonly limit: number,
  ) {
    this.answer = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
  }

  /** Whether as much as the first byte of the answer has come. */
  get begun(): boolean {
    return this.started;
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    const abort = (): void => controller.abort(this.signal.reason as Error);
    if (this.signal.aborted) abort();
    else this.signal.addEventListener('abort', abort);
  }

  onResponseStarted(): void {
    this.started = true;
  }

  onResponseStart(_controller: unknown, status: number, headers: Headers): void {
    this.status = status;
    this.contentType = mediaTypeOf(headers);
    this.coding = String(headers['content-encoding'] ?? '');
    this.lifetime = answerLifetime({
      cacheControl: String(headers['cache-control'] ?? ''),
      age: String(headers['age'] ?? ''),
    });
  }

  onResponseData(_controller: unknown, chunk: Buffer): void {
    this.chunks.push(chunk);
  }

  onResponseEnd(): void {
    const { status, contentType, lifetime } = this;
    decodeBody(Buffer.concat(this.chunks), this.coding, this.limit).then(
      (body) => this.resolve({ status, contentType, body, lifetime }),
      // Where the status says what has happened, the body adds no more than words.
      (error: Error) =>
        status === 200 ? this.reject(error) : this.resolve({ status, contentType, body: '', lifetime }),
    );
  }

  onResponseError(_controller: unknown, error: Error): void {
    this.reject(error);
  }
}

function mediaTypeOf(headers: Headers): string {
  return String(headers['content-type'] ?? '')
    .replace(/;.*/, '')
    .trim()
    .toLowerCase();
}
