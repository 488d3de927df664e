import { isUtf8 } from 'node:buffer';
import { type JsonObject, parseJsonObject } from './json-object.js';

/** What kind of token a string is, by its shape alone: nothing in it has been verified. */
export type TokenShape =
  | { readonly kind: 'jwt'; readonly header: JsonObject; readonly payload: JsonObject }
  /** It has the header of a JWT, but its payload is no JSON object, or its signature no base64url. */
  | { readonly kind: 'malformed' }
  | { readonly kind: 'encrypted' }
  | { readonly kind: 'opaque' };

/**
 * Tells a JWT (three parts, of which the first is a JSON object) from an encrypted one (five parts) and from an
 * opaque token, which may hold dots too.
 */
export function readTokenShape(token: string): TokenShape {
  const parts = token.split('.', 6);
  if (parts.length !== 3 && parts.length !== 5) return { kind: 'opaque' };
  const [first, second, third] = parts as [string, string, string];
  const header = decodeHeader(first);
  if (header === undefined) return { kind: 'opaque' };
  if (parts.length === 5) return { kind: 'encrypted' };
  const payload = decodePayload(second, third);
  return payload === undefined ? { kind: 'malformed' } : { kind: 'jwt', header, payload };
}

/** The header of a JWT that was read last: it is the same in all tokens of a server for as long as its key is. */
let latest: { readonly text: string; readonly header: JsonObject } | undefined;
/** Characters of a header that is kept. */
const LONGEST_KEPT = 1_000;

function decodeHeader(text: string): JsonObject | undefined {
  if (latest?.text === text) return latest.header;
  const header = decodeObject(text);
  // A copy: a part of a token's text would keep the whole token in memory.
  if (header !== undefined && text.length <= LONGEST_KEPT)
    latest = { text: Buffer.from(text).toString(), header: Object.freeze(header) };
  return header;
}

/** The payload of a JWT; `undefined` when it is no JSON object, or the signature no base64url. */
export function decodePayload(payload: string, signature: string): JsonObject | undefined {
  return isBase64url(signature) ? decodeObject(payload) : undefined;
}

/** A part of a JWT as a JSON object; `undefined` when it is none. */
export function decodeObject(part: string): JsonObject | undefined {
  if (!isBase64url(part)) return undefined;
  const bytes = Buffer.from(part, 'base64url');
  return isUtf8(bytes) ? parseJsonObject(bytes.toString()) : undefined;
}

/**
 * Whether text is base64url in its one canonical form: without padding, and with zeros for the bits that the last
 * character has too many. Decoders forgive both, and then one token has several spellings and several digests.
 */
export function isBase64url(text: string): boolean {
  return /^(?:[\w-]{4})*(?:[\w-][AQgw]|[\w-]{2}[AEIMQUYcgkosw048])?$/.test(text);
}
