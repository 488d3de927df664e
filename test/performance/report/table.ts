import type { Result, Results } from '../results.js';
import { grouped, withRange } from './format.js';

/** A table: its first row is its head. */
export type Table = readonly (readonly string[])[];

const HEAD = ['who', 'CPU per request, µs', 'added, µs', 'requests/s', 'of the open route’s'];

/** Below this the server had time to spare, and throughput says more about the load. */
const BUSY = 0.9;

/** The results of a scenario. */
export function tableOf({ results, scenarios }: Results, scenario: string): Table {
  const axis = scenarios.find(({ name }) => name === scenario)?.axis;
  const rows = results.filter((result) => result.scenario === scenario);
  const head = axis === undefined ? HEAD : [axis, ...HEAD];
  return [head, ...rows.map((result) => [...pointOf(result), ...cellsOf(result)])];
}

function pointOf({ point }: Result): readonly string[] {
  return point === undefined ? [] : [grouped(point)];
}

function cellsOf({ label, cpuMicros, throughput, beside, busy }: Result): readonly string[] {
  const spare = busy.median < BUSY ? ' *' : '';
  return [
    label,
    withRange(cpuMicros),
    beside === undefined ? '' : withRange(beside.addedMicros),
    `${grouped(throughput.median)}${spare}`,
    beside === undefined ? '' : withRange(beside.throughput, 2),
  ];
}

/** What the asterisk means. */
export const SPARE_NOTE = `* The server used less than ${BUSY * 100} % of its core: this throughput is not its limit.`;

/** A table for a terminal. */
export function textOf(table: Table): string {
  const widths = (table[0] ?? []).map((_, column) =>
    Math.max(...table.map((row) => (row[column] ?? '').length)),
  );
  return table
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** A table for a document. */
export function markdownOf(table: Table): string {
  const [head = [], ...rows] = table;
  const lines = [head, head.map(() => '---'), ...rows];
  return lines.map((cells) => `| ${cells.join(' | ').replaceAll('*', '\\*')} |`).join('\n');
}
