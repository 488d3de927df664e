import { mutualTls } from 'nestjs-cert-bound-auth';
import type { TestAuthorizationServer, TestCertificate } from 'nestjs-cert-bound-auth/testing';
import { beforeAll, describe, expect, test } from 'vitest';
import { type Platform, PLATFORMS, startApp } from '../support/platforms.js';
import { startAuthorizationServer, whenOver } from '../support/world.js';
import { documentedSource, NGINX } from './support/forwarding-proxies.js';
import { apiModule, headersOf, portOf, startForwarding } from './support/forwarding-stage.js';
import { createProxyWorld, type ProxyWorld } from './support/proxy-world.js';
import { type Answer, type Caller, get, type SentHeaders } from './support/public-client.js';

const PROXY = { ...NGINX, file: 'nginx-mutual-tls.conf' };

let world: ProxyWorld;
let proxy: TestCertificate;
let otherProxy: TestCertificate;
let api: TestCertificate;
beforeAll(async () => {
  world = await createProxyWorld();
  [proxy, otherProxy, api] = await Promise.all([
    world.ca.issueClientCertificate('proxy'),
    world.ca.issueClientCertificate('proxy'),
    world.ca.issueServerCertificate({ hosts: ['api.internal', 'api.example.com'] }),
  ]);
});

interface Stage {
  readonly as: TestAuthorizationServer;
  /** Calls the proxy. */
  readonly call: (certificate: TestCertificate | undefined, headers: SentHeaders) => Promise<Answer>;
  /** Calls the API itself, which takes clients of the same CA. */
  readonly callDirectly: (certificate: TestCertificate, headers: SentHeaders) => Promise<Answer>;
}

/** Starts an API that trusts nginx by its certificate, and nginx with this one. */
async function start(platform: Platform, proven: TestCertificate): Promise<Stage> {
  const as = await startAuthorizationServer(world);
  const source = await documentedSource('nginxByCertificate');
  const trustedProxies = [{ certificateThumbprint: proxy.thumbprint }];
  const module = apiModule({ ...as.moduleOptions, clientCertificate: { ...source, trustedProxies } });
  const app = await startApp(platform, module, mutualTls({ ...api, ca: world.ca.cert }));
  whenOver(async () => app.close());
  const files = {
    '/etc/ssl/api/proxy.crt': proven.cert,
    '/etc/ssl/api/proxy.key': proven.key,
    '/etc/ssl/api/internal-ca.crt': world.ca.cert,
  };
  const port = portOf(app);
  const caller = await startForwarding(PROXY, world, { '127.0.0.1:3000': `127.0.0.1:${port}` }, files);
  const direct: Omit<Caller, 'certificate'> = { port, ca: world.ca.cert };
  return {
    as,
    call: async (certificate, headers) => get(caller(certificate), headers),
    callDirectly: async (certificate, headers) => get({ ...direct, certificate }, headers),
  };
}

describe.each(PLATFORMS)('an API that nginx calls by mutual TLS, on %s', (platform) => {
  test('INV2: the header counts from the proxy that proves the certificate named, connection by connection', async () => {
    const { as, call } = await start(platform, proxy);
    const [first, second] = await Promise.all([
      as.accessToken({ certificate: world.client1 }),
      as.accessToken({ certificate: world.client2 }),
    ]);
    for (let round = 0; round < 5; round += 1) {
      const right = await call(world.client1, headersOf({ token: first }));
      expect([right.status, right.body]).toMatchObject([200, { thumbprint: world.client1.thumbprint }]);
      expect((await call(world.client2, headersOf({ token: second }))).status).toBe(200);
      expect((await call(world.client2, headersOf({ token: first }))).status).toBe(401);
      expect((await call(undefined, headersOf({ token: first }))).status).toBe(401);
    }
  });

  test('INV2: the header from a client of the same CA, or from another proxy, means nothing', async () => {
    const { as, call, callDirectly } = await start(platform, otherProxy);
    const token = await as.accessToken({ certificate: world.client1 });
    const headers = headersOf({
      token,
      headers: [
        ['X-SSL-Client-Cert', NGINX.write(world.client1)],
        ['X-SSL-Client-Verify', 'SUCCESS'],
      ],
    });
    expect((await callDirectly(proxy, headers)).status).toBe(200);
    for (const certificate of [world.client1, world.client2, otherProxy])
      expect((await callDirectly(certificate, headers)).status).toBe(401);
    expect((await call(world.client1, headersOf({ token }))).status).toBe(401);
  });

  test('RFC8705-1: a token of the proxy’s own certificate does not work, because the proxy is not the client', async () => {
    const { as, call, callDirectly } = await start(platform, proxy);
    const token = await as.accessToken({ certificate: proxy });
    expect((await callDirectly(proxy, headersOf({ token }))).status).toBe(401);
    expect((await call(world.client1, headersOf({ token }))).status).toBe(401);
  });
});
