import { parseArgs } from 'node:util';

/** What the command line asks for. */
export interface BenchOptions {
  /** Tiny numbers, to see that everything works: nothing is written into the tree. */
  readonly quick: boolean;
  /** Only the scenarios whose names begin so. */
  readonly only: string | undefined;
  /** Profile the library's servers in the scenarios whose names begin so, instead of measuring. */
  readonly profile: string | undefined;
  /** Keep-alive connections of the load. */
  readonly connections: number;
  /** Rounds of each figure. */
  readonly rounds: number;
  /** How often every server is started, each time for its part of the rounds. */
  readonly starts: number;
  /** Length of a round, for what is measured by time. */
  readonly seconds: number;
  /** Requests of a round, for what is measured by number: those whose tokens or proofs are used once. */
  readonly requests: number;
  /** One core for the server, another for the load. */
  readonly pin: boolean;
}

/**
 * Many short rounds: what else a machine does comes and goes within seconds, and is then on both sides of a pair. Of too
 * few requests a round measures how long the caches take to get warm again. And one process of a program may be faster than another for all
 * its life.
 */
const FULL = { connections: 16, rounds: 21, starts: 3, seconds: 0.33, requests: 2000 };
const QUICK = { connections: 4, rounds: 2, starts: 1, seconds: 0.1, requests: 50 };
const PROFILE = { connections: 16, rounds: 1, starts: 1, seconds: 10, requests: 5000 };

export const USAGE = `npm run bench -- [options]
  --quick              tiny numbers, in about a minute: to see that it works
  --only <scenario>    only the scenarios whose names begin so
  --profile <scenario> where the library's servers spend their time, instead of measuring
  --connections <n>    keep-alive connections of the load (${FULL.connections})
  --rounds <n>         rounds of each figure (${FULL.rounds})
  --starts <n>         how often every server is started (${FULL.starts})
  --seconds <n>        length of a round (${FULL.seconds})
  --requests <n>       requests of a round whose tokens or proofs are used once (${FULL.requests})
  --no-pin             do not give server and load a core each`;

/** Reads the command line. @throws TypeError for an option that there is not, or a number that is none */
export function readBenchOptions(args: readonly string[]): BenchOptions {
  const { values } = parseArgs({
    args: [...args],
    allowNegative: true,
    options: {
      quick: { type: 'boolean', default: false },
      only: { type: 'string' },
      profile: { type: 'string' },
      connections: { type: 'string' },
      rounds: { type: 'string' },
      starts: { type: 'string' },
      seconds: { type: 'string' },
      requests: { type: 'string' },
      pin: { type: 'boolean', default: true },
    },
  });
  const defaults = values.profile === undefined ? (values.quick ? QUICK : FULL) : PROFILE;
  return {
    quick: values.quick,
    only: values.only ?? values.profile,
    profile: values.profile,
    connections: positive('connections', values.connections, defaults.connections),
    rounds: positive('rounds', values.rounds, defaults.rounds),
    starts: positive('starts', values.starts, defaults.starts),
    seconds: positive('seconds', values.seconds, defaults.seconds),
    requests: positive('requests', values.requests, defaults.requests),
    pin: values.pin,
  };
}

function positive(name: string, text: string | undefined, otherwise: number): number {
  const value = text === undefined ? otherwise : Number(text);
  if (!(value > 0)) throw new TypeError(`--${name} must be a number above 0`);
  return value;
}
