import { describe, expect, it } from 'vitest';
import { Table, wrap } from '../../sample-app/development/table.js';

describe('the wrapping of text', () => {
  it.each([
    ['keeps a text that fits', 'one two', 7, ['one two']],
    ['breaks a text at spaces', 'one two three', 7, ['one two', 'three']],
    ['breaks a word only where it must', 'a insufficient_scope', 10, ['a', 'insufficie', 'nt_scope']],
    ['keeps an empty text', '', 5, ['']],
  ])('wrap %s', (_case, text, width, lines) => {
    expect(wrap(text, width)).toStrictEqual(lines);
  });
});

describe('a table of the demo', () => {
  const table = new Table(
    [
      { title: 'A', width: 3 },
      { title: 'B', share: 1 },
      { title: 'C', share: 2 },
    ],
    22,
  );

  it('the table gives a column its width, and the others their shares of the rest', () => {
    expect(table.row([{ text: '1' }, { text: '2' }, { text: '3' }])).toBe('1    2      3');
  });

  it('the table makes a row as high as its highest cell', () => {
    expect(table.row([{ text: '1' }, { text: 'to be wrapped' }, { text: '3' }])).toBe(
      ['1    to be  3', '     wrapp', '     ed'].join('\n'),
    );
  });

  it('the table does not count colours as width', () => {
    const paint = (text: string): string => `<${text}>`;

    expect(table.row([{ text: '1', paint }, { text: '2' }, { text: '3' }])).toBe('<1  >  2      3');
  });
});
