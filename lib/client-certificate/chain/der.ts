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
export const SEQUENCE = 0x30;
export const UTC_TIME = 0x17;
export const GENERALIZED_TIME = 0x18;

/** Longer than any certificate or revocation list: 4 bytes of length. */
const MOST_LENGTH_BYTES = 4;

/** @throws RangeError where no whole element is */
export function elementAt(der: Buffer, start: number, limit = der.length): DerElement {
  const first = der.readUInt8(start + 1);
  const bytes = first < 0x80 ? 0 : first & 0x7f;
  if (first === 0x80 || bytes > MOST_LENGTH_BYTES) throw new RangeError('it is no DER');
  const content = start + 2 + bytes;
  const end = content + (bytes === 0 ? first : der.readUIntBE(start + 2, bytes));
  if (end > limit) throw new RangeError('it is cut off');
  return { tag: der.readUInt8(start), start, content, end };
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
