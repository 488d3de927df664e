import { base64url } from 'jose';
import { type JsonObject, parseJsonObject } from './json-object.js';

/** What kind of token a string is, by its shape alone: nothing in it has been verified. */
export type TokenShape =
  /** `payload` is `undefined` where payload or signature is malformed. */
  | { readonly kind: 'jwt'; readonly header: JsonObject; readonly payload: JsonObject | undefined }
  | { readonly kind: 'encrypted' }
  | { readonly kind: 'opaque' };

/**
 * Tells a JWT (three parts, of which the first is a JSON object) from an encrypted one (five parts) and from an
 * opaque token, which may hold dots too.
 */
export function readTokenShape(token: string): TokenShape {
  const parts = token.split('.', 6);
  if (parts.length !== 3 && parts.length !== 5) return { kind: 'opaque' };
  const header = decodeObject(parts[0]);
  if (header === undefined) return { kind: 'opaque' };
  if (parts.length === 5) return { kind: 'encrypted' };
  const payload = isBase64url(parts[2] ?? '') ? decodeObject(parts[1]) : undefined;
  return { kind: 'jwt', header, payload };
}

const UTF8 = new TextDecoder('utf-8', { fatal: true });

/** A part of a token as a JSON object; `undefined` when it is none. */
function decodeObject(part: string | undefined): JsonObject | undefined {
  if (part === undefined || !isBase64url(part)) return undefined;
  try {
    return parseJsonObject(UTF8.decode(base64url.decode(part)));
  } catch {
    return undefined;
  }
}

/**
 * Whether text is base64url in its one canonical form: without padding, and with zeros for the bits that the last
 * character has too many. Decoders forgive both, and then one token has several spellings and several digests.
 */
export function isBase64url(text: string): boolean {
  return /^(?:[\w-]{4})*(?:[\w-][AQgw]|[\w-]{2}[AEIMQUYcgkosw048])?$/.test(text);
}
