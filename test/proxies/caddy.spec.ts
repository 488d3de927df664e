import { once } from 'node:events';
import { connect, type OutgoingHttpHeaders } from 'node:http2';
import { connect as connectTls } from 'node:tls';
import { expect, test } from 'vitest';
import { AUDIENCE } from '../support/world.js';
import { describeForwarding } from './support/describe-forwarding.js';
import { CADDY } from './support/forwarding-proxies.js';
import { type Caller, tlsOf } from './support/public-client.js';

describeForwarding(CADDY, (world, start) => {
  test('RFC9440: adding the header beside the client’s copy, instead of replacing it, would be 400', async () => {
    const { as, call } = await start({
      replace: {
        'request_header -X-SSL-Client-Cert': '',
        'request_header @proved X-SSL': 'request_header @proved +X-SSL',
      },
    });
    const { client1, client2 } = world();
    const token = await as.accessToken({ certificate: client1 });
    const headers = [['X-SSL-Client-Cert', CADDY.write(client1)]] as const;
    expect((await call({ token, certificate: client2, headers })).status).toBe(400);
  });

  test('RFC8705-1: the placeholder that Caddy sends without a certificate means none', async () => {
    const { as, call } = await start({ replace: { 'request_header @proved X-SSL': 'request_header X-SSL' } });
    const { client1 } = world();
    const token = await as.accessToken({ certificate: client1 });
    expect((await call({ token, certificate: client1 })).status).toBe(200);
    expect((await call({ token })).status).toBe(401);
  });

  test('INV2: the header that a client sends by HTTP/2 never wins over what the proxy writes', async () => {
    const { as, caller } = await start();
    const { client1, client2 } = world();
    const authorization = `Bearer ${await as.accessToken({ certificate: client1 })}`;
    const value = CADDY.write(client1);
    const copies: readonly OutgoingHttpHeaders[] = [
      {},
      { 'x-ssl-client-cert': value },
      { 'x-ssl-client-cert': [value, value] },
      { x_ssl_client_cert: value },
    ];
    expect(await statusByHttp2(caller(client1), { authorization })).toBe(200);
    for (const copy of copies) {
      for (const certificate of [client2, undefined])
        expect(await statusByHttp2(caller(certificate), { authorization, ...copy })).toBe(401);
    }
  });
});

/** Sends a GET over a connection of its own. */
async function statusByHttp2(caller: Caller, headers: OutgoingHttpHeaders): Promise<number | undefined> {
  const session = connect(AUDIENCE, {
    createConnection: () =>
      connectTls({ ...tlsOf(caller), host: '127.0.0.1', port: caller.port, ALPNProtocols: ['h2'] }),
  });
  try {
    const [response] = (await once(session.request(headers).end(), 'response')) as [
      { readonly ':status'?: number },
    ];
    return response[':status'];
  } finally {
    session.destroy();
  }
}
