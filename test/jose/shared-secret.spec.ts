import { expect, test } from 'vitest';
import { bytesOf, hmacAlgorithmsFor } from '../../lib/jose/shared-secret.js';

test('a secret given as text stands for its UTF-8, and a later change of a secret changes nothing', () => {
  expect([...bytesOf('ä')]).toEqual([0xc3, 0xa4]);
  const secret = Uint8Array.of(1, 2);
  const bytes = bytesOf(secret);
  secret.fill(0);
  expect([...bytes]).toEqual([1, 2]);
});

test.each([
  [31, []],
  [32, ['HS256']],
  [47, ['HS256']],
  [48, ['HS256', 'HS384']],
  [63, ['HS256', 'HS384']],
  [64, ['HS256', 'HS384', 'HS512']],
])('RFC 7518 §3.2: a secret of %i bytes is long enough for %j', (length, algorithms) => {
  expect(hmacAlgorithmsFor(Buffer.alloc(length))).toEqual(algorithms);
});
