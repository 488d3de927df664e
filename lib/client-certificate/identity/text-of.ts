import {
  BMP_STRING,
  type DerElement,
  IA5_STRING,
  NUMERIC_STRING,
  PRINTABLE_STRING,
  T61_STRING,
  UNIVERSAL_STRING,
  UTF8_STRING,
  VISIBLE_STRING,
} from '../chain/der.js';

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const UTF16 = new TextDecoder('utf-16be', { fatal: true, ignoreBOM: true });

/**
 * The text of a string of any kind, character by character as it is in the certificate: line ends and NUL too.
 * @returns `undefined` for what is no string, or not one of its kind
 */
export function textOf(der: Buffer, { tag, content, end }: DerElement): string | undefined {
  const bytes = der.subarray(content, end);
  switch (tag) {
    case UTF8_STRING:
      return decoded(UTF8, bytes);
    case NUMERIC_STRING:
    case PRINTABLE_STRING:
    case IA5_STRING:
    case VISIBLE_STRING:
      return ascii(bytes);
    // Nobody knows more of it than that its lower half is ASCII; all that is in use takes it for Latin-1.
    case T61_STRING:
      return bytes.toString('latin1');
    case BMP_STRING:
      return decoded(UTF16, bytes);
    case UNIVERSAL_STRING:
      return universal(bytes);
    default:
      return undefined;
  }
}

/** The text of bytes that are to be ASCII; `undefined` where one is not. */
export function ascii(bytes: Buffer): string | undefined {
  return bytes.every((byte) => byte < 0x80) ? bytes.toString('latin1') : undefined;
}

function decoded(decoder: typeof UTF8, bytes: Buffer): string | undefined {
  try {
    return decoder.decode(bytes);
  } catch {
    return undefined;
  }
}

function universal(bytes: Buffer): string | undefined {
  if (bytes.length % 4 !== 0) return undefined;
  const points = Array.from({ length: bytes.length / 4 }, (_, index) => bytes.readUInt32BE(index * 4));
  const areCharacters = points.every((point) => point <= 0x10ffff && (point < 0xd800 || point > 0xdfff));
  return areCharacters ? points.map((point) => String.fromCodePoint(point)).join('') : undefined;
}
