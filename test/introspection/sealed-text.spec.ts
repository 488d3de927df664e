import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { open, seal } from '../../lib/introspection/sealed-text.js';

const KEY = randomBytes(32);

describe('a text that is sealed', () => {
  test.each(['', 'a', 'ünïcödé €', 'long '.repeat(10_000)])(
    'the sealed text “%.10s” is opened by its key and context',
    (text) => {
      expect(open(seal(text, KEY, 'context'), KEY, 'context')).toBe(text);
    },
  );

  test('a sealed text is opened by no other key and no other context', () => {
    const sealed = seal('text', KEY, 'context');
    expect(() => open(sealed, randomBytes(32), 'context')).toThrow(/authenticat/);
    expect(() => open(sealed, KEY, 'another context')).toThrow(/authenticat/);
  });

  test.each([0, 1, 4, 8, 12, 15])('a tag of %i bytes is too short', (length) => {
    const sealed = Buffer.from(seal('', KEY, 'context'), 'base64url');
    expect(sealed).toHaveLength(12 + 16);
    const cut = sealed.subarray(0, 12 + length).toString('base64url');
    expect(() => open(cut, KEY, 'context')).toThrow(/tag/i);
  });
});
