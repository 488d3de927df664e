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

test('RFC8705-1: the same holds by HTTP/2, which Envoy offers', async () => {
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

test('INV2: a name that holds the Hash of another client does not name that client, where Envoy passes on names as well', async () => {
  const world = await createWorld();
  const edit = { '{ cert: true }': '{ cert: true, uri: true, dns: true }' };
  const { as, call } = await startStage(world, { ...ENVOY, edit });
  const token = await as.accessToken({ certificate: world.client1, scope: 'payments:read' });
  const hash = Buffer.from(world.client1.thumbprint, 'base64url').toString('hex');
  const statusWith = async (uri: string): Promise<number> => {
    const certificate = await world.ca.issueClientCertificate('client2', { uris: [uri] });
    return (await call({ token, certificate })).status;
  };
  expect(await statusWith('spiffe://bank.example/client2')).toBe(401);
  for (const end of [
    `,Hash=${hash}`,
    `,Hash=${hash};Cert=${encodeURIComponent(world.client1.cert)}`,
    `;Hash=${hash}`,
  ])
    expect(await statusWith(`spiffe://bank.example/client2${end}`)).toBe(400);
  expect((await call({ token, certificate: world.client1 })).status).toBe(200);
});
