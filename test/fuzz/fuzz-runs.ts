import type { Parameters } from 'fast-check';

/** Inputs in all, of every spec together. `npm run fuzz` asks for a million. */
const RUNS = numberFrom('FUZZ_RUNS') ?? 20_000;

/** Where the random numbers start: the same seed makes the same inputs, whatever the clock says. */
export const SEED = numberFrom('FUZZ_SEED') ?? 20_261_121;

/** How many of all inputs these are. @param share between 0 and 1 */
export function runsOf(share: number): number {
  return Math.max(50, Math.round(RUNS * share));
}

/** Milliseconds that so many inputs may take, of a millisecond each, on a machine that is busy with something else. */
export function timeFor(runs: number): number {
  return 120_000 + runs * 20;
}

/** What fast-check is told of a property, which prints it when it fails. */
export function parametersOf<T>(runs: number): Parameters<T> {
  return { seed: SEED, numRuns: runs, endOnFailure: false, verbose: 0 };
}

function numberFrom(name: string): number | undefined {
  const text = process.env[name];
  if (text === undefined || text === '') return undefined;
  const number = Number(text);
  if (Number.isSafeInteger(number)) return number;
  throw new Error(`${name} is ${text}: a whole number is expected`);
}
