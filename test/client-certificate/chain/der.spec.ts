import { describe, expect, test } from 'vitest';
import { childrenOf, elementAt, timeOf } from '../../../lib/client-certificate/chain/der.js';

describe('elements of DER', () => {
  test.each<[string, readonly number[]]>([
    ['a length that is not said', [0x30, 0x80, 0, 0]],
    ['a length of more than four bytes', [0x30, 0x85, 0, 0, 0, 0, 1, 0]],
    ['less than its length says', [0x30, 5, 0]],
    ['a long length, and less than that', [0x30, 0x81, 200, 0]],
    ['nothing at all', []],
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
