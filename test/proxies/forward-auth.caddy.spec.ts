import { expect, test } from 'vitest';
import { createWorld } from '../support/world.js';
import { describeForwardAuth, type ForwardAuthCase, startStage } from './support/describe-forward-auth.js';

const CADDY: ForwardAuthCase = {
  kind: 'caddy',
  parameters: 'unsupported',
  // Caddy hands on any answer but 2xx as it is.
  statuses: { malformed: 400, outage: 503, away: 502 },
};

describeForwardAuth(CADDY);

test('RFC9110-7.6.1: no client takes a header from the API, or from us, by naming it in Connection', async () => {
  const world = await createWorld();
  const { as, upstream, call } = await startStage(world, CADDY);
  const token = await as.accessToken({ certificate: world.client1, scope: 'payments:read' });
  const send = async (connection: string | string[]): Promise<number> =>
    (await call({ token, certificate: world.client1, headers: { connection } })).status;
  expect(await send('close')).toBe(200);
  const nominations = [
    'close, X-Credential-Sub, X-Credential-Scope',
    'x-CREDENTIAL-sub',
    ['close', 'X-Credential-Sub'],
    'authorization',
    'DPoP',
    'X-SSL-Client-Cert',
  ];
  for (const nomination of nominations) expect(await send(nomination)).toBe(400);
  expect(upstream.requests).toHaveLength(1);
});
