import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';

/** How much is done. */
export interface SoakOptions {
  /** Requests of the soak itself, at least. */
  readonly requests: number;
  /** Seconds of the soak itself, at least: keys, tokens and certificates need the time to change. */
  readonly seconds: number;
  /** Requests while keys rotate and all is well, at least. */
  readonly rotationRequests: number;
  /** What is drawn by lot is drawn the same again. */
  readonly seed: number;
}

const LONG = { requests: 200_000, seconds: 90, rotationRequests: 5_000 };
const SHORT = { requests: 6_000, seconds: 20, rotationRequests: 1_000 };

/** As many requests and fewer take the short form. */
const MOST_OF_SHORT = 20_000;

/**
 * Reads `--short`, `SOAK_REQUESTS` and `SOAK_SEED`.
 * @throws TypeError for another option, or a number that is none
 */
export function readSoakOptions(args: readonly string[], env: NodeJS.ProcessEnv): SoakOptions {
  const { values } = parseArgs({ args: [...args], options: { short: { type: 'boolean', default: false } } });
  const asked = positive('SOAK_REQUESTS', env['SOAK_REQUESTS']);
  const form = values.short || (asked ?? LONG.requests) <= MOST_OF_SHORT ? SHORT : LONG;
  return {
    ...form,
    requests: asked ?? form.requests,
    seed: positive('SOAK_SEED', env['SOAK_SEED']) ?? randomInt(1, 2 ** 31),
  };
}

function positive(name: string, text: string | undefined): number | undefined {
  if (text === undefined || text === '') return undefined;
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1)
    throw new TypeError(`${name} must be a whole number above 0`);
  return value;
}
