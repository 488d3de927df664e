import type { Readable } from 'node:stream';

/** Bytes: the largest token that anything here reads has a tenth of them. */
const MOST_BYTES = 1_048_576;

/** All that a stream holds, as text. @throws Error where it is more than any token */
export async function textOf(stream: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MOST_BYTES) throw new Error('standard input holds more than any token');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}
