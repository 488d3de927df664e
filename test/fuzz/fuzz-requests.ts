import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { createFuzzKit } from './fuzz-kit.js';
import { parametersOf, runsOf, SEED, timeFor } from './fuzz-runs.js';
import { type FuzzClock, FuzzTarget } from './fuzz-target.js';
import { anyPlan, type Focus } from './plan/arbitraries.js';
import type { Plan } from './plan/plan.js';
import { createSetups, Introspection, type Setup } from './setups.js';
import { Tally } from './tally.js';

/** A part of the suite: what is changed most, which configurations it is sent to, and how many of all inputs. */
export interface FuzzPart {
  readonly focus: Focus;
  readonly share: number;
  readonly setups: (setup: Setup) => boolean;
}

const kit = await createFuzzKit();

/** Defines the test of a part: inputs of its focus, spread over its configurations. */
export function fuzzRequests(requirement: string, { focus, share, setups: chosen }: FuzzPart): void {
  const runs = runsOf(share);

  describe(`${requirement}: inputs that vary the ${focus}`, () => {
    beforeAll(() => {
      vi.useFakeTimers({ toFake: ['Date'] });
    });
    afterAll(() => {
      vi.useRealTimers();
    });

    test(
      `the library accepts nothing that the oracle refuses, and refuses nothing right, for ${runs} inputs with seed ${SEED}`,
      { timeout: timeFor(runs) },
      async () => {
        const tally = await fuzz(focus, runs, chosen);
        console.log(`fuzzed ${focus}, seed ${SEED}: ${tally.toString()}`);
        expect(tally.inputs).toBeGreaterThanOrEqual(runs);
        expect(tally.shareAccepted).toBeGreaterThan(0.1);
        expect(tally.shareAccepted).toBeLessThan(0.9);
      },
    );
  });
}

async function fuzz(focus: Focus, runs: number, chosen: (setup: Setup) => boolean): Promise<Tally> {
  const tally = new Tally();
  const introspection = new Introspection();
  const clock = new SteppingClock();
  const setups = createSetups(kit, introspection).filter(chosen);
  const targets = setups.map((setup) => new FuzzTarget({ kit, setup, introspection, clock, tally }));
  const plans: readonly fc.Arbitrary<Plan>[] = setups.map((setup, index) => anyPlan(index, setup, focus));
  const property = fc.asyncProperty(fc.oneof(...plans), async (plan) => targets[plan.setup]?.run(plan));
  await fc.assert(property, parametersOf(runs));
  return tally;
}

/** A second for each input: what is remembered is forgotten in time, as in real life. */
class SteppingClock implements FuzzClock {
  private second = Math.floor(Date.now() / 1000);

  advance(seconds: number, millis: number): number {
    this.second += seconds;
    const now = this.second * 1000 + millis;
    vi.setSystemTime(now);
    return now;
  }
}
