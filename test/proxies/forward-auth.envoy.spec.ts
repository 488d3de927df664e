import { once } from 'node:events';
import { connect } from 'node:http2';
import { connect as connectTls } from 'node:tls';
import { expect, test } from 'vitest';
import { AUDIENCE, createWorld } from '../support/world.js';
import { describeForwardAuth, type ForwardAuthCase, startStage } from './support/describe-forward-auth.js';
import { tlsOf } from './support/public-client.js';

const ENVOY: ForwardAuthCase = {
  kind: 'envoy',
  port: (port) => `port_value: ${port}`,
  statuses: { malformed: 400, outage: 503, away: 503 },
};

describeForwardAuth(ENVOY);

test('RFC8705-1: by HTTP/2, which Envoy offers, the same holds', async () => {
  const world = await createWorld();
  const { as, port } = await startStage(world, ENVOY);
  const authorization = `Bearer ${await as.accessToken({ certificate: world.client1, scope: 'payments:read' })}`;
  const statusFor = async (certificate: typeof world.client1): Promise<unknown> => {
    const caller = { port, ca: world.ca.cert, certificate };
    const session = connect(AUDIENCE, {
      createConnection: () =>
        connectTls({ ...tlsOf(caller), host: '127.0.0.1', port, ALPNProtocols: ['h2'] }),
    });
    try {
      const request = session.request({ ':path': '/payments', authorization }).end();
      const [response] = (await once(request, 'response')) as [{ readonly ':status'?: number }];
      return response[':status'];
    } finally {
      session.destroy();
    }
  };
  expect(await statusFor(world.client1)).toBe(200);
  expect(await statusFor(world.client2)).toBe(401);
});
