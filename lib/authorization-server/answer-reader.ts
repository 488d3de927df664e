import type { Dispatcher } from 'undici';
import type { HttpAnswer } from './http-call.js';

type Headers = Parameters<NonNullable<Dispatcher.DispatchHandler['onResponseStart']>>[2];

/** Reads one answer as it comes in; undici bounds its size, and the signal its time. */
export class AnswerReader implements Dispatcher.DispatchHandler {
  /** The whole answer. It rejects with the signal's reason, or with what ended the connection. */
  readonly answer: Promise<HttpAnswer>;
  private resolve: (answer: HttpAnswer) => void = () => undefined;
  private reject: (error: Error) => void = () => undefined;
  private started = false;
  private status = 0;
  // Stryker disable next-line StringLiteral: the head of the answer replaces it, and without one there is no answer
  private contentType = '';
  private readonly chunks: Buffer[] = [];

  constructor(private readonly signal: AbortSignal) {
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
  }

  onResponseData(_controller: unknown, chunk: Buffer): void {
    this.chunks.push(chunk);
  }

  onResponseEnd(): void {
    const body = new TextDecoder().decode(Buffer.concat(this.chunks));
    this.resolve({ status: this.status, contentType: this.contentType, body });
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
