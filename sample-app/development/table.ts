/** A column: its title, and its width or its share of the room that is left. */
export type Column = { readonly title: string } & ({ readonly width: number } | { readonly share: number });

/** Colours a cell's line once it is padded, so that colours do not count as width. */
export type Paint = (text: string) => string;

export interface Cell {
  readonly text: string;
  readonly paint?: Paint;
}

const GAP = 2;

/** A table that is written row by row: its widths are fixed beforehand. */
export class Table {
  private readonly widths: readonly number[];

  constructor(
    private readonly columns: readonly Column[],
    readonly width: number,
  ) {
    const fixed = columns.map((column) => ('width' in column ? column.width : 0));
    const shares = columns.map((column) => ('share' in column ? column.share : 0));
    const room = width - GAP * (columns.length - 1) - sum(fixed);
    this.widths = columns.map((_, index) =>
      Math.floor((fixed[index] ?? 0) + (room * (shares[index] ?? 0)) / sum(shares)),
    );
  }

  /** The titles, underlined. */
  header(paint: Paint): string {
    return `${this.row(this.columns.map(({ title }) => ({ text: title, paint })))}\n${'─'.repeat(this.width)}`;
  }

  /** A row, as many lines high as its highest cell. */
  row(cells: readonly Cell[]): string {
    const wrapped = cells.map(({ text }, column) => wrap(text, this.widthOf(column)));
    const height = Math.max(...wrapped.map((lines) => lines.length));
    return Array.from({ length: height }, (_, line) =>
      cells
        .map(({ paint = same }, column) =>
          paint((wrapped[column]?.[line] ?? '').padEnd(this.widthOf(column))),
        )
        .join(' '.repeat(GAP))
        .trimEnd(),
    ).join('\n');
  }

  private widthOf(column: number): number {
    return this.widths[column] ?? 0;
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

function same(text: string): string {
  return text;
}

/** Breaks a text at its line breaks and spaces, and a word only where it is too long for a line. */
export function wrap(text: string, width: number): readonly string[] {
  return text.split('\n').flatMap((paragraph) => {
    const lines = [''];
    for (const word of paragraph.split(' ').flatMap((long) => pieces(long, width))) {
      const line = lines.at(-1) ?? '';
      if (line === '') lines[lines.length - 1] = word;
      else if (line.length + 1 + word.length <= width) lines[lines.length - 1] = `${line} ${word}`;
      else lines.push(word);
    }
    return lines;
  });
}

function pieces(word: string, width: number): readonly string[] {
  return word.match(new RegExp(`.{1,${width}}`, 'gu')) ?? [''];
}
