import type { Comparison, Contestant } from './comparison.js';
import { enter, type Entrant } from './entrant.js';
import type { Processes } from './processes/processes.js';
import { besideOf, type Result, type Round } from './results.js';
import { summarise } from './statistics.js';

interface Lane {
  readonly contestant: Contestant;
  readonly entrant: Entrant;
  readonly rounds: Round[];
  usedMemory?: number;
}

/**
 * Measures contestants in turn, round by round, so that whatever the machine does besides happens to all of them; every
 * second round in the opposite order.
 */
export async function measure(
  scenario: string,
  comparison: Comparison,
  processes: Processes,
): Promise<readonly Result[]> {
  const lanes = await Promise.all(
    comparison.contestants.map(async (contestant): Promise<Lane> => {
      return { contestant, entrant: await enter(contestant, processes), rounds: [] };
    }),
  );
  for (const lane of lanes) await warmUp(lane, comparison);
  for (let round = 0; round < comparison.rounds; round += 1) {
    const order = round % 2 === 0 ? lanes : lanes.toReversed();
    for (const { entrant, rounds } of order) rounds.push(await entrant.round());
  }
  for (const { entrant } of lanes) await entrant.leave();
  return lanes.map((lane) => resultOf(scenario, comparison, lane, lanes));
}

async function warmUp(lane: Lane, { memory = false }: Comparison): Promise<void> {
  await lane.entrant.warmUp();
  if (!memory) return;
  const usedMemory = await lane.entrant.usedMemory();
  if (usedMemory !== undefined) lane.usedMemory = usedMemory;
}

function resultOf(
  scenario: string,
  { point }: Comparison,
  { contestant, rounds, usedMemory }: Lane,
  lanes: readonly Lane[],
): Result {
  const reference = contestant.kind === 'server' ? contestant.reference : undefined;
  const open = lanes.find((lane) => lane.contestant.id === reference);
  return {
    scenario,
    id: contestant.id,
    label: contestant.label,
    ...(point === undefined ? {} : { point }),
    cpuMicros: summarise(rounds.map((round) => round.cpuMicros)),
    throughput: summarise(rounds.map((round) => round.throughput)),
    busy: summarise(rounds.map((round) => round.busy)),
    ...(open === undefined ? {} : { beside: besideOf(open.contestant.id, rounds, open.rounds) }),
    ...(usedMemory === undefined ? {} : { usedMemory }),
    rounds,
  };
}
