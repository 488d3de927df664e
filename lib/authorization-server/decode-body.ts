import { promisify } from 'node:util';
import { brotliDecompress, gunzip, inflate, inflateRaw } from 'node:zlib';

/** The codings that {@link decodeBody} reads, for `Accept-Encoding`. */
export const ACCEPTED_CODINGS = 'gzip, deflate, br';

/** The body of an answer that came, and cannot be read. */
export class UnreadableBodyError extends Error {
  override readonly name = 'UnreadableBodyError';
}

type Decode = (body: Buffer, options: { readonly maxOutputLength: number }) => Promise<Buffer>;

const DECODERS: ReadonlyMap<string, Decode> = new Map<string, Decode>([
  ['identity', async (body) => body],
  ['gzip', promisify(gunzip)],
  ['x-gzip', promisify(gunzip)],
  [
    'deflate',
    async (body, options) => (isZlib(body) ? promisify(inflate) : promisify(inflateRaw))(body, options),
  ],
  ['br', promisify(brotliDecompress)],
]);

/**
 * Reads the body of an answer (RFC 9110 §8.4). An empty one is empty in every coding.
 * @param coding what `Content-Encoding` says; empty without one
 * @param limit the most bytes of the decoded body
 * @throws UnreadableBodyError for a coding that was not asked for, several, a body that is broken off, and one above the limit
 */
export async function decodeBody(body: Buffer, coding: string, limit: number): Promise<string> {
  if (coding === '' || body.length === 0) return textOf(body);
  const decode = DECODERS.get(coding.trim().toLowerCase());
  if (decode === undefined)
    throw new UnreadableBodyError(`its Content-Encoding is ${JSON.stringify(coding)}`);
  try {
    return textOf(await decode(body, { maxOutputLength: limit }));
  } catch (cause) {
    throw new UnreadableBodyError(describe(cause, limit), { cause });
  }
}

/** Some servers send what "deflate" says, without the frame that it means (RFC 9110 §8.4.1.2). */
function isZlib([first = 0]: Buffer): boolean {
  return (first & 0x0f) === 8;
}

function describe(cause: unknown, limit: number): string {
  const isTooLarge = (cause as { readonly code?: unknown }).code === 'ERR_BUFFER_TOO_LARGE';
  return isTooLarge ? `decoded, it has more than ${limit} bytes` : `it cannot be decoded: ${String(cause)}`;
}

function textOf(body: Buffer): string {
  return new TextDecoder().decode(body);
}
