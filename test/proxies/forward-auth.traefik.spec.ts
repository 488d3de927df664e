import { TestDpopClient } from 'nestjs-cert-bound-auth/testing';
import { expect, test } from 'vitest';
import { createWorld } from '../support/world.js';
import {
  describeForwardAuth,
  type ForwardAuthCase,
  OTHER_POLICY,
  startStage,
} from './support/describe-forward-auth.js';

const TRAEFIK: ForwardAuthCase = {
  kind: 'traefik',
  parameters: 'stay',
  // It hands on any answer but 2xx as it is.
  statuses: { malformed: 400, outage: 503, away: 500 },
};

describeForwardAuth(TRAEFIK);

test('RFC9449-2: Traefik makes one slash of two before it asks, so a proof is for what the API sees', async () => {
  const world = await createWorld();
  const client = await TestDpopClient.create();
  const { as, upstream, call } = await startStage(world, TRAEFIK, { [OTHER_POLICY]: '' });
  const token = await as.accessToken({ dpop: client, scope: 'payments:read' });
  const send = async (path: string, proved: string): Promise<number> => {
    const proof = await client.headers({ url: `https://api.example.com${proved}`, token });
    return (await call({ path, headers: { ...proof } })).status;
  };
  expect(await send('/payments//1', '/payments/1')).toBe(200);
  expect(await send('/payments//1', '/payments//1')).toBe(401);
  expect(upstream.requests.map(({ url }) => url)).toEqual(['/payments/1']);
});

test('RFC9449-6: a nonce on a 200 does not get through Traefik; that of a refusal does', async () => {
  const world = await createWorld();
  const client = await TestDpopClient.create();
  const nonce = `publicUrl: https://api.example.com\n  nonce: required\n  nonceSecret: ${'n'.repeat(32)}`;
  const { as, call } = await startStage(world, TRAEFIK, { 'publicUrl: https://api.example.com': nonce });
  const token = await as.accessToken({ dpop: client, scope: 'payments:read' });
  const url = 'https://api.example.com/payments';
  const refused = await call({ headers: { ...(await client.headers({ url, token })) } });
  const known = String(refused.headers['dpop-nonce']);
  const accepted = await call({ headers: { ...(await client.headers({ url, token, nonce: known })) } });
  expect([accepted.status, accepted.headers['dpop-nonce']]).toEqual([200, undefined]);
});
