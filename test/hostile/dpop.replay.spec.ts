import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type HostileApp, startHostileApp, WAYS } from './hostile-app.js';
import { HostileClient, type HostileResponse } from './hostile-client.js';
import type { HostileRequest } from './request.js';
import { PLATFORMS } from '../support/platforms.js';
import { DpopKit } from './dpop-kit.js';

const ATTEMPTS = 50;

let kit: DpopKit;
let client: HostileClient;

beforeAll(async () => {
  kit = await DpopKit.start();
  client = new HostileClient(kit.hostile.ca.cert);
});
afterAll(async () => {
  client.close();
  await kit.stop();
});

/** Who would look whether a proof was used, and then note that it was, would let several of these through. */
describe.each(PLATFORMS)('proofs at the same time on %s', (platform) => {
  // In the second, two guards ask about each request.
  describe.each([WAYS.globalGuards, WAYS.authGuardFirst])('$name', (way) => {
    let app: HostileApp;
    beforeAll(async () => {
      app = await startHostileApp(kit.hostile, platform, way);
    });
    afterAll(() => app.close());

    const race = async (requests: readonly HostileRequest[]): Promise<readonly HostileResponse[]> =>
      Promise.all(requests.map((request) => client.send(app.port, request)));

    const kinds: Readonly<Record<string, () => HostileRequest>> = {
      'one proof': () => kit.dpop(kit.jwt()),
      'one proof beside an opaque token': () => kit.dpop(kit.opaque()),
      'one proof beside a token of certificate and key': () =>
        kit.dpop(kit.jwtWith(kit.both), { certificate: kit.hostile.client1 }),
    };

    it.each(Object.entries(kinds))(`RFC9449-8: ${ATTEMPTS} times %s is one answer`, async (_, make) => {
      const runsBefore = app.runs();
      const request = make();
      const responses = await race(Array.from({ length: ATTEMPTS }, () => request));
      expect(responses.filter(({ status }) => status === 200)).toHaveLength(1);
      const refusals = responses.filter(({ status }) => status === 401);
      expect(refusals).toHaveLength(ATTEMPTS - 1);
      for (const { body } of refusals)
        expect(JSON.parse(body)).toMatchObject({ error: 'invalid_dpop_proof' });
      expect(app.runs() - runsBefore, 'times the handler ran').toBe(1);
    });

    it(`RFC9449-8: ${ATTEMPTS} proofs with one jti are one answer`, async () => {
      const token = kit.jwt();
      const claims = { jti: `at once, ${way.name}` };
      const responses = await race(Array.from({ length: ATTEMPTS }, () => kit.dpop(token, {}, { claims })));
      expect(responses.filter(({ status }) => status === 200)).toHaveLength(1);
      expect(responses.filter(({ status }) => status === 401)).toHaveLength(ATTEMPTS - 1);
    });

    it(`RFC9449-8: ${ATTEMPTS} proofs are as many answers`, async () => {
      const token = kit.jwt();
      const responses = await race(Array.from({ length: ATTEMPTS }, () => kit.dpop(token)));
      expect(responses.filter(({ status }) => status === 200)).toHaveLength(ATTEMPTS);
    });
  });
});
