import type { Results } from '../results.js';
import { type Goal, goalsOf } from './goals.js';
import { memoryTable } from './memory.js';
import { SPARE_NOTE, type Table, tableOf, textOf } from './table.js';

/** The report for a terminal. */
export function terminalReport(results: Results): string {
  const sections = results.scenarios.map(
    ({ name, title }) => `${title} (${name})\n${textOf(tableOf(results, name))}`,
  );
  const memory = memoryTable(results);
  const goals = goalsOf(results);
  return [
    ...sections,
    SPARE_NOTE,
    ...(memory.length === 0 ? [] : [`Memory\n${textOf(memory)}`]),
    ...(goals.length === 0 ? [] : [`Goals\n${textOf(goalsTable(goals))}`]),
  ].join('\n\n');
}

/** The goals as a table. */
export function goalsTable(goals: readonly Goal[]): Table {
  return [
    ['goal', 'limit', 'measured', 'µs', 'reached'],
    ...goals.map(({ goal, limit, measured, micros, reached }) => [
      goal,
      limit,
      measured,
      micros,
      reached ? 'yes' : 'no',
    ]),
  ];
}
