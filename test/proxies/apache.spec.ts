import { Agent } from 'node:https';
import { expect, test } from 'vitest';
import { describeForwarding } from './support/describe-forwarding.js';
import { APACHE } from './support/forwarding-proxies.js';
import { withChain } from './support/forwarding-stage.js';

describeForwarding(APACHE, (world, start) => {
  test('RFC9440: adding the header beside the client’s copy, instead of replacing it, would be 400', async () => {
    const { as, call } = await start({
      replace: { 'RequestHeader unset': '#', 'RequestHeader set': 'RequestHeader add' },
    });
    const { client1, client2 } = world();
    const token = await as.accessToken({ certificate: client1 });
    const headers = [['X-SSL-Client-Cert', APACHE.write(client1)]] as const;
    for (const certificate of [client2, undefined])
      expect((await call({ token, certificate, headers })).status).toBe(400);
  });

  /** An API that verifies chains itself, and calls of a client whose CA is not its own. @returns the statuses */
  const callsWithChain = async (replace: Readonly<Record<string, string>>): Promise<readonly string[]> => {
    const { ca } = world();
    const { as, call } = await start({
      replace: { '#RequestHeader set': 'RequestHeader set', ...replace },
      source: { trust: { ca: ca.cert }, chainHeader: 'X-SSL-Client-Cert-Chain' },
    });
    const intermediate = await ca.issueIntermediate();
    const leaf = await intermediate.issueClientCertificate('client3');
    const token = await as.accessToken({ certificate: leaf });
    const client = { token, certificate: withChain(leaf, intermediate), agent: new Agent() };
    const answers = [await call(client), await call(client)];
    return answers.map(({ status, resumed }) => (resumed ? `${status}, resumed` : String(status)));
  };

  test('trust: { ca } gets the chain through as long as no session is resumed', async () => {
    expect(await callsWithChain({ '#SSLSessionTickets off': 'SSLSessionTickets off' })).toEqual([
      '200',
      '200',
    ]);
    expect(await callsWithChain({})).toEqual(['200', '401, resumed']);
  });

  test('trust: { ca } with the intermediate CA among the trusted ones allows sessions to be resumed', async () => {
    const { ca } = world();
    const intermediate = await ca.issueIntermediate();
    const leaf = await intermediate.issueClientCertificate('client3');
    const { as, call } = await start({ source: { trust: { ca: [ca.cert, intermediate.cert] } } });
    const token = await as.accessToken({ certificate: leaf });
    const client = { token, certificate: withChain(leaf, intermediate), agent: new Agent() };
    expect(await call(client)).toMatchObject({ status: 200, resumed: false });
    expect(await call(client)).toMatchObject({ status: 200, resumed: true, body: { chainVerified: true } });
  });
});
