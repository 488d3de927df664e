import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { eventually } from '../support/eventually.js';
import { PLATFORMS } from '../support/platforms.js';
import { expectOutage } from './expect-outage.js';
import { FAULTS, isEndless } from './faults.js';
import type { FaultyServer } from './faulty-server.js';
import { type Issuer, OutageWorld, type Target, TARGETS } from './outage-world.js';

/** A short limit for faults that never end; a long one for those that end by themselves, as the machine may be busy. */
const SHORT = { connectTimeout: 200, timeout: 300 };
const LONG = { connectTimeout: 4_000, timeout: 4_000 };

interface FaultyIssuer {
  readonly target: Target;
  readonly issuer: Issuer;
  readonly server: FaultyServer;
}

describe.each(PLATFORMS)('an authorization server that fails, on %s', (platform) => {
  let world: OutageWorld;
  const issuers: Record<string, FaultyIssuer[]> = {};

  beforeAll(async () => {
    world = await OutageWorld.create();
    for (const fault of FAULTS) {
      const limits = isEndless(fault) ? SHORT : LONG;
      issuers[fault.name] = await Promise.all(
        TARGETS.map(async (target) => ({ target, ...(await world.faultyIssuer(target, limits)) })),
      );
    }
    const all = Object.values(issuers).flat();
    await world.startApi(
      platform,
      all.map(({ issuer }) => issuer),
    );
  });
  afterAll(async () => world.close());

  test.concurrent.for(FAULTS)(
    'INV3: a server that $name causes 503 for its own tokens until it recovers, and is not missed while its answers are cached',
    async (fault) => {
      const exercise = async ({ target, issuer, server }: FaultyIssuer): Promise<void> => {
        const token = await issuer.mint();
        await server.break(fault);
        await expectOutage(world, token, target);
        expect(world.linesOf(server.url), target).toContainEqual(expect.stringMatching(fault.log));
        expect(server.requests, target).not.toContain('/again');

        await server.heal();
        await eventually(async () => (await world.call('/', token)).status === 200, 15_000);

        await server.break(fault);
        // A cached introspection answer serves one token only; keys and metadata serve every token.
        const warm = target === 'introspection' ? token : await issuer.mint();
        expect((await world.call('/', warm)).status, target).toBe(200);
      };
      await Promise.all((issuers[fault.name] ?? []).map(exercise));
    },
  );
});
