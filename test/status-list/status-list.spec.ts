import { inflateSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { requireValid, type StatusBits, StatusList } from '../../lib/status-list/status-list.js';
import { statusReferenceOf } from '../../lib/status-list/status-reference.js';
import DRAFT_LISTS from './draft-lists.json' with { type: 'json' };

const LIMITS = { ttl: Infinity, untilExpiry: Infinity };

function listOf(lst: string, bits: StatusBits): StatusList {
  return new StatusList(inflateSync(Buffer.from(lst, 'base64url')), bits, 0, LIMITS);
}

const statusesOf = (list: StatusList): readonly (number | undefined)[] =>
  Array.from({ length: list.size }, (_, index) => list.at(index));

/** The tokens of the long lists of draft-ietf-oauth-status-list that are not valid, by the bits of a status. */
const MARKED = {
  1: [0, 1993, 25460, 159495, 495669, 554353, 645645, 723232, 854545, 934534, 1000345].map((at) => [at, 1]),
  2: [
    [0, 1],
    [1993, 2],
    [25460, 1],
    [159495, 3],
    [495669, 1],
    [554353, 1],
    [645645, 2],
    [723232, 1],
    [854545, 1],
    [934534, 2],
    [1000345, 3],
  ],
  4: [
    [0, 1],
    [1993, 2],
    [35460, 3],
    [459495, 4],
    [595669, 5],
    [754353, 6],
    [845645, 7],
    [923232, 8],
    [924445, 9],
    [934534, 10],
    [1000345, 12],
    [1004534, 11],
    [1030203, 13],
    [1030204, 14],
    [1030205, 15],
  ],
} as const;

describe('a status list', () => {
  test.each([
    [1, 'eNrbuRgAAhcBXQ', [1, 0, 0, 1, 1, 1, 0, 1, 1, 1, 0, 0, 0, 1, 0, 1]],
    [2, 'eNo76fITAAPfAgc', [1, 2, 0, 3, 0, 1, 0, 1, 1, 2, 3, 3]],
  ] as const)(
    'TSL-4: the example of the draft with %s bits has the statuses that it says',
    (bits, lst, statuses) => {
      expect(statusesOf(listOf(lst, bits))).toEqual(statuses);
    },
  );

  test.each([1, 2, 4] as const)(
    'TSL-4: the list of a million tokens of the draft with %s bits has the statuses that it says',
    (bits) => {
      const list = listOf(DRAFT_LISTS[bits], bits);
      expect(list.size).toBe(2 ** 20);
      const marked = statusesOf(list).flatMap((status, index) => (status === 0 ? [] : [[index, status]]));
      expect(marked).toEqual(MARKED[bits]);
    },
  );

  test('TSL-4: the list of a million tokens of the draft with 8 bits has each status but 0 once', () => {
    const marked = statusesOf(listOf(DRAFT_LISTS[8], 8)).filter((status) => status !== 0);
    expect(marked.toSorted((one = 0, other = 0) => one - other)).toEqual(
      Array.from({ length: 255 }, (_, index) => index + 1),
    );
  });

  test('TSL-5: a status of 0 passes, and every other one is refused', () => {
    const list = new StatusList(new Uint8Array([0, 1, 2, 3, 12, 255]), 8, 0, LIMITS);
    expect(() => requireValid(list, 0)).not.toThrow();
    const refused = [1, 2, 3, 4, 5].map((index) => {
      try {
        return requireValid(list, index);
      } catch (error) {
        return (error as { readonly message: string }).message;
      }
    });
    expect(refused).toEqual([
      'status_invalid: its status is 1 (INVALID)',
      'status_invalid: its status is 2 (SUSPENDED)',
      'status_invalid: its status is 3 (of its server’s own)',
      'status_invalid: its status is 12 (of its server’s own)',
      'status_invalid: its status is 255 (of its server’s own)',
    ]);
  });

  test.each([6, 2 ** 31, 2 ** 53 - 1])('TSL-4: a token at place %s, beyond the list, is refused', (index) => {
    const list = new StatusList(new Uint8Array(6), 8, 0, LIMITS);
    expect(() => requireValid(list, index)).toThrow(`status_malformed: status.status_list: idx is ${index}`);
  });
});

describe('the claim status of a token', () => {
  const uri = 'https://as.example.com/statuslists/1';

  test('TSL-2: a list and a place in it are read, whatever else the claim has', () => {
    const status = { status_list: { uri, idx: 0, more: 1 }, another: {} };
    expect(statusReferenceOf({ status })).toEqual({ uri, index: 0 });
  });

  test.each([
    ['none', {}],
    ['text of its own', { status: 'active' }],
    ['null', { status: null }],
    ['a list', { status: [] }],
    ['another mechanism', { status: { another: {} } }],
    ['what its prototype has', Object.create({ status: { status_list: { uri, idx: 0 } } }) as object],
  ])('a token without a status list has no place in one: %s', (_, claims) => {
    expect(statusReferenceOf(claims as Record<string, unknown>)).toBeUndefined();
  });

  test.each([
    ['null', null],
    ['text', uri],
    ['a list', [{ uri, idx: 0 }]],
    ['nothing', {}],
    ['no uri', { idx: 0 }],
    ['a uri that is no text', { uri: 7, idx: 0 }],
    ['an empty uri', { uri: '', idx: 0 }],
    ['no idx', { uri }],
    ['an idx that is text', { uri, idx: '0' }],
    ['an idx below 0', { uri, idx: -1 }],
    ['a broken idx', { uri, idx: 0.5 }],
    ['an idx that is no exact number', { uri, idx: 2 ** 53 }],
    ['no number at all', { uri, idx: null }],
  ])('TSL-2: a token whose status list is %s is refused', (_, reference) => {
    expect(() => statusReferenceOf({ status: { status_list: reference } })).toThrow('status_malformed');
  });
});
