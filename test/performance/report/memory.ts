import type { Result, Results } from '../results.js';
import { grouped } from './format.js';
import type { Table } from './table.js';

/** What the tokens of a growth take, beside its first point. */
export function memoryTable({ results }: Results): Table {
  const points = results.filter(({ usedMemory, beside }) => usedMemory !== undefined && beside !== undefined);
  const [first, ...further] = points;
  if (first === undefined || further.length === 0) return [];
  return [
    ['tokens', 'in use, MiB', 'bytes per token'],
    [grouped(first.point ?? 0), mebibytes(first), ''],
    ...further.map((point) => [grouped(point.point ?? 0), mebibytes(point), perToken(first, point)]),
  ];
}

function mebibytes({ usedMemory = 0 }: Result): string {
  return (usedMemory / 2 ** 20).toFixed(1);
}

function perToken(first: Result, { usedMemory = 0, point = 0 }: Result): string {
  return grouped((usedMemory - (first.usedMemory ?? 0)) / (point - (first.point ?? 0)));
}
