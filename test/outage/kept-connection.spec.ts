import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { PLATFORMS } from '../support/platforms.js';
import { CLOSES_KEPT_CONNECTIONS } from './faults.js';
import { OutageWorld } from './outage-world.js';

describe.each(PLATFORMS)('a connection to an authorization server that is kept, on %s', (platform) => {
  let world: OutageWorld;
  beforeEach(async () => {
    world = await OutageWorld.create();
  });
  afterEach(async () => world.close());

  test('a server that closes a connection just as we use it again is asked once more, and the caller notices nothing', async () => {
    const { issuer, server } = await world.faultyIssuer('introspection');
    await server.break(CLOSES_KEPT_CONNECTIONS);
    await world.startApi(platform, [issuer]);
    for (let i = 0; i < 3; i++) expect((await world.call('/', await issuer.mint())).status).toBe(200);
    // One for the first, two for each of the others.
    expect([server.requests.length, server.connections]).toEqual([5, 3]);
  });
});
