import type { IncomingMessage } from 'node:http';

/** Why a body was not read. */
export class BodyError extends Error {
  override readonly name = 'BodyError';

  constructor(readonly status: 408 | 413) {
    super(status === 413 ? 'it is too large' : 'it did not come in time, or not as a whole');
  }
}

/** What is read of a body. */
export interface BodyLimits {
  /** Bytes. */
  readonly size: number;
  /** Milliseconds. */
  readonly time: number;
}

/** More of them are put together, for each takes many times as much as a few bytes. */
const MOST_CHUNKS = 64;

/** Reads the body of a request that nobody else reads. @throws BodyError */
export async function readBody(request: IncomingMessage, { size, time }: BodyLimits): Promise<string> {
  if (Number(request.headers['content-length'] ?? 0) > size) throw new BodyError(413);
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    const timer = setTimeout(() => end(() => reject(new BodyError(408))), time);
    const end = (act: () => void): void => {
      clearTimeout(timer);
      request.off('data', onData);
      act();
    };
    const onData = (chunk: Buffer): void => {
      chunks.push(chunk);
      if (chunks.length > MOST_CHUNKS) chunks.splice(0, chunks.length, Buffer.concat(chunks));
      length += chunk.length;
      if (length > size) end(() => reject(new BodyError(413)));
    };
    request.on('data', onData);
    request.once('end', () => end(() => resolve(Buffer.concat(chunks).toString())));
    // Whoever hangs up: an error is always followed by it.
    request.once('close', () => end(() => reject(new BodyError(408))));
    request.on('error', () => undefined);
  });
}
