import { MalformedValue } from './malformed-value.js';

/**
 * Decodes base64 of the standard alphabet, with its padding or without, and nothing else: what is not exactly what an
 * encoder writes is refused (RFC 4648 §3). `Buffer` alone would skip what it doesn't know and take the other alphabet.
 * @throws MalformedValue
 */
export function decodeBase64(text: string): Buffer {
  const bytes = Buffer.from(text, 'base64');
  const padded = bytes.toString('base64');
  if (text === padded || text === padded.replace(/=+$/, '')) return bytes;
  throw new MalformedValue('it is not canonical base64');
}
