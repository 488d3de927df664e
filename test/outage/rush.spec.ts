import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { eventually } from '../support/eventually.js';
import { PLATFORMS } from '../support/platforms.js';
import { FAULTS } from './faults.js';
import { type FaultyIssuer, OutageWorld } from './outage-world.js';

const CALLERS = 60;
const CONNECTIONS = 3;

function faultNamed(name: string): (typeof FAULTS)[number] {
  const fault = FAULTS.find((candidate) => candidate.name === name);
  if (fault === undefined) throw new Error(`no fault that ${name}`);
  return fault;
}

describe.each(PLATFORMS)('many callers at once on %s', (platform) => {
  let world: OutageWorld;
  beforeEach(async () => {
    world = await OutageWorld.create();
  });
  afterEach(async () => world.close());

  async function start(timeout: number): Promise<FaultyIssuer> {
    const faulty = await world.faultyIssuer('introspection', { timeout, maxConnections: CONNECTIONS });
    await world.startApi(platform, [faulty.issuer]);
    return faulty;
  }

  /** The statuses that so many callers get, each with a token that has not been seen. */
  async function callAll({ issuer }: FaultyIssuer): Promise<ReadonlySet<number>> {
    const calls = Array.from({ length: CALLERS }, async () => world.call('/', await issuer.mint()));
    return new Set((await Promise.all(calls)).map(({ status }) => status));
  }

  test.each(['reads requests and says nothing', 'accepts connections and says nothing'])(
    'INV3: many callers learn in time, over a few connections, that the server %s',
    async (name) => {
      const faulty = await start(400);
      await faulty.server.break(faultNamed(name));
      const begun = performance.now();
      expect(await callAll(faulty)).toEqual(new Set([503]));
      expect(performance.now() - begun).toBeLessThan(15_000);
      // The server may see a new one before it sees the end of the old.
      expect(faulty.server.mostOpen).toBeLessThanOrEqual(2 * CONNECTIONS);
    },
  );

  test('many callers share the few connections to a server that is back, and all of them are served', async () => {
    const faulty = await start(10_000);
    const { issuer, server } = faulty;
    await server.break(faultNamed('answers 500'));
    for (let i = 0; i < 5; i++) expect((await world.call('/', await issuer.mint())).status).toBe(503);
    await server.heal();
    const [token, before] = [await issuer.mint(), server.connections];
    await eventually(async () => (await world.call('/', token)).status === 200);
    expect(await callAll(faulty)).toEqual(new Set([200]));
    // One more was for the probe that has opened the circuit.
    expect(server.mostOpen).toBeLessThanOrEqual(CONNECTIONS + 1);
    expect(server.connections - before).toBeLessThanOrEqual(CONNECTIONS);
  });
});
