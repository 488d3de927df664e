import type { Result, Results } from '../results.js';
import { grouped } from './format.js';
import type { Table } from './table.js';

/** What the tokens of each growth take, beside its first point. */
export function memoryTable({ scenarios, results }: Results): Table {
  const rows = scenarios.flatMap(({ name, axis = '' }) => {
    const points = results.filter(
      ({ scenario, usedMemory, beside }) =>
        scenario === name && usedMemory !== undefined && beside !== undefined,
    );
    return rowsOf(points, axis);
  });
  return rows.length === 0 ? [] : [['how many', 'in use, MiB', 'bytes for each'], ...rows];
}

function rowsOf([first, ...further]: readonly Result[], axis: string): Table {
  if (first === undefined || further.length === 0) return [];
  return [
    [`${grouped(first.point ?? 0)} ${axis}`, mebibytes(first), ''],
    ...further.map((point) => [
      `${grouped(point.point ?? 0)} ${axis}`,
      mebibytes(point),
      perToken(first, point),
    ]),
  ];
}

function mebibytes({ usedMemory = 0 }: Result): string {
  return (usedMemory / 2 ** 20).toFixed(1);
}

function perToken(first: Result, { usedMemory = 0, point = 0 }: Result): string {
  return grouped((usedMemory - (first.usedMemory ?? 0)) / (point - (first.point ?? 0)));
}
