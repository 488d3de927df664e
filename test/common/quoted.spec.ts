import { expect, test } from 'vitest';
import { quoted } from '../../lib/common/quoted.js';

test.each([
  ['a line end', 'a\nb', String.raw`"a\nb"`],
  ['a line end of Unicode', 'a\u2028b\u0085c', String.raw`"a\u2028b\u0085c"`],
  ['an order to a terminal', 'a\u009b31mb', String.raw`"a\u009b31mb"`],
  ['another direction of writing', 'a\u202eb', String.raw`"a\u202eb"`],
  ['an invisible character beyond 16 bits', 'a\u{e0041}b', String.raw`"a\udb40\udc41b"`],
  ['letters of any language', 'Zürich 東京', '"Zürich 東京"'],
])(
  'INV6: %s in what somebody else has written is shown so that it cannot forge a line of the log',
  (_, value, expected) => {
    expect(quoted(value)).toBe(expected);
  },
);
