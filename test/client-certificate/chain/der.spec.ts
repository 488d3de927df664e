import { describe, expect, test } from 'vitest';
import {
  booleanOf,
  childrenOf,
  elementAt,
  identifierOf,
  numberOf,
  onlyElement,
  timeOf,
} from '../../../lib/client-certificate/chain/der.js';

describe('elements of DER', () => {
  test.each<[string, readonly number[]]>([
    ['a length that is not said', [0x30, 0x80, 0, 0]],
    ['a length of more than four bytes', [0x30, 0x85, 0, 0, 0, 0, 1, 0]],
    ['less than its length says', [0x30, 5, 0]],
    ['a long length, and less than that', [0x30, 0x81, 200, 0]],
    ['nothing at all', []],
    ['a long length that would be a short one', [0x30, 0x81, 2, 5, 0]],
    ['a length with a zero before it', [0x30, 0x82, 0, 0x80, ...Array.from({ length: 0x80 }, () => 0)]],
    ['a tag of several bytes', [0x1f, 0x81, 0x01, 0]],
  ])('an element with %s is refused', (_, bytes) => {
    expect(() => elementAt(Buffer.from(bytes), 0)).toThrow(RangeError);
  });

  test('what an element holds ends where it ends, with a short and with a long length', () => {
    const short = Buffer.from([0x30, 5, 2, 1, 7, 5, 0]);
    expect(childrenOf(short, elementAt(short, 0)).map(({ tag }) => tag)).toEqual([2, 5]);
    const long = Buffer.concat([Buffer.from([0x30, 0x81, 200, 4, 0x81, 197]), Buffer.alloc(197)]);
    expect(childrenOf(long, elementAt(long, 0))).toMatchObject([{ tag: 4, end: 203 }]);
    const cut = Buffer.from([0x30, 3, 4, 5, 0]);
    expect(() => childrenOf(cut, elementAt(cut, 0))).toThrow(RangeError);
  });
});

describe('values of DER', () => {
  const read = <T>(
    bytes: readonly number[],
    value: (der: Buffer, element: ReturnType<typeof elementAt>) => T,
  ): T => {
    const bytesOf = Buffer.from(bytes);
    return value(bytesOf, elementAt(bytesOf, 0));
  };

  test.each<[string, readonly number[]]>([
    ['2.5.29.15', [6, 3, 0x55, 0x1d, 0x0f]],
    ['1.2.840.113549.1.1.11', [6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 11]],
    ['0.4.0.19495.2', [6, 6, 4, 0, 0x81, 0x98, 0x27, 2]],
    ['2.999', [6, 2, 0x88, 0x37]],
  ])('the object identifier %s is read', (text, bytes) => {
    expect(read(bytes, identifierOf)).toBe(text);
  });

  test.each<[string, readonly number[]]>([
    ['is empty', [6, 0]],
    ['ends in the middle of a number', [6, 2, 0x55, 0x9d]],
    ['has a number with zeros before it', [6, 3, 0x55, 0x80, 0x1d]],
    ['is of another type', [2, 1, 0x55]],
    ['is longer than any', [6, 65, ...Array.from({ length: 65 }, () => 1)]],
  ])('an object identifier is refused that %s', (_, bytes) => {
    expect(() => read(bytes, identifierOf)).toThrow(RangeError);
  });

  test('numbers and truth are read, and nothing else in their place', () => {
    expect(read([2, 2, 1, 0], numberOf)).toBe(256);
    expect(() => read([2, 1, 0xff], numberOf)).toThrow(RangeError);
    expect(() => read([2, 0], numberOf)).toThrow(RangeError);
    expect(() => read([2, 7, 1, 0, 0, 0, 0, 0, 0], numberOf)).toThrow(RangeError);
    expect(() => read([4, 1, 1], numberOf)).toThrow(RangeError);
    expect([read([1, 1, 0xff], booleanOf), read([1, 1, 0], booleanOf)]).toEqual([true, false]);
    expect(() => read([1, 2, 0, 0], booleanOf)).toThrow(RangeError);
    expect(() => read([2, 1, 0], booleanOf)).toThrow(RangeError);
  });

  test('one element is read where it is alone and of its type', () => {
    expect(onlyElement(Buffer.from([0x30, 0]), 0x30)).toMatchObject({ end: 2 });
    expect(() => onlyElement(Buffer.from([0x31, 0]), 0x30)).toThrow('it is of another type');
    expect(() => onlyElement(Buffer.from([0x30, 0, 0]), 0x30)).toThrow('there are bytes behind it');
  });
});

test.each<[tag: number, text: string, time: number]>([
  [0x17, '490101000000Z', Date.UTC(2049, 0, 1)],
  [0x17, '500101000000Z', Date.UTC(1950, 0, 1)],
  [0x18, '20500101000000Z', Date.UTC(2050, 0, 1)],
  [0x18, '20500101000000', NaN],
  [0x18, '20501301000000Z', NaN],
  [0x04, '20500101000000Z', NaN],
])('RFC5280-4.1.2.5: the time with tag %i and the text %s is read as %d', (tag, text, time) => {
  const der = Buffer.concat([Buffer.from([tag, text.length]), Buffer.from(text)]);
  expect(timeOf(der, elementAt(der, 0))).toBe(time);
});
