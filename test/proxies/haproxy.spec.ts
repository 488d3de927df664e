import { expect, test } from 'vitest';
import { describeForwarding } from './support/describe-forwarding.js';
import { HAPROXY } from './support/forwarding-proxies.js';

describeForwarding(HAPROXY, (world, start) => {
  test('RFC9440: adding the header beside the client’s copy, instead of replacing it, would be 400', async () => {
    const { as, call } = await start({
      replace: { 'http-request del-header': '#', 'http-request set-header': 'http-request add-header' },
    });
    const { client1, client2 } = world();
    const token = await as.accessToken({ certificate: client1 });
    const headers = [['X-SSL-Client-Cert', HAPROXY.write(client1)]] as const;
    expect((await call({ token, certificate: client2, headers })).status).toBe(400);
  });

  test('RFC8705-1: a certificate in quotes, as HAProxy may be told to write it, counts, and none is none', async () => {
    const { as, call } = await start({
      replace: {
        '%[ssl_c_der,base64] if { ssl_c_used } { ssl_c_verify 0 }': '%{+Q}[ssl_c_der,base64]',
      },
    });
    const { client1, client2 } = world();
    const token = await as.accessToken({ certificate: client1 });
    expect((await call({ token, certificate: client1 })).status).toBe(200);
    expect((await call({ token, certificate: client2 })).status).toBe(401);
    expect((await call({ token })).status).toBe(401);
  });
});
