import * as fc from 'fast-check';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { type AccessDecision, DECISION_CHANNEL } from 'nestjs-cert-bound-auth';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PLATFORMS } from '../support/platforms.js';
import { EdgeTwin, isKnownToBackend } from './edge-twin.js';
import { anyEncounter, isSteadyBehindProxy } from './encounter.js';
import { EdgeTarget } from './edge-target.js';
import { createFuzzKit } from './fuzz-kit.js';
import { parametersOf, runsOf, SEED, timeFor } from './fuzz-runs.js';
import { createSetupPairs, Introspection } from './setups.js';

const kit = await createFuzzKit();
const introspection = new Introspection();
const PAIRS = createSetupPairs(kit, introspection);
/** Requests of an encounter, about, each of which is asked of two servers. */
const REQUESTS = 8;
const RUNS = Math.min(2_500, runsOf(0.12 / (REQUESTS * PLATFORMS.length * PAIRS.length)));

let known = 0;
const onDecision = (decision: unknown): void => {
  if (isKnownToBackend(decision as AccessDecision)) known += 1;
};
const twins: EdgeTwin[] = [];
beforeAll(() => subscribe(DECISION_CHANNEL, onDecision));
afterAll(async () => {
  unsubscribe(DECISION_CHANNEL, onDecision);
  for (const twin of twins) await twin.close();
});

describe.each(PLATFORMS)(
  'INV1, INV2, INV5: tokens that serve has seen before, beside an app on %s',
  (platform) => {
    test.each(PAIRS.map((pair) => [pair.name, pair] as const))(
      `the policies “%s” answer as oracle and app do, with the headers of this very request, for ${RUNS} encounters with seed ${SEED}`,
      { timeout: timeFor(RUNS * REQUESTS * 4) },
      async (_, pair) => {
        const twin = await EdgeTwin.start(platform, pair);
        twins.push(twin);
        const target = new EdgeTarget({ kit, pair, introspection, twin });
        known = 0;
        const encounters = anyEncounter(pair).filter(isSteadyBehindProxy);
        await fc.assert(
          fc.asyncProperty(encounters, async (encounter) => target.run(encounter)),
          parametersOf(RUNS),
        );
        console.log(`fuzzed serve: ${target.requests} requests, ${target.accepted} accepted, ${known} known`);
        expect(target.accepted).toBeGreaterThan(target.requests / 5);
        expect(target.requests - target.accepted).toBeGreaterThan(target.requests / 10);
        expect(known).toBeGreaterThan(target.requests / 10);
      },
    );
  },
);
