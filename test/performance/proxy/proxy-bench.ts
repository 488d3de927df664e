/** `npm run bench:serve`: what a decision of `serve` costs, beside bare Node that gives the same answer. See docs/performance.md. */
import { parseArgs } from 'node:util';
import { chooseCores } from '../processes/cores.js';
import type { ServeResult } from '../results.js';
import { CONNECTIONS, measureServe } from './measure-serve.js';
import { MANY_GOAL } from './proxy-scenarios.js';

const { values } = parseArgs({
  allowNegative: true,
  options: {
    quick: { type: 'boolean', default: false },
    only: { type: 'string', default: '' },
    command: { type: 'string' },
    rounds: { type: 'string' },
    requests: { type: 'string' },
    clients: { type: 'string' },
    pin: { type: 'boolean', default: true },
  },
});

function numberOf(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Number(text);
}

function report({
  name,
  goal,
  ratio,
  cpuMicros,
  bareMicros,
  listeningAfter,
  residentMemory,
}: ServeResult): void {
  const { before, after } = residentMemory;
  const [first, last] = [before, after].map((bytes) => (bytes / 2 ** 20).toFixed(0));
  const reached = goal !== undefined && ratio.median <= goal ? 'reached' : 'NOT reached';
  console.log(
    `${name}: ${ratio.median.toFixed(2)} × bare Node (${ratio.min.toFixed(2)} to ${ratio.max.toFixed(2)}), ` +
      `${cpuMicros.median.toFixed(1)} µs beside ${bareMicros.median.toFixed(1)} µs` +
      `${goal === undefined ? '' : `, goal ${goal}: ${reached}`}; ` +
      `listening after ${listeningAfter.toFixed(0)} ms, RSS ${first} MiB, after the rounds ${last} MiB`,
  );
}

console.log(`Node ${process.version}, ${CONNECTIONS} connections`);
const found = new Map<string, number>();
for await (const result of measureServe({
  quick: values.quick,
  only: values.only,
  command: values.command,
  core: chooseCores(values.pin).server,
  rounds: numberOf(values.rounds),
  requests: numberOf(values.requests),
  clients: numberOf(values.clients),
})) {
  found.set(result.name, result.ratio.median);
  report(result);
}
const [one, many] = [found.get('one-certificate'), found.get('many-certificates')];
if (one !== undefined && many !== undefined) {
  console.log(`many certificates in turn: ${(many / one).toFixed(2)} of one, goal ${MANY_GOAL}`);
}
