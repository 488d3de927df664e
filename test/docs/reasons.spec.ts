import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { REFUSAL_REASONS } from '../../lib/challenge/refusal-reason.js';
import { thrownReasons } from './thrown-reasons.js';

/** A row of docs/reasons.md. */
interface Row {
  readonly reason: string;
  /** What the caller sees. */
  readonly seen: string;
  readonly cause: string;
  readonly remedy: string;
}

const text = readFileSync(new URL('../../docs/reasons.md', import.meta.url), 'utf8');
const rows = text.split('\n').flatMap(readRow);

function readRow(line: string): readonly Row[] {
  // A bar that belongs to a cell is escaped.
  const [, reason = '', seen = '', cause = '', remedy = ''] = line
    .split(/(?<!\\)\|/)
    .map((cell) => cell.trim());
  return /^`\w+`$/.test(reason)
    ? [{ reason: reason.slice(1, -1), seen: seen.replaceAll('`', ''), cause, remedy }]
    : [];
}

describe('what docs/reasons.md says', () => {
  test('docs/reasons.md lists every reason once, in the order of the code, and no other', () => {
    expect(rows.map(({ reason }) => reason)).toEqual([...REFUSAL_REASONS]);
  });

  test('docs/reasons.md tells of each reason what the caller sees, as the code has it', () => {
    const thrown = thrownReasons();
    // It is refused before there is any HTTP to answer by.
    const withoutAnswer = rows.filter(({ reason }) => !thrown.has(reason)).map(({ reason }) => reason);
    expect(withoutAnswer).toEqual(['context_unsupported']);
    const said = rows
      .filter(({ reason }) => thrown.has(reason))
      .map(({ reason, seen }) => [reason, [seen]] as const);
    expect(said).toEqual(said.map(([reason]) => [reason, [...(thrown.get(reason) ?? [])]]));
    expect([...thrown.keys()].filter((reason) => !rows.some((row) => row.reason === reason))).toEqual([]);
    // The compiler reads the types of the library.
  }, 60_000);

  test('docs/reasons.md gives each reason a cause and a remedy', () => {
    const empty = rows.filter(({ cause, remedy }) => !/\w.*\.$/.test(cause) || !/\w.*\.$/.test(remedy));
    expect(empty).toEqual([]);
  });
});
