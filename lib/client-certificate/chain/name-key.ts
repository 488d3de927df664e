import {
  BMP_STRING,
  type DerElement,
  IA5_STRING,
  PRINTABLE_STRING,
  SEQUENCE,
  SET,
  T61_STRING,
  UNIVERSAL_STRING,
  UTF8_STRING,
  VISIBLE_STRING,
  childrenOf,
  contentHex,
} from './der.js';

/**
 * A text by which names are compared as OpenSSL compares them (RFC 5280 §7.1): whatever kind of string their parts are,
 * and without regard to case and repeated spaces.
 * @param name a `Name` in DER
 * @throws RangeError for what is no name
 */
export function nameKey(der: Buffer, name: DerElement): string {
  return JSON.stringify(namePartKeys(der, name));
}

/** Such a text of each part of a name (`RelativeDistinguishedName`), the outermost first. @throws RangeError for what is no name */
export function namePartKeys(der: Buffer, name: DerElement): readonly string[] {
  return namePartsOf(der, name).map((attributes) => partKey(der, attributes));
}

function partKey(der: Buffer, attributes: readonly NameAttribute[]): string {
  return JSON.stringify(
    attributes
      .map(({ type, value }) => JSON.stringify([contentHex(der, type), textOf(der, value)]))
      .toSorted(),
  );
}

/**
 * The text of a name that is written relative to another one (RFC 5280 §4.2.1.13).
 * @param to the text of that one, as {@link nameKey} has it
 * @param part a `RelativeDistinguishedName`, whatever its tag
 */
export function relativeNameKey(der: Buffer, to: string, { start, content, end }: DerElement): string {
  const set: DerElement = { tag: SET, start, content, end };
  return JSON.stringify([...(JSON.parse(to) as readonly string[]), partKey(der, attributesIn(der, set))]);
}

/** An attribute of a name, as elements of its DER. */
export interface NameAttribute {
  readonly type: DerElement;
  readonly value: DerElement;
}

/** The parts of a name, each with its attributes. @throws RangeError for what is no name */
export function namePartsOf(der: Buffer, name: DerElement): readonly (readonly NameAttribute[])[] {
  return sound(name.tag === SEQUENCE, childrenOf(der, name)).map((set) => attributesIn(der, set));
}

function attributesIn(der: Buffer, set: DerElement): readonly NameAttribute[] {
  return sound(set.tag === SET, childrenOf(der, set)).map((attribute) => {
    const [type, value, ...others] = childrenOf(der, attribute);
    if (type === undefined || value === undefined) throw noName();
    return sound(others.length === 0, { type, value });
  });
}

function sound<T>(isSound: boolean, value: T): T {
  if (isSound) return value;
  throw noName();
}

function noName(): RangeError {
  return new RangeError('it is no name');
}

/** Other kinds of values are compared as they are. */
function textOf(der: Buffer, value: DerElement): string {
  const text = decodeText(der, value);
  if (text === undefined) return `#${value.tag} ${contentHex(der, value)}`;
  return text
    .trim()
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

/** The text that an element holds; `undefined` where it is of another kind. */
export function decodeText(der: Buffer, { tag, content, end }: DerElement): string | undefined {
  switch (tag) {
    case UTF8_STRING:
      return der.toString('utf8', content, end);
    case PRINTABLE_STRING:
    case IA5_STRING:
    case T61_STRING:
    case VISIBLE_STRING:
      return der.toString('latin1', content, end);
    case BMP_STRING:
      return (end - content) % 2 === 0
        ? Buffer.from(der.subarray(content, end)).swap16().toString('utf16le')
        : undefined;
    case UNIVERSAL_STRING:
      return (end - content) % 4 === 0 ? decodeUtf32(der.subarray(content, end)) : undefined;
    default:
      return undefined;
  }
}

const LAST_CODE_POINT = 0x10_ffff;

function decodeUtf32(bytes: Buffer): string | undefined {
  let text = '';
  for (let offset = 0; offset < bytes.length; offset += 4) {
    const point = bytes.readUInt32BE(offset);
    if (point > LAST_CODE_POINT) return undefined;
    text += String.fromCodePoint(point);
  }
  return text;
}
