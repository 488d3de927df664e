import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PLATFORMS } from '../support/platforms.js';
import { expectOutage } from './expect-outage.js';
import { OutageWorld, TARGETS } from './outage-world.js';

// In a file of its own: a name server that does not answer keeps busy the few threads that all of Node looks names up by.
describe.each(PLATFORMS)('an authorization server without an address, on %s', (platform) => {
  let world: OutageWorld;
  const urlOf = (target: string): string => `https://${target}.as.invalid`;

  beforeAll(async () => {
    world = await OutageWorld.create();
    await world.startApi(
      platform,
      TARGETS.map((target) =>
        world.issuerAt(urlOf(target), target, { connectTimeout: 1_000, timeout: 1_000 }),
      ),
    );
  });
  afterAll(async () => world.close());

  test.for(TARGETS)(
    'INV3: a server whose host for %s has no address causes 503 for its own tokens, and for nobody else',
    async (target) => {
      await expectOutage(world, await world.issuerAt(urlOf(target), target).mint(), target);
      expect(world.linesOf(urlOf(target))).toContainEqual(
        expect.stringMatching(/authorization_server_unreachable.*(ENOTFOUND|EAI_AGAIN|TimeoutError)/),
      );
    },
  );
});
