/** Where an element of DER is in its bytes (X.690 §8.1, §10.1). */
export interface DerElement {
  readonly tag: number;
  readonly start: number;
  /** Where its content begins. */
  readonly content: number;
  /** The offset after it. */
  readonly end: number;
}

export const BOOLEAN = 0x01;
export const INTEGER = 0x02;
export const BIT_STRING = 0x03;
export const OCTET_STRING = 0x04;
export const OBJECT_IDENTIFIER = 0x06;
export const UTF8_STRING = 0x0c;
export const NUMERIC_STRING = 0x12;
export const PRINTABLE_STRING = 0x13;
export const T61_STRING = 0x14;
export const IA5_STRING = 0x16;
export const SEQUENCE = 0x30;
export const SET = 0x31;
export const UTC_TIME = 0x17;
export const GENERALIZED_TIME = 0x18;
export const VISIBLE_STRING = 0x1a;
export const UNIVERSAL_STRING = 0x1c;
export const BMP_STRING = 0x1e;

/** Longer than any certificate or revocation list: 4 bytes of length. */
const MOST_LENGTH_BYTES = 4;

/** @throws RangeError where no whole element is, or one whose length is not written as shortly as it can be */
export function elementAt(der: Buffer, start: number, limit = der.length): DerElement {
  const tag = der.readUInt8(start);
  const first = der.readUInt8(start + 1);
  const bytes = first < 0x80 ? 0 : first & 0x7f;
  if (first === 0x80 || bytes > MOST_LENGTH_BYTES || (tag & 0x1f) === 0x1f) throw noDer();
  const content = start + 2 + bytes;
  const length = bytes === 0 ? first : der.readUIntBE(start + 2, bytes);
  if (bytes > 0 && length < Math.max(0x80, 256 ** (bytes - 1))) throw noDer();
  const end = content + length;
  if (end > limit) throw new RangeError('it is cut off');
  return { tag, start, content, end };
}

function noDer(): RangeError {
  return new RangeError('it is no DER');
}

/** The one element that these bytes are. @throws RangeError where they are something else, or more */
export function onlyElement(der: Buffer, tag: number, start = 0, limit = der.length): DerElement {
  const element = elementAt(der, start, limit);
  if (element.tag !== tag) throw new RangeError('it is of another type');
  if (element.end !== limit) throw new RangeError('there are bytes behind it');
  return element;
}

/** The elements that another one holds. @throws RangeError where what it holds is no DER */
export function childrenOf(der: Buffer, { content, end }: DerElement): readonly DerElement[] {
  const children: DerElement[] = [];
  for (let offset = content; offset < end;) {
    const child = elementAt(der, offset, end);
    children.push(child);
    offset = child.end;
  }
  return children;
}

/** The bytes that an element holds, as hex: of a serial number, of an object identifier. */
export function contentHex(der: Buffer, { content, end }: DerElement): string {
  return der.toString('hex', content, end);
}

/** The bytes that an element holds: a view of them. */
export function contentOf(der: Buffer, { content, end }: DerElement): Buffer {
  return der.subarray(content, end);
}

/** More than any identifier in use: each arc costs work. */
const MOST_IDENTIFIER_BYTES = 64;

/** An object identifier with dots. @throws RangeError for what is none */
export function identifierOf(der: Buffer, element: DerElement): string {
  if (element.tag !== OBJECT_IDENTIFIER) throw noIdentifier();
  return objectIdentifier(contentOf(der, element));
}

/** The same of the content of one (X.690 §8.19). @throws RangeError for what is none, or too long */
export function objectIdentifier(content: Uint8Array): string {
  const isWhole = content.length > 0 && (content.at(-1) ?? 0x80) < 0x80;
  if (!isWhole || content.length > MOST_IDENTIFIER_BYTES) throw noIdentifier();
  const arcs: bigint[] = [];
  let arc = 0n;
  let isFirst = true;
  for (const byte of content) {
    if (isFirst && byte === 0x80) throw noIdentifier();
    arc = (arc << 7n) | BigInt(byte & 0x7f);
    isFirst = byte < 0x80;
    if (!isFirst) continue;
    arcs.push(arc);
    arc = 0n;
  }
  const [first = 0n, ...others] = arcs;
  const root = first < 80n ? first / 40n : 2n;
  return [root, first - root * 40n, ...others].join('.');
}

function noIdentifier(): RangeError {
  return new RangeError('it is no object identifier');
}

/** A number that is not negative. @throws RangeError for what is none that JavaScript holds exactly */
export function numberOf(der: Buffer, { tag, content, end }: DerElement): number {
  const isNumber = tag === INTEGER && end > content && end - content <= 6 && der.readUInt8(content) < 0x80;
  if (!isNumber) throw new RangeError('it is no number');
  return der.readUIntBE(content, end - content);
}

/** Whether it is TRUE. @throws RangeError for what is no BOOLEAN */
export function booleanOf(der: Buffer, { tag, content, end }: DerElement): boolean {
  if (tag !== BOOLEAN || end !== content + 1) throw new RangeError('it is no BOOLEAN');
  return der.readUInt8(content) !== 0;
}

/** Milliseconds since the epoch (RFC 5280 §4.1.2.5); NaN for what is no time. */
export function timeOf(der: Buffer, { tag, content, end }: DerElement): number {
  const text = der.toString('latin1', content, end);
  const isShort = tag === UTC_TIME;
  if (!isShort && tag !== GENERALIZED_TIME) return NaN;
  const century = isShort ? (text < '50' ? '20' : '19') : '';
  const match = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(century + text);
  if (match === null) return NaN;
  const [, year, month, day, hour, minute, second] = match;
  return Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
}

/** Whether an element is a time. */
export function isTime(element: DerElement | undefined): element is DerElement {
  return element?.tag === UTC_TIME || element?.tag === GENERALIZED_TIME;
}
