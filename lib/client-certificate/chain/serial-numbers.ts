import { randomInt } from 'node:crypto';

/**
 * Serial numbers held without an object for each: there can be a million, which take some 25 MB. It is plain data, so that a
 * worker can hand it over.
 */
export interface SerialNumbers {
  readonly count: number;
  /** One after another, each behind an octet with its length. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** A hash table: offsets in `bytes`, each by one more, for 0 is an empty slot. Its length is a power of two. */
  readonly slots: Uint32Array<ArrayBuffer>;
  /** Where hashes begin: whoever writes a list cannot foresee which numbers share a slot. */
  readonly seed: number;
}

export const NO_SERIAL_NUMBERS: SerialNumbers = {
  count: 0,
  bytes: new Uint8Array(0),
  slots: new Uint32Array(1),
  seed: 0,
};

/** RFC 5280 §4.1.2.2 has 20 octets at most; CAs have issued longer ones. */
const LONGEST = 64;

/** Collects serial numbers. */
export class SerialNumberWriter {
  private bytes: Uint8Array<ArrayBuffer>;
  private length = 0;
  private count = 0;

  /** @param size bytes that are there at first: those of the list that the numbers are in, where it is of one CA */
  constructor(size: number) {
    this.bytes = new Uint8Array(size);
  }

  /** @throws RangeError for one that is longer than any CA's */
  add(der: Uint8Array, start: number, end: number): void {
    const from = firstOctet(der, start, end);
    const length = end - from;
    if (length > LONGEST) throw new RangeError('a serial number is too long');
    if (this.length + 1 + length > this.bytes.length) this.grow();
    this.bytes[this.length] = length;
    // By hand: to make a view of each would cost more than to copy it.
    for (let index = 0; index < length; index += 1)
      this.bytes[this.length + 1 + index] = der[from + index] ?? 0;
    this.length += 1 + length;
    this.count += 1;
  }

  private grow(): void {
    const larger = new Uint8Array(2 * this.bytes.length + 1 + LONGEST);
    larger.set(this.bytes);
    this.bytes = larger;
  }

  finish(): SerialNumbers {
    const bytes = this.bytes.slice(0, this.length);
    this.bytes = new Uint8Array(0);
    // At least every other slot stays empty, so that a look-up ends soon.
    const slots = new Uint32Array(2 ** Math.ceil(Math.log2(2 * this.count + 1)));
    const numbers: SerialNumbers = { count: this.count, bytes, slots, seed: randomInt(2 ** 32) };
    for (let offset = 0; offset < bytes.length; offset += 1 + (bytes[offset] ?? 0)) {
      const length = bytes[offset] ?? 0;
      slots[slotOf(numbers, bytes, offset + 1, length)] = offset + 1;
    }
    return numbers;
  }
}

/** Whether a serial number is among them. @param serialNumber the content of its INTEGER, in hex */
export function hasSerialNumber(numbers: SerialNumbers, serialNumber: string): boolean {
  const wanted = Buffer.from(serialNumber, 'hex');
  const from = firstOctet(wanted, 0, wanted.length);
  return numbers.slots[slotOf(numbers, wanted, from, wanted.length - from)] !== 0;
}

/** The slot that a number has, or would have. */
function slotOf(
  { bytes, slots, seed }: SerialNumbers,
  wanted: Uint8Array,
  from: number,
  length: number,
): number {
  const mask = slots.length - 1;
  let slot = hashOf(wanted, from, length, seed) & mask;
  while (slots[slot] !== 0 && !isAt(bytes, (slots[slot] ?? 0) - 1, wanted, from, length))
    slot = (slot + 1) & mask;
  return slot;
}

function isAt(bytes: Uint8Array, offset: number, wanted: Uint8Array, from: number, length: number): boolean {
  if (bytes[offset] !== length) return false;
  for (let index = 0; index < length; index += 1) {
    if (bytes[offset + 1 + index] !== wanted[from + index]) return false;
  }
  return true;
}

/** Leading zeros say nothing of a number, and not all CAs write them. */
function firstOctet(der: Uint8Array, start: number, end: number): number {
  let from = start;
  while (from < end - 1 && der[from] === 0) from += 1;
  return from;
}

/** FNV-1a, with the bits mixed once more: CAs count up. */
function hashOf(bytes: Uint8Array, start: number, length: number, seed: number): number {
  let hash = 0x811c9dc5 ^ seed;
  for (let index = start; index < start + length; index += 1) {
    hash = Math.imul(hash ^ (bytes[index] ?? 0), 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  return (hash ^ (hash >>> 13)) >>> 0;
}
