import type { Results } from '../results.js';
import { grouped } from './format.js';
import { goalsOf } from './goals.js';
import { memoryTable } from './memory.js';
import { markdownOf, SPARE_NOTE, tableOf } from './table.js';
import { goalsTable } from './text.js';

export const BEGIN = '<!-- bench:begin -->';
export const END = '<!-- bench:end -->';

/** Puts the results between the markers of a document. @throws Error where there are none */
export function fillIn(document: string, results: Results): string {
  const [begin, end] = [document.indexOf(BEGIN), document.indexOf(END)];
  if (begin < 0 || end < begin) throw new Error(`the document has no ${BEGIN} and ${END}`);
  return `${document.slice(0, begin)}${BEGIN}\n\n${sectionOf(results)}\n\n${document.slice(end)}`;
}

function sectionOf(results: Results): string {
  const memory = memoryTable(results);
  return [
    `![CPU per request with and without protection](performance.svg)`,
    conditionsOf(results),
    '### Goals',
    markdownOf(goalsTable(goalsOf(results))),
    ...chapter('### Server CPU and throughput', results, false),
    ...chapter('### How cost grows', results, true),
    SPARE_NOTE.replace('*', '\\*'),
    ...(memory.length === 0 ? [] : ['### Memory', markdownOf(memory)]),
  ].join('\n\n');
}

function chapter(heading: string, results: Results, growth: boolean): readonly string[] {
  const chosen = results.scenarios.filter(({ axis }) => (axis !== undefined) === growth);
  return [
    heading,
    ...chosen.flatMap(({ name, title }) => [
      `**${title}** (\`${name}\`)`,
      markdownOf(tableOf(results, name)),
    ]),
  ];
}

function conditionsOf({ date, machine, versions }: Results): string {
  const { cpu, cores, memoryBytes, platform, node } = machine;
  const memory = `${grouped(memoryBytes / 2 ** 30)} GiB`;
  const packages = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  return `Measured on ${date.slice(0, 10)}: ${cpu}, ${cores} cores, ${memory}, ${platform}, Node ${node}; ${packages.join(', ')}.`;
}
