import type { Result, Results } from '../results.js';
import { micros } from './format.js';
import { findResult } from './find-result.js';

/** A goal, and what was measured. */
export interface Goal {
  readonly goal: string;
  readonly limit: string;
  readonly measured: string;
  readonly reached: boolean;
}

const PLATFORMS = ['express', 'fastify'] as const;
type GoalPlatform = (typeof PLATFORMS)[number];
const NAMES: Readonly<Record<GoalPlatform, string>> = { express: 'Express', fastify: 'Fastify' };

/** Microseconds that a known token may add. */
const KNOWN_TOKEN_MICROS: Readonly<Record<GoalPlatform, number>> = { express: 6, fastify: 4 };
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
  ];
}

function knownToken(results: Results, scenario: string, name: string): readonly Goal[] {
  const added = onPlatforms(results, scenario, (platform, { beside }) =>
    beside === undefined
      ? []
      : [
          atMost(
            `${name}, ${NAMES[platform]}: CPU added`,
            beside.addedMicros.median,
            KNOWN_TOKEN_MICROS[platform],
          ),
        ],
  );
  const beside = findResult(results, scenario, 'express-library')?.beside;
  return beside === undefined ? added : [throughput(name, beside.throughput.median), ...added];
}

function throughput(name: string, part: number): Goal {
  return {
    goal: `${name}, Express: part of the open route’s throughput`,
    limit: `≥ ${KNOWN_TOKEN_THROUGHPUT}`,
    measured: part.toFixed(2),
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
    const goal = `${name}, ${NAMES[platform]}: CPU added, against ${NEW_TOKEN_FACTOR} × jose.jwtVerify`;
    const added = beside.addedMicros.median;
    return [
      atMost(`${goal} in the same server`, added, NEW_TOKEN_FACTOR * guard.beside.addedMicros.median),
      atMost(`${goal} in a plain loop`, added, NEW_TOKEN_FACTOR * alone.cpuMicros.median),
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
    ),
  ];
}

function dpop(results: Results): readonly Goal[] {
  const alone = findResult(results, 'dpop', 'crypto.verify');
  return onPlatforms(results, 'dpop', (platform, { cpuMicros: { median } }) => {
    const open = findResult(results, 'dpop', `${platform}-open`);
    const guard = findResult(results, 'dpop', `${platform}-signature-guard`);
    if (alone === undefined || open === undefined || guard === undefined) return [];
    const goal = `a DPoP request, ${NAMES[platform]}: CPU, against ${DPOP_FACTOR} × the open route’s and one signature`;
    const loop = open.cpuMicros.median + alone.cpuMicros.median;
    return [
      atMost(`${goal} in the same server`, median, DPOP_FACTOR * guard.cpuMicros.median),
      atMost(`${goal} in a plain loop`, median, DPOP_FACTOR * loop),
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

function atMost(goal: string, value: number, limit: number): Goal {
  return {
    goal,
    limit: `≤ ${micros(limit)} µs`,
    measured: `${micros(value)} µs`,
    reached: value <= limit,
  };
}
