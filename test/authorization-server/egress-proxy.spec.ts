import { once } from 'node:events';
import { createServer } from 'node:https';
import { type AddressInfo, connect, type Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import type { AuthorizationServerHttp } from '../../lib/authorization-server/authorization-server-http.js';
import type { AuthorizationServerHttpSettings } from '../../lib/authorization-server/http-settings.js';
import { resolveOptions } from '../../lib/options/resolve-options.js';
import { USER_AGENT } from '../../lib/authorization-server/user-agent.js';
import { eventually } from '../support/eventually.js';
import { type EgressProxy, startEgressProxy } from '../support/egress-proxy.js';
import { createWorld, whenOver, type World } from '../support/world.js';
import { httpOf } from './http-of.js';

/** A name that only the proxy knows an address for. */
const HOST = 'as.bank.invalid';

let world: World;
let serverPort: number;
/** What the authorization server has seen. */
let calls: { readonly url: string; readonly agent: string; readonly client: string }[] = [];

beforeAll(async () => {
  world = await createWorld();
  const { key, cert } = await world.ca.issueServerCertificate({ hosts: [HOST, 'localhost', '127.0.0.1'] });
  const options = { key, cert, ca: world.ca.cert, requestCert: true, rejectUnauthorized: false };
  const server = createServer(options, (request, response) => {
    const { subject } = (request.socket as TLSSocket).getPeerCertificate();
    calls.push({
      url: String(request.url),
      agent: String(request.headers['user-agent']),
      client: String((subject as { CN?: string } | undefined)?.CN),
    });
    if (request.url === '/hang-up') request.socket.destroy();
    else if (request.url === '/large') response.end('x'.repeat(2_000));
    else response.setHeader('connection', request.url === '/last' ? 'close' : 'keep-alive').end('{}');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  serverPort = (server.address() as AddressInfo).port;
});
afterEach(() => {
  vi.unstubAllEnvs();
  calls = [];
});

const startProxy = async (refuse?: (socket: Socket) => void): Promise<EgressProxy> =>
  startEgressProxy(serverPort, refuse);

const get = async (
  settings: Partial<AuthorizationServerHttpSettings>,
  url = `https://${HOST}/jwks`,
  http: AuthorizationServerHttp = httpOf(world, { connectTimeout: 400, timeout: 800, ...settings }),
): Promise<number> => (await http.call(url, { purpose: 'keys', method: 'GET', headers: {} })).status;

describe('calls to an authorization server that leave the network through a proxy', () => {
  test('a call goes through a tunnel, and the client certificate reaches the server', async () => {
    const proxy = await startProxy();
    const { key, cert } = world.client1;
    const tls = { ca: world.ca.cert, key, cert };
    expect(await get({ proxy: new URL(proxy.url), tls })).toBe(200);
    expect(await get({ proxy: proxy.url, tls })).toBe(200);
    expect(proxy.tunnels.map(({ to }) => to)).toEqual([`${HOST}:443`, `${HOST}:443`]);
    expect(calls).toEqual(
      Array.from({ length: 2 }, () => ({ url: '/jwks', agent: USER_AGENT, client: 'client1' })),
    );
  });

  test('a connection is kept for the next call', async () => {
    const proxy = await startProxy();
    const http = httpOf(world, { proxy: proxy.url });
    for (let time = 0; time < 3; time += 1) expect(await get({}, `https://${HOST}/${time}`, http)).toBe(200);
    expect(proxy.tunnels).toHaveLength(1);
    expect(calls.map(({ url }) => url)).toEqual(['/0', '/1', '/2']);
  });

  test('the name in the server’s certificate is checked through the tunnel as well', async () => {
    const proxy = await startProxy();
    await expect(get({ proxy: proxy.url }, 'https://other.bank.invalid/jwks')).rejects.toMatchObject({
      reason: 'authorization_server_unreachable',
      detail: expect.stringContaining('altnames'),
    });
    expect(calls).toEqual([]);
  });

  test('a proxy gets its credentials, and no error repeats them', async () => {
    const proxy = await startProxy();
    const withCredentials = proxy.url.replace('//', '//api:s3cret%21@');
    expect(await get({ proxy: withCredentials })).toBe(200);
    expect(proxy.tunnels[0]?.credentials).toBe(`Basic ${Buffer.from('api:s3cret!').toString('base64')}`);
    const refusing = await startProxy((socket) => socket.end('HTTP/1.1 407 No\r\ncontent-length: 0\r\n\r\n'));
    const error: unknown = await get({ proxy: refusing.url.replace('//', '//api:s3cret%21@') }).catch(
      (reason: unknown) => reason,
    );
    expect(error).toMatchObject({ refusal: { status: 503 }, reason: 'authorization_server_unreachable' });
    expect(JSON.stringify(error) + String((error as { detail: unknown }).detail)).not.toContain('s3cret');
  });

  test.each([
    [
      'refuses the tunnel',
      (socket: Socket) => void socket.end('HTTP/1.1 502 No\r\ncontent-length: 0\r\n\r\n'),
    ],
    ['never answers', () => undefined],
    ['speaks another protocol', (socket: Socket) => void socket.end('220 mail.example.com ESMTP\r\n')],
    ['resets the connection', (socket: Socket) => void socket.resetAndDestroy()],
  ])('INV3: a proxy that %s is an outage', async (_, refuse) => {
    const proxy = await startProxy(refuse);
    await expect(get({ proxy: proxy.url })).rejects.toMatchObject({
      refusal: { status: 503 },
      reason: 'authorization_server_unreachable',
    });
    expect(proxy.tunnels).toHaveLength(1);
  });

  test.each([
    ['closes the connection', (socket: Socket) => void socket.destroy()],
    ['ends the connection', (socket: Socket) => void socket.end()],
  ])('INV14: a proxy that %s instead of making a tunnel is asked once for each call', async (_, refuse) => {
    const proxy = await startProxy(refuse);
    vi.stubEnv('https_proxy', proxy.url);
    vi.stubEnv('no_proxy', '');
    for (const option of [proxy.url, 'environment'] as const) {
      const http = httpOf(world, { proxy: option });
      proxy.tunnels.length = 0;
      for (let time = 1; time <= 3; time += 1) {
        await expect(get({}, undefined, http)).rejects.toMatchObject({
          reason: 'authorization_server_unreachable',
          detail: expect.stringContaining('NoTunnelError: other side closed'),
        });
        expect(proxy.tunnels).toHaveLength(time);
      }
    }
  });

  test('a call is not sent again where a new tunnel, and not a kept one, breaks off', async () => {
    const proxy = await startProxy();
    vi.stubEnv('https_proxy', proxy.url);
    vi.stubEnv('no_proxy', '');
    for (const option of [proxy.url, 'environment'] as const) {
      const http = httpOf(world, { proxy: option });
      calls = [];
      expect(await get({}, `https://${HOST}/last`, http)).toBe(200);
      await expect(get({}, `https://${HOST}/hang-up`, http)).rejects.toMatchObject({
        detail: expect.stringContaining('SocketError'),
      });
      expect(calls.map(({ url }) => url)).toEqual(['/last', '/hang-up']);
    }
  });

  test('INV3: calls that wait for a tunnel when the app ends are outages at once', async () => {
    const proxy = await startProxy(() => undefined);
    const http = httpOf(world, { proxy: proxy.url });
    const call = expect(get({}, undefined, http)).rejects.toMatchObject({
      reason: 'authorization_server_unreachable',
      detail: expect.stringContaining('ClientDestroyedError'),
    });
    await eventually(() => proxy.tunnels.length === 1);
    const begun = performance.now();
    await http.close();
    await call;
    expect(performance.now() - begun).toBeLessThan(2_000);
  });

  test('INV5: an answer that comes through a tunnel is bounded as every other', async () => {
    const proxy = await startProxy();
    await expect(
      get({ proxy: proxy.url, maxResponseSize: 1_999 }, `https://${HOST}/large`),
    ).rejects.toMatchObject({ detail: expect.stringContaining('ResponseExceededMaxSizeError') });
    expect(await get({ proxy: proxy.url, maxResponseSize: 2_000 }, `https://${HOST}/large`)).toBe(200);
  });

  test('a proxy that is called by TLS needs a certificate of a CA of the system, whatever tls.ca says', async () => {
    const { key, cert } = world.server;
    let seen = '';
    const proxy = createServer({ key, cert }).on('connect', ({ url = '' }) => (seen = url));
    proxy.on('tlsClientError', () => undefined).listen(0, '127.0.0.1');
    await once(proxy, 'listening');
    whenOver(async () => proxy.close());
    const url = `https://localhost:${(proxy.address() as AddressInfo).port}`;
    await expect(get({ proxy: url })).rejects.toMatchObject({
      detail: expect.stringContaining('unable to verify the first certificate'),
    });
    expect(seen).toBe('');
  });

  test('INV14: a proxy that never answered holds no later call up', async () => {
    let silent = true;
    const proxy = await startProxy();
    const stuck = await startProxy((socket) => {
      if (silent) return;
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      const server = connect(serverPort, '127.0.0.1');
      server.pipe(socket).pipe(server);
      server.on('error', () => undefined);
    });
    const http = httpOf(world, { proxy: stuck.url, connectTimeout: 200, timeout: 400, maxConnections: 1 });
    await Promise.allSettled([get({}, undefined, http), get({}, undefined, http)]);
    silent = false;
    await new Promise((resolve) => setTimeout(resolve, 400));
    expect(await get({}, undefined, http)).toBe(200);
    expect(proxy.tunnels).toEqual([]);
  });

  test.each(['x.localhost', 'localhost.', '[::ffff:127.0.0.1]', '0.0.0.0', '[::]', '127.1'])(
    'no proxy is asked for %s, which is this machine',
    async (host) => {
      const proxy = await startProxy();
      await get({ proxy: proxy.url }, `https://${host}:${serverPort}/`).catch(() => undefined);
      expect(proxy.tunnels).toEqual([]);
    },
  );

  test.each(['localhost.bank.invalid', 'xlocalhost', '[::ffff:128.0.0.1]', '127.bank.invalid'])(
    'the proxy is asked for %s, which is another machine',
    async (host) => {
      const proxy = await startProxy();
      await get({ proxy: proxy.url }, `https://${host}/`).catch(() => undefined);
      expect(proxy.tunnels).toHaveLength(1);
    },
  );

  test('this machine is never called through a proxy', async () => {
    const proxy = await startProxy();
    for (const host of ['localhost', '127.0.0.1'])
      expect(await get({ proxy: proxy.url }, `https://${host}:${serverPort}/`)).toBe(200);
    expect(proxy.tunnels).toEqual([]);
  });
});

describe('the option http.proxy', () => {
  const settingsWith = (proxy: string | URL): AuthorizationServerHttpSettings | undefined =>
    resolveOptions({
      audience: 'https://api.example.com',
      authorizationServers: [{ issuer: 'https://as.example.com', http: { proxy } }],
    }).authorizationServers[0]?.http;

  test.each([
    'http://proxy.bank.invalid:3128',
    'https://user:p%40ss@proxy.bank.invalid/',
    new URL('http://[fd00::1]:3128'),
  ])('a proxy may be named as %s', (proxy) => {
    expect(settingsWith(proxy)).toMatchObject({ proxy });
  });

  test.each([
    'proxy.bank.invalid:3128',
    'socks5://proxy.bank.invalid',
    'http://proxy.bank.invalid/path',
    'http://proxy.bank.invalid/?query',
    'http://user@proxy.bank.invalid',
    'http://:s3cret@proxy.bank.invalid',
    'http://user:s3cret%zz@proxy.bank.invalid',
    'http://user%4:1s3cret@proxy.bank.invalid',
    'Environment',
    '',
  ])('INV8: %j as a proxy stops the boot, and the message does not repeat it', (proxy) => {
    const boot = (): unknown => settingsWith(proxy);
    expect(boot).toThrow(/http\.proxy \((string|empty string)\): give the http: or https: URL of the proxy/);
    expect(boot).not.toThrow('s3cret');
  });
});

describe('the proxy that the environment names', () => {
  const NAMES = ['https_proxy', 'HTTPS_PROXY', 'http_proxy', 'HTTP_PROXY', 'no_proxy', 'NO_PROXY'];
  const environment = (values: Readonly<Record<string, string>>): void => {
    for (const name of NAMES) vi.stubEnv(name, values[name]);
  };

  test.each(['https_proxy', 'HTTPS_PROXY', 'HTTP_PROXY'])(
    '%s is looked at where the option says so',
    async (name) => {
      const proxy = await startProxy();
      environment({ [name]: proxy.url });
      expect(await get({ proxy: 'environment' })).toBe(200);
      expect(proxy.tunnels).toHaveLength(1);
    },
  );

  test('the environment is not looked at without the option', async () => {
    const proxy = await startProxy();
    environment({ HTTPS_PROXY: proxy.url });
    await expect(get({})).rejects.toMatchObject({ detail: expect.stringContaining('ENOTFOUND') });
    expect(proxy.tunnels).toEqual([]);
  });

  test('NO_PROXY names the servers that are called directly', async () => {
    const proxy = await startProxy();
    environment({ HTTPS_PROXY: proxy.url, NO_PROXY: '.bank.invalid' });
    await expect(get({ proxy: 'environment' })).rejects.toMatchObject({
      detail: expect.stringContaining('ENOTFOUND'),
    });
    expect(proxy.tunnels).toEqual([]);
  });

  test('this machine is never called through it', async () => {
    const proxy = await startProxy();
    environment({ HTTPS_PROXY: proxy.url });
    expect(await get({ proxy: 'environment' }, `https://localhost:${serverPort}/`)).toBe(200);
    expect(proxy.tunnels).toEqual([]);
  });

  test('INV8: what is no URL of a proxy in the environment stops the boot', () => {
    environment({ HTTPS_PROXY: 'proxy.bank.invalid:3128/path' });
    const options = {
      audience: 'https://api.example.com',
      authorizationServers: [{ issuer: 'https://as.example.com', http: { proxy: 'environment' } }],
    };
    expect(() => resolveOptions(options)).toThrow('HTTPS_PROXY is no http: or https: URL of a proxy');
    environment({ http_proxy: 'http://user@proxy.bank.invalid:3128' });
    expect(() => resolveOptions(options)).toThrow('http_proxy is no http: or https: URL of a proxy');
    environment({ HTTPS_PROXY: 'http://proxy.bank.invalid:3128' });
    expect(() => resolveOptions(options)).not.toThrow();
  });
});
