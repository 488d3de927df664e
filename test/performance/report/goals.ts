import { MANY_GOAL } from '../proxy/proxy-scenarios.js';
import type { Result, Results, ServeResult } from '../results.js';
import { micros } from './format.js';
import { findResult } from './find-result.js';

/** A goal, and what was measured: a ratio of two figures of one run, for microseconds are those of a machine. */
export interface Goal {
  readonly goal: string;
  readonly limit: string;
  readonly measured: string;
  /** What the ratio is of, where that is CPU time. */
  readonly micros: string;
  readonly reached: boolean;
}

const PLATFORMS = ['express', 'fastify'] as const;
type GoalPlatform = (typeof PLATFORMS)[number];
const NAMES: Readonly<Record<GoalPlatform, string>> = { express: 'Express', fastify: 'Fastify' };

/** What a request with a known token may cost, as a multiple of the open route's. */
const KNOWN_TOKEN_FACTOR = 1.2;
const KNOWN_TOKEN_THROUGHPUT = 0.95;
const NEW_TOKEN_FACTOR = 1.15;
const DPOP_FACTOR = 1.25;
const PEERS = ['hand-written', 'auth0', 'passport-jwt'] as const;

/** The goals of which the run says whether they are reached. */
export function goalsOf(results: Results): readonly Goal[] {
  return [
    ...knownToken(results, 'seen', 'a token seen before'),
    ...knownToken(results, 'ten-thousand', 'ten thousand tokens in turn'),
    ...['rs256', 'es256'].flatMap((algorithm) => [
      ...newToken(results, algorithm),
      ...besidePeers(results, algorithm),
    ]),
    ...dpop(results),
    ...knownToken(results, 'opaque', 'a cached opaque token'),
    ...certificateSize(results),
    ...serve(results),
  ];
}

function knownToken(results: Results, scenario: string, name: string): readonly Goal[] {
  const cpu = onPlatforms(results, scenario, (platform, { beside, cpuMicros }) => {
    const open = findResult(results, scenario, `${platform}-open`);
    if (beside === undefined || open === undefined) return [];
    const goal = `${name}, ${NAMES[platform]}: CPU, against the open route’s`;
    return [ofRatio(goal, beside.cpu.median, KNOWN_TOKEN_FACTOR, [cpuMicros.median, open.cpuMicros.median])];
  });
  const beside = findResult(results, scenario, 'express-library')?.beside;
  return beside === undefined ? cpu : [throughput(name, beside.throughput.median), ...cpu];
}

function throughput(name: string, part: number): Goal {
  return {
    goal: `${name}, Express: part of the open route’s throughput`,
    limit: `≥ ${KNOWN_TOKEN_THROUGHPUT}`,
    measured: part.toFixed(2),
    micros: '',
    reached: part >= KNOWN_TOKEN_THROUGHPUT,
  };
}

function newToken(results: Results, algorithm: string): readonly Goal[] {
  const scenario = `new-jwt-${algorithm}`;
  const name = `a new JWT (${algorithm.toUpperCase()})`;
  const alone = findResult(results, scenario, 'jose.jwtVerify');
  return onPlatforms(results, scenario, (platform, { beside }) => {
    const guard = findResult(results, scenario, `${platform}-jwt-verify-guard`);
    if (beside === undefined || guard?.beside === undefined || alone === undefined) return [];
    const goal = `${name}, ${NAMES[platform]}: CPU added, against jose.jwtVerify’s`;
    const added = beside.addedMicros.median;
    return [
      atMost(`${goal} in the same server`, added, guard.beside.addedMicros.median, NEW_TOKEN_FACTOR),
      atMost(`${goal} in a plain loop`, added, alone.cpuMicros.median, NEW_TOKEN_FACTOR),
    ];
  });
}

function besidePeers(results: Results, algorithm: string): readonly Goal[] {
  const scenario = `new-jwt-${algorithm}`;
  const ours = findResult(results, scenario, 'express-library')?.beside;
  const theirs = PEERS.flatMap((id) => findResult(results, scenario, id)?.beside?.addedMicros.median ?? []);
  if (ours === undefined || theirs.length === 0) return [];
  return [
    atMost(
      `a new JWT (${algorithm.toUpperCase()}), Express: CPU added, against the best peer’s`,
      ours.addedMicros.median,
      Math.min(...theirs),
      1,
    ),
  ];
}

function dpop(results: Results): readonly Goal[] {
  const alone = findResult(results, 'dpop', 'crypto.verify');
  return onPlatforms(results, 'dpop', (platform, { cpuMicros: { median } }) => {
    const open = findResult(results, 'dpop', `${platform}-open`);
    const guard = findResult(results, 'dpop', `${platform}-signature-guard`);
    if (alone === undefined || open === undefined || guard === undefined) return [];
    const goal = `a DPoP request, ${NAMES[platform]}: CPU, against the open route’s and one signature’s`;
    const loop = open.cpuMicros.median + alone.cpuMicros.median;
    return [
      atMost(`${goal} in the same server`, median, guard.cpuMicros.median, DPOP_FACTOR),
      atMost(`${goal} in a plain loop`, median, loop, DPOP_FACTOR),
    ];
  });
}

/** What a larger certificate adds must be within what the rounds of the open route differ by. */
function certificateSize({ results }: Results): readonly Goal[] {
  const points = results.filter(({ scenario }) => scenario === 'growth-certificate');
  const added = points.flatMap(({ beside }) => beside?.addedMicros.median ?? []);
  const open = points.filter(({ beside }) => beside === undefined).map(({ cpuMicros }) => cpuMicros);
  const [small, large] = added;
  if (small === undefined || large === undefined) return [];
  const spread = Math.max(...open.map(({ min, max }) => max - min));
  return [
    atMost(
      'a new connection with a larger certificate: growth of the CPU added, against the spread of the rounds',
      large - small,
      spread,
      1,
    ),
  ];
}

function onPlatforms(
  results: Results,
  scenario: string,
  goals: (platform: GoalPlatform, result: Result) => readonly Goal[],
): readonly Goal[] {
  return PLATFORMS.flatMap((platform) => {
    const result = findResult(results, scenario, `${platform}-library`);
    return result === undefined ? [] : goals(platform, result);
  });
}

/** The CPU time of one thing, as a multiple of another's. */
function atMost(goal: string, value: number, other: number, limit: number): Goal {
  return ofRatio(goal, value / other, limit, [value, other]);
}

function ofRatio(
  goal: string,
  ratio: number,
  limit: number,
  [value, other]: readonly [number, number],
): Goal {
  return {
    goal,
    limit: `≤ ${limit}`,
    measured: ratio.toFixed(2),
    micros: `${micros(value)} beside ${micros(other)}`,
    reached: ratio <= limit,
  };
}

const MEBIBYTE = 2 ** 20;
/** MiB of `serve` at its start, and after a run with a known token. */
const MEMORY = { before: 75, after: 140 } as const;
const LISTENING_MS = 300;

/** The backend of a proxy, beside bare Node. */
function serve({ serve: results }: Results): readonly Goal[] {
  const decisions = results.flatMap(({ title, goal, ratio, cpuMicros, bareMicros }) =>
    goal === undefined
      ? []
      : [
          ofRatio(`serve, ${title}: CPU, against bare Node’s`, ratio.median, goal, [
            cpuMicros.median,
            bareMicros.median,
          ]),
        ],
  );
  return [...decisions, ...manyCertificates(results), ...ofProcess(results[0])];
}

function manyCertificates(results: readonly ServeResult[]): readonly Goal[] {
  const [one, many] = ['one-certificate', 'many-certificates'].map((name) =>
    results.find((result) => result.name === name),
  );
  if (one === undefined || many === undefined) return [];
  return [
    ofRatio(
      `serve, ${many.title}: what one of them costs, beside bare Node`,
      many.ratio.median / one.ratio.median,
      MANY_GOAL,
      [many.cpuMicros.median, one.cpuMicros.median],
    ),
  ];
}

/** These are of the process itself, and no ratios. */
function ofProcess(result: ServeResult | undefined): readonly Goal[] {
  if (result === undefined) return [];
  const { listeningAfter, residentMemory } = result;
  const most = (goal: string, unit: string, value: number, limit: number): Goal => ({
    goal: `serve: ${goal}`,
    limit: `≤ ${limit} ${unit}`,
    measured: `${value.toFixed(0)} ${unit}`,
    micros: '',
    reached: value <= limit,
  });
  return [
    most('until it listens', 'ms', listeningAfter, LISTENING_MS),
    most('resident memory at the start', 'MiB', residentMemory.before / MEBIBYTE, MEMORY.before),
    most('resident memory after the run', 'MiB', residentMemory.after / MEBIBYTE, MEMORY.after),
  ];
}
