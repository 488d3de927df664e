import { childrenOf, contentHex, type DerElement } from './der.js';

const UTF8_STRING = 0x0c;
const PRINTABLE_STRING = 0x13;
const T61_STRING = 0x14;
const IA5_STRING = 0x16;
const BMP_STRING = 0x1e;

/**
 * A text by which names are compared as OpenSSL compares them (RFC 5280 §7.1): whatever kind of string their parts are,
 * and without regard to case and repeated spaces.
 * @param name a `Name` in DER
 * @throws RangeError for what is no name
 */
export function nameKey(der: Buffer, name: DerElement): string {
  const parts = childrenOf(der, name).map((set) =>
    childrenOf(der, set).map((attribute) => {
      const [type, value] = childrenOf(der, attribute);
      if (type === undefined || value === undefined) throw new RangeError('it is no name');
      return [contentHex(der, type), textOf(der, value)];
    }),
  );
  return JSON.stringify(parts);
}

/** Other kinds of values are compared as they are. */
function textOf(der: Buffer, value: DerElement): string {
  const text = decode(der, value);
  if (text === undefined) return `#${value.tag} ${contentHex(der, value)}`;
  return text
    .trim()
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

function decode(der: Buffer, { tag, content, end }: DerElement): string | undefined {
  switch (tag) {
    case UTF8_STRING:
      return der.toString('utf8', content, end);
    case PRINTABLE_STRING:
    case IA5_STRING:
    case T61_STRING:
      return der.toString('latin1', content, end);
    case BMP_STRING:
      return (end - content) % 2 === 0
        ? Buffer.from(der.subarray(content, end)).swap16().toString('utf16le')
        : undefined;
    default:
      return undefined;
  }
}
