import type { Comparison, Contestant } from './comparison.js';
import { enter, type Entrant } from './entrant.js';
import type { Processes } from './processes/processes.js';
import { besideOf, type Result, type Round } from './results.js';
import { summarise } from './statistics.js';

interface Lane {
  readonly contestant: Contestant;
  readonly rounds: Round[];
  usedMemory?: number;
}

/** A lane while its processes run. */
interface RunningLane {
  readonly lane: Lane;
  readonly entrant: Entrant;
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
  const {
    contestants,
    repeats: { rounds, starts },
  } = comparison;
  const lanes = contestants.map((contestant): Lane => ({ contestant, rounds: [] }));
  for (let start = 0; start < starts; start += 1) {
    const until = Math.ceil((rounds * (start + 1)) / starts);
    await measureStart(lanes, comparison, { processes, start, until });
  }
  return lanes.map((lane) => resultOf(scenario, comparison, lane, lanes));
}

/** One of the times that everything is started. */
interface Start {
  readonly processes: Processes;
  readonly start: number;
  /** Goes on until every lane has so many rounds. */
  readonly until: number;
}

async function measureStart(
  lanes: readonly Lane[],
  comparison: Comparison,
  { processes, start, until }: Start,
): Promise<void> {
  const running = await Promise.all(
    lanes.map(async (lane): Promise<RunningLane> => {
      return { lane, entrant: await enter(lane.contestant, processes, start) };
    }),
  );
  for (const each of running) await warmUp(each, comparison);
  for (let round = lanes[0]?.rounds.length ?? until; round < until; round += 1) {
    const order = round % 2 === 0 ? running : running.toReversed();
    for (const { lane, entrant } of order) lane.rounds.push(await entrant.round());
  }
  for (const { entrant } of running) await entrant.leave();
}

async function warmUp({ lane, entrant }: RunningLane, { memory = false }: Comparison): Promise<void> {
  await entrant.warmUp();
  if (!memory) return;
  const usedMemory = await entrant.usedMemory();
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
