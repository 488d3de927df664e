import { jwtVerify } from 'jose';
import { createPublicKey } from 'node:crypto';
import { expect, test } from 'vitest';
import { createWorld } from '../support/world.js';
import { describeForwardAuth, type ForwardAuthCase, startStage } from './support/describe-forward-auth.js';

const NGINX: ForwardAuthCase = {
  kind: 'nginx',
  file: 'forward-auth-nginx.conf',
  config: {},
  // nginx knows 2xx, 401 and 403, and takes anything else for an error of its own.
  statuses: { malformed: 401, outage: 500, away: 500 },
};

describeForwardAuth(NGINX);

test('row 46: the API behind nginx gets the phantom token in place of the client’s', async () => {
  const world = await createWorld();
  const { key } = world.server;
  const block = `payments:
    phantomToken:
      from: key
      algorithm: ES256
      issuer: https://edge.example.com
      key: ${JSON.stringify(key)}`;
  const { as, upstream, call } = await startStage(world, NGINX, { 'payments:': block });
  const token = as.opaqueToken({ certificate: world.client1, scope: 'payments:read' });
  expect((await call({ token, certificate: world.client1 })).status).toBe(200);
  const { authorization = '' } = upstream.requests[0]?.headers ?? {};
  const { payload } = await jwtVerify(authorization.replace('Bearer ', ''), createPublicKey(key));
  expect(payload).toMatchObject({ iss: 'https://edge.example.com', sub: 'user-1', scope: 'payments:read' });
});
