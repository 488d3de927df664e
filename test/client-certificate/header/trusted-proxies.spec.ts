import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type RequestOptions } from 'node:http';
import { connect as connectHttp2, createSecureServer, createServer as createHttp2Server } from 'node:http2';
import { Agent, createServer as createTlsServer, request as requestByTls } from 'node:https';
import { connect, type ListenOptions, type Server } from 'node:net';
import type { TLSSocket } from 'node:tls';
import {
  selfSignedCertificate,
  type TestCertificate,
  TestCertificateAuthority,
} from 'nestjs-cert-bound-auth/testing';
import { afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import type { TrustedProxy } from '../../../lib/cert-bound-auth.options.js';
import { trustedPeers, trustedProxyProblem } from '../../../lib/client-certificate/trusted-proxies.js';
import { get, getByHttp2, listen, shownTo, socketPath } from './peers.js';

/** What each list makes of the peer of a request while it is served. */
async function judge(
  lists: readonly (readonly TrustedProxy[])[],
  listening: ListenOptions,
  from: RequestOptions = {},
): Promise<readonly boolean[]> {
  const verdicts: boolean[] = [];
  const judges = lists.map(trustedPeers);
  const server = createServer(shownTo((raw) => verdicts.push(...judges.map((isTrusted) => isTrusted(raw)))));
  const port = await listen(server, listening);
  const { host, path } = listening;
  const to = path === undefined ? { host: host === '::' ? '127.0.0.1' : host, port } : { socketPath: path };
  await get(request, { ...(to as RequestOptions), ...from });
  return verdicts;
}

/** A request as far as addresses go, for those that this machine does not have. */
function requestFrom(remoteAddress: string | undefined): IncomingMessage {
  return { socket: { remoteAddress } } as IncomingMessage;
}

describe('INV2: a peer is a trusted proxy by its address', () => {
  test.each<readonly [TrustedProxy, boolean]>([
    ['127.0.0.2', true],
    ['127.0.0.0/8', true],
    ['127.0.0.2/31', true],
    ['127.0.0.2/32', true],
    ['loopback', true],
    ['::ffff:127.0.0.2', true],
    ['127.0.0.1', false],
    ['127.0.0.0/31', false],
    ['10.0.0.0/8', false],
    ['::1', false],
    ['unix', false],
  ])('a client at 127.0.0.2 is trusted by the list %s: %s', async (proxy, expected) => {
    expect(await judge([[proxy]], { host: '127.0.0.1' }, { localAddress: '127.0.0.2' })).toEqual([expected]);
  });

  test.each<readonly [TrustedProxy, boolean]>([
    ['::1', true],
    ['::1/127', true],
    ['0:0:0:0:0:0:0:1', true],
    ['loopback', true],
    ['127.0.0.0/8', false],
    ['fd00::/8', false],
    ['unix', false],
  ])('a client at ::1 is trusted by the list %s: %s', async (proxy, expected) => {
    expect(await judge([[proxy]], { host: '::1' })).toEqual([expected]);
  });

  test.each<readonly [TrustedProxy, boolean]>([
    ['127.0.0.1', true],
    ['127.0.0.0/8', true],
    ['loopback', true],
    ['127.0.0.2', false],
    ['10.0.0.0/8', false],
    ['::1', false],
  ])(
    'an IPv4 client of a server that listens on IPv6 is trusted by the list %s: %s',
    async (proxy, expected) => {
      expect(await judge([[proxy]], { host: '::' })).toEqual([expected]);
    },
  );

  test.each<readonly [string | undefined, TrustedProxy, boolean]>([
    ['10.1.2.3', '10.0.0.0/8', true],
    ['::ffff:10.1.2.3', '10.0.0.0/8', true],
    ['::ffff:a01:203', '10.0.0.0/8', true],
    ['::ffff:11.1.2.3', '10.0.0.0/8', false],
    ['10.1.2.3', '10.1.2.4', false],
    ['10.1.2.3', '10.1.2.3/8', true],
    ['11.1.2.3', '10.1.2.3/8', false],
    ['fd00::1', 'fd00::/8', true],
    ['FD00::1', 'fd00::/8', true],
    ['fe80::1%eth0', 'fe80::1', true],
    ['fe80::1%eth0', 'fe80::/10', true],
    ['fe80::2%eth0', 'fe80::1', false],
    ['fe80::1%10.0.0.1', '10.0.0.1', false],
    ['127.1.2.3', 'loopback', true],
    ['::ffff:127.1.2.3', 'loopback', true],
    ['128.0.0.1', 'loopback', false],
    ['::2', 'loopback', false],
    ['localhost', 'loopback', false],
    ['', 'loopback', false],
    [undefined, 'loopback', false],
    [undefined, 'unix', false],
    [undefined, 'fe80::/10', false],
  ])('a peer with the address %s is trusted by the list %s: %s', (address, proxy, expected) => {
    expect(trustedPeers([proxy])(requestFrom(address))).toBe(expected);
  });

  test('each of several addresses is trusted, and an empty list trusts nobody', async () => {
    const lists = [['10.0.0.1', '127.0.0.1'], ['127.0.0.1', '10.0.0.1'], ['unix', 'loopback'], []];
    expect(await judge(lists, { host: '127.0.0.1' })).toEqual([true, true, true, false]);
  });

  const everyone = ['loopback', '127.0.0.1', 'unix', 'fe80::/10'];

  test('a peer that has gone is not trusted, because it has no address any more', async () => {
    const server = createServer();
    const port = await listen(server, { host: '127.0.0.1' });
    const arrived = once(server, 'request') as Promise<[IncomingMessage]>;
    const client = connect(port, '127.0.0.1').on('error', () => undefined);
    client.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
    const [raw] = await arrived;
    const gone = new Promise((resolve) => raw.socket.once('close', resolve));
    client.resetAndDestroy();
    await gone;
    expect(raw.socket.remoteAddress).toBeUndefined();
    expect(trustedPeers(everyone)(raw)).toBe(false);
  });

  test('a peer that has gone is not trusted over HTTP/2 either', async () => {
    const server = createHttp2Server();
    const port = await listen(server, { host: '127.0.0.1' });
    const arrived = once(server, 'request') as Promise<[unknown]>;
    const client = connectHttp2(`http://127.0.0.1:${port}`).on('error', () => undefined);
    client.request({ ':path': '/' }).on('error', () => undefined);
    const raw = (await arrived)[0] as IncomingMessage;
    const gone = new Promise((resolve) => raw.once('close', resolve));
    client.destroy();
    await gone;
    expect(trustedPeers(everyone)(raw)).toBe(false);
  });
});

describe('INV2: a peer is a trusted proxy by the unix socket of the server', () => {
  test('a peer that came through a unix socket is trusted by unix, and by no other entry', async () => {
    const lists = [
      ['unix'],
      ['loopback', 'unix'],
      ['loopback'],
      ['127.0.0.0/8', 'fe80::/10', '0.0.0.0/1'],
      [],
    ];
    expect(await judge(lists, { path: await socketPath() })).toEqual([true, true, false, false, false]);
  });

  test.each(['TLS', 'HTTP/2'] as const)(
    'a peer that came by %s through a unix socket is trusted too',
    async (protocol) => {
      const verdicts: boolean[] = [];
      const handle = shownTo((raw) => verdicts.push(trustedPeers(['unix'])(raw)));
      const path = await socketPath();
      if (protocol === 'TLS') {
        await listen(createTlsServer(tls(), handle), { path });
        await get(requestByTls, { socketPath: path, ...trusting() });
      } else {
        await listen(createHttp2Server(handle), { path });
        await getByHttp2('http://localhost', { createConnection: () => connect(path) });
      }
      expect(verdicts).toEqual([true]);
    },
  );

  test('a peer is still trusted when the server has been closed in the meantime', async () => {
    const verdicts: boolean[] = [];
    const handle = shownTo((raw) => {
      server.close();
      verdicts.push(server.listening, trustedPeers(['unix'])(raw));
    });
    const server = createServer(handle);
    const path = await socketPath();
    await listen(server, { path });
    await get(request, { socketPath: path });
    expect(verdicts).toEqual([false, true]);
  });
});

let authority: TestCertificateAuthority;
let serverCertificate: TestCertificate;
let proxy: TestCertificate;
let other: TestCertificate;
beforeAll(async () => {
  authority = await TestCertificateAuthority.create();
  serverCertificate = await authority.issueServerCertificate();
  proxy = await authority.issueClientCertificate('proxy');
  other = await authority.issueClientCertificate('other');
});

function tls(): object {
  const { key, cert } = serverCertificate;
  return { key, cert, ca: authority.cert, requestCert: true, rejectUnauthorized: false };
}

function trusting(certificate?: TestCertificate): object {
  const identity = certificate === undefined ? {} : { key: certificate.key, cert: certificate.cert };
  return { ca: authority.cert, servername: 'localhost', ...identity };
}

type HttpVersion = 'HTTP/1.1' | 'HTTP/2';

function createServerOf(version: HttpVersion, look: (raw: IncomingMessage) => void): Server {
  return version === 'HTTP/2'
    ? createSecureServer(tls(), shownTo(look))
    : createTlsServer(tls(), shownTo(look));
}

describe('INV2: a peer is a trusted proxy by the certificate that it proves by TLS', () => {
  test.each<HttpVersion>(['HTTP/1.1', 'HTTP/2'])(
    'a peer is trusted over %s by the certificate named, and by no other',
    async (version) => {
      const judges = [
        [{ certificateThumbprint: proxy.thumbprint }],
        ['10.0.0.1', { certificateThumbprint: proxy.thumbprint }],
        [{ certificateThumbprint: other.thumbprint }],
        [{ certificateThumbprint: serverCertificate.thumbprint }],
      ].map(trustedPeers);
      const verdicts: (readonly boolean[])[] = [];
      const server = createServerOf(version, (raw) =>
        verdicts.push(judges.map((isTrusted) => isTrusted(raw))),
      );
      const port = await listen(server, { host: '127.0.0.1' });
      for (const certificate of [proxy, other, undefined]) {
        const to = { host: '127.0.0.1', port, ...trusting(certificate) };
        if (version === 'HTTP/2') await getByHttp2(`https://127.0.0.1:${port}`, to);
        else await get(requestByTls, to);
      }
      expect(verdicts).toEqual([
        [true, true, false, false],
        [false, false, true, false],
        [false, false, false, false],
      ]);
    },
  );

  test('a connection without TLS proves no certificate', async () => {
    const lists = [[{ certificateThumbprint: proxy.thumbprint }]];
    expect(await judge(lists, { host: '127.0.0.1' })).toEqual([false]);
    expect(await judge(lists, { path: await socketPath() })).toEqual([false]);
  });
});

describe.each<HttpVersion>(['HTTP/1.1', 'HTTP/2'])('INV2: a pinned certificate over %s', (version) => {
  const DAY = 86_400_000;
  afterEach(() => vi.useRealTimers());

  /**
   * What is made of this proxy's requests on one connection.
   * @param between is done before the second request
   */
  async function judgePinned(
    { key, cert, thumbprint }: TestCertificate,
    options: object,
    between?: () => unknown,
  ): Promise<readonly boolean[]> {
    const isTrusted = trustedPeers([{ certificateThumbprint: thumbprint }]);
    const verdicts: boolean[] = [];
    const look = shownTo((raw) => {
      verdicts.push(isTrusted(raw));
      if (verdicts.length === 1) between?.();
    });
    const server =
      version === 'HTTP/2'
        ? createSecureServer({ ...tls(), ...options }, look)
        : createTlsServer({ ...tls(), ...options }, look);
    const port = await listen(server, { host: '127.0.0.1' });
    const to = { host: '127.0.0.1', port, ca: authority.cert, servername: 'localhost', key, cert };
    if (version === 'HTTP/2') await getByHttp2(`https://127.0.0.1:${port}`, to, 2);
    else {
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      for (let turn = 0; turn < 2; turn += 1) await get(requestByTls, { ...to, agent });
      agent.destroy();
    }
    return verdicts;
  }

  test('a pinned certificate counts no longer than it is valid, on a connection from before as well', async () => {
    const short = await authority.issueClientCertificate('proxy', { notAfter: new Date(Date.now() + DAY) });
    const later = (): unknown => vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 2 * DAY });
    expect(await judgePinned(short, {}, later)).toEqual([true, false]);
    vi.useRealTimers();
    const expired = await authority.issueClientCertificate('proxy', {
      notAfter: new Date(Date.now() - DAY / 2),
    });
    expect(await judgePinned(expired, {})).toEqual([false, false]);
    const early = await authority.issueClientCertificate('proxy', { notBefore: new Date(Date.now() + DAY) });
    expect(await judgePinned(early, {})).toEqual([false, false]);
  });

  test('a pinned certificate does not count once its CA has revoked it', async () => {
    const ca = await TestCertificateAuthority.create('Revoking CA');
    const [good, revoked] = [
      await ca.issueClientCertificate('proxy'),
      await ca.issueClientCertificate('proxy'),
    ];
    ca.revoke(revoked);
    const options = { ca: ca.cert, crl: await ca.issueCrl() };
    expect(await judgePinned(good, options)).toEqual([true, true]);
    expect(await judgePinned(revoked, options)).toEqual([false, false]);
  });

  test('a pinned certificate does not count where the server has CAs and none of them vouches for it', async () => {
    const foreign = await (await TestCertificateAuthority.create('Other CA')).issueClientCertificate('proxy');
    expect(await judgePinned(foreign, {})).toEqual([false, false]);
  });

  test('a self-signed certificate counts where it is among the CAs of the server, or the server has none', async () => {
    const own = await selfSignedCertificate('proxy');
    expect(await judgePinned(own, {})).toEqual([false, false]);
    expect(await judgePinned(own, { ca: [authority.cert, own.cert] })).toEqual([true, true]);
    expect(await judgePinned(own, { ca: undefined })).toEqual([true, true]);
    const expired = await selfSignedCertificate('proxy', { notAfter: new Date(Date.now() - DAY / 2) });
    expect(await judgePinned(expired, { ca: undefined })).toEqual([false, false]);
  });
});

describe('INV10: the answer is kept per connection and per list', () => {
  test.each<HttpVersion>(['HTTP/1.1', 'HTTP/2'])(
    'the certificate of a connection is looked at once over %s',
    async (version) => {
      const judges = [proxy, other].map((certificate) =>
        trustedPeers([{ certificateThumbprint: certificate.thumbprint }]),
      );
      const verdicts: (readonly boolean[])[] = [];
      const server = createServerOf(version, (raw) =>
        verdicts.push(judges.map((isTrusted) => isTrusted(raw))),
      );
      const looks: (() => number)[] = [];
      server.on('secureConnection', (socket: TLSSocket) => {
        const look = vi.spyOn(socket, 'getPeerX509Certificate');
        looks.push(() => look.mock.calls.length);
      });
      const port = await listen(server, { host: '127.0.0.1' });
      const to = { host: '127.0.0.1', port, ...trusting(proxy) };
      if (version === 'HTTP/2') await getByHttp2(`https://127.0.0.1:${port}`, to, 3);
      else {
        const agent = new Agent({ keepAlive: true, maxSockets: 1 });
        for (let turn = 0; turn < 3; turn += 1) await get(requestByTls, { ...to, agent });
        agent.destroy();
      }
      expect(verdicts).toEqual(Array.from({ length: 3 }, () => [true, false]));
      // Once for both lists, on the only connection.
      expect(looks.map((count) => count())).toEqual([1]);
    },
  );

  test('an app does not see what another app has found on the same connection', async () => {
    const lists = [['loopback'], [], ['loopback'], ['10.0.0.1']];
    expect(await judge(lists, { host: '127.0.0.1' })).toEqual([true, false, true, false]);
  });
});

describe('INV8: what cannot be a trusted proxy is named at boot', () => {
  const thumbprint = 'A'.repeat(43);
  test.each([
    '10.0.0.7',
    '10.0.0.0/8',
    '10.0.0.7/32',
    '0.0.0.0/1',
    'fd00::1',
    'fd00::/8',
    '::1/128',
    '::ffff:10.0.0.1',
    '::ffff:0:0/97',
    'loopback',
    'unix',
    { certificateThumbprint: thumbprint },
  ])('the entry %j is a trusted proxy', (value) => {
    expect(trustedProxyProblem(value)).toBeUndefined();
    expect(trustedPeers([value])(requestFrom('192.0.2.1'))).toBe(false);
  });

  const ADDRESS = /^give an address .*loopback, unix, or \{ certificateThumbprint \}/;
  const THUMBPRINT = /^give the SHA-256 of the DER/;
  const EVERYONE = /^name the proxies/;
  test.each<readonly [unknown, RegExp]>([
    ['', ADDRESS],
    ['proxy.internal', ADDRESS],
    ['localhost', ADDRESS],
    ['Loopback', ADDRESS],
    ['*', ADDRESS],
    ['10.0.0', ADDRESS],
    ['10.0.0.256', ADDRESS],
    ['010.0.0.1', ADDRESS],
    ['10.0.0.1:8080', ADDRESS],
    ['10.0.0.1/', ADDRESS],
    ['10.0.0.1/33', ADDRESS],
    ['10.0.0.1/-1', ADDRESS],
    ['10.0.0.1/8/8', ADDRESS],
    ['10.0.0.1/255.0.0.0', ADDRESS],
    ['10.0.0.1-10.0.0.9', ADDRESS],
    ['10.0.0.1, 10.0.0.2', ADDRESS],
    [' 10.0.0.1', ADDRESS],
    ['[::1]', ADDRESS],
    ['::1/129', ADDRESS],
    ['fe80::1%eth0', ADDRESS],
    ['unix:/run/api.sock', ADDRESS],
    ['/run/api.sock', ADDRESS],
    [undefined, ADDRESS],
    [null, ADDRESS],
    [1, ADDRESS],
    [true, ADDRESS],
    [['10.0.0.1'], ADDRESS],
    [{ certificateThumbprint: thumbprint, address: '10.0.0.1' }, ADDRESS],
    ['0.0.0.0/0', EVERYONE],
    ['10.0.0.0/0', EVERYONE],
    ['::/0', EVERYONE],
    ['::/1', EVERYONE],
    ['::1/64', EVERYONE],
    ['::ffff:0:0/96', EVERYONE],
    ['::ffff:10.0.0.0/8', EVERYONE],
    ['::ffff:10.0.0.0/95', EVERYONE],
    [{}, THUMBPRINT],
    [[], THUMBPRINT],
    [{ certificateThumbprint: undefined }, THUMBPRINT],
    [{ certificateThumbprint: '' }, THUMBPRINT],
    [{ certificateThumbprint: `${thumbprint}=` }, THUMBPRINT],
    [{ certificateThumbprint: '0'.repeat(64) }, THUMBPRINT],
    [{ certificateThumbprint: Array.from({ length: 32 }, () => '00').join(':') }, THUMBPRINT],
  ])('the entry %j is refused, and the remedy does not repeat it', (value, remedy) => {
    expect(trustedProxyProblem(value)).toMatch(remedy);
    if (typeof value === 'string' && value.length > 10) {
      expect(trustedProxyProblem(value)).not.toContain(value);
    }
    expect(() => trustedPeers([value as TrustedProxy])).toThrow(TypeError);
  });
});
