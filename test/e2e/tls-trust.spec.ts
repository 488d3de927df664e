import { randomBytes, X509Certificate } from 'node:crypto';
import { createServer, type ServerOptions } from 'node:https';
import type { AddressInfo } from 'node:net';
import { createSecureContext, type SecureContextOptions, type Server } from 'node:tls';
import { mutualTls, type MutualTlsOptions } from 'nestjs-cert-bound-auth';
import {
  selfSignedCertificate,
  type TestAuthorizationServer,
  type TestCertificate,
  TestCertificateAuthority,
} from 'nestjs-cert-bound-auth/testing';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { pkcs12, renewedAuthority, version1Authority } from '../support/openssl.js';
import { type Answer, openClient, type TlsClientOptions } from '../support/tls-client.js';
import { createWatchedApp, type ServerKind, SERVERS, type WatchedApp } from '../support/watched-app.js';
import { createWorld, startAuthorizationServer, whenOver, type World } from '../support/world.js';

const KINDS = Object.keys(SERVERS) as readonly ServerKind[];
const VERSIONS = ['TLSv1.2', 'TLSv1.3'] as const;
/** A second name of the server. */
const OTHER_NAME = 'other.example';

let world: World;
let otherCa: TestCertificateAuthority;
let otherClient: TestCertificate;
let as: TestAuthorizationServer;

beforeAll(async () => {
  world = await createWorld();
  otherCa = await TestCertificateAuthority.create('Other CA');
  otherClient = await otherCa.issueClientCertificate('other');
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

interface TestedApp extends WatchedApp {
  readonly kind: ServerKind;
  readonly server: Server;
}

/** Starts a protected app. @param before is done between the making of the app and its start */
async function start(
  kind: ServerKind,
  tls: ServerOptions,
  before: (server: Server) => unknown = () => undefined,
): Promise<TestedApp> {
  as = await startAuthorizationServer(world);
  const watched = await createWatchedApp(kind, tls, as.moduleOptions);
  const server = watched.app.getHttpServer() as Server;
  before(server);
  await watched.app.listen(0, '127.0.0.1');
  return { ...watched, kind, server, port: watched.port };
}

function tlsOf(options: Partial<MutualTlsOptions> = {}): ServerOptions {
  const { key, cert } = world.server;
  return mutualTls({ key, cert, ca: world.ca.cert, clientAuth: 'request', ...options });
}

/** TLS options that are not those of `mutualTls()`. */
function plainTls(options: ServerOptions = {}): ServerOptions {
  const { key, cert } = world.server;
  return { key, cert, ca: world.ca.cert, requestCert: true, rejectUnauthorized: false, ...options };
}

interface Client {
  readonly certificate: Pick<TestCertificate, 'key' | 'cert'>;
  readonly options?: Partial<TlsClientOptions>;
}

/** What a client is answered that comes with a token bound to its certificate. */
async function ask(
  { kind, port }: Pick<TestedApp, 'kind' | 'port'>,
  { certificate: { key, cert }, options = {} }: Client,
): Promise<Answer> {
  const client = await openClient({ port, http: SERVERS[kind], ca: world.ca.cert, key, cert, ...options });
  const answer = await client.get('/fast', { authorization: await tokenFor(cert) });
  client.socket.destroy();
  return answer;
}

async function tokenFor(cert: string): Promise<string> {
  const thumbprint = new X509Certificate(cert).fingerprint256.replaceAll(':', '');
  const confirmation = { 'x5t#S256': Buffer.from(thumbprint, 'hex').toString('base64url') };
  return `Bearer ${await as.accessToken({ claims: { cnf: confirmation } })}`;
}

/** Clients check the name by which they ask, which no certificate here has. */
const BY_OTHER_NAME = { servername: OTHER_NAME, checkServerIdentity: () => undefined };

describe.each(KINDS)('INV13: what a server on %s trusts is what it was configured with', (kind) => {
  it.each<[string, (server: Server, context: SecureContextOptions) => void]>([
    ['options', (server, context) => server.addContext(OTHER_NAME, context)],
    ['a SecureContext', (server, context) => server.addContext(OTHER_NAME, createSecureContext(context))],
  ])('A context that addContext added, given as %s, adds no CA for client certificates', async (_, add) => {
    const { key, cert } = world.server;
    const context = { key, cert, ca: [otherCa.cert, world.ca.cert] };
    const client = { certificate: otherClient, options: BY_OTHER_NAME };
    const app = await start(kind, tlsOf());
    add(app.server, context);
    expect(await ask(app, client)).toBe(401);
    expect(await ask(app, { ...client, certificate: world.client1 })).toBe(200);
    const earlier = await start(kind, tlsOf(), (server) => add(server, context));
    expect(await ask(earlier, client)).toBe(401);
    expect(await ask(earlier, { ...client, certificate: world.client1 })).toBe(200);
  });

  it('A context of SNICallback adds no CA for client certificates', async () => {
    const { key, cert } = world.server;
    const context = createSecureContext({ key, cert, ca: [otherCa.cert, world.ca.cert] });
    const app = await start(kind, plainTls({ SNICallback: (_, done) => done(null, context) }));
    expect(await ask(app, { certificate: otherClient, options: BY_OTHER_NAME })).toBe(401);
    expect(await ask(app, { certificate: world.client1, options: BY_OTHER_NAME })).toBe(200);
  });

  it('A call of setSecureContext adds no CA for client certificates', async () => {
    const { key, cert } = world.server;
    const app = await start(kind, tlsOf());
    app.server.setSecureContext({ key, cert, ca: [otherCa.cert, world.ca.cert] });
    expect(await ask(app, { certificate: otherClient })).toBe(401);
    expect(await ask(app, { certificate: world.client1 })).toBe(200);
  });

  it('A call of setSecureContext or addContext without the revocation lists brings back no revoked client', async () => {
    const { key, cert } = world.server;
    const ca = await TestCertificateAuthority.create('Revoking CA');
    const [good, revoked] = [
      await ca.issueClientCertificate('good'),
      await ca.issueClientCertificate('revoked'),
    ];
    ca.revoke(revoked);
    const app = await start(kind, tlsOf({ ca: ca.cert, crl: await ca.issueCrl() }));
    app.server.addContext(OTHER_NAME, { key, cert, ca: ca.cert });
    expect(await ask(app, { certificate: revoked, options: BY_OTHER_NAME })).toBe(401);
    app.server.setSecureContext({ key, cert, ca: ca.cert });
    expect(await ask(app, { certificate: revoked })).toBe(401);
    expect(await ask(app, { certificate: good })).toBe(200);
  });

  it('The CAs inside a PKCS #12 file are not trusted for clients', async () => {
    const pfx = pkcs12(world.server, otherCa.cert);
    const { key: _key, cert: _cert, ...tls } = plainTls({ pfx, passphrase: 'secret' });
    const app = await start(kind, tls);
    expect(await ask(app, { certificate: otherClient })).toBe(401);
    expect(await ask(app, { certificate: world.client1 })).toBe(200);
  });

  it('A PKCS #12 file without ca stops the boot, for Node would trust every public CA', async () => {
    const pfx = pkcs12(world.server, otherCa.cert);
    const tls = { pfx, passphrase: 'secret', requestCert: true, rejectUnauthorized: false };
    await expect(start(kind, tls)).rejects.toThrow(
      'httpsOptions.ca (undefined): without ca, a certificate of any',
    );
  });

  describe.each(VERSIONS)('a session of %s', (version) => {
    const versions = { minVersion: version, maxVersion: version };

    it('A CA between client and root counts when it is configured, not when the client alone sends it', async () => {
      const between = await world.ca.issueIntermediate();
      const leaf = await between.issueClientCertificate('below');
      const withChain = {
        certificate: { key: leaf.key, cert: `${leaf.cert}\n${between.cert}` },
        options: versions,
      };
      const withoutChain = { certificate: leaf, options: versions };

      const unaware = await start(kind, tlsOf());
      expect(await ask(unaware, withChain)).toBe(401);
      expect(unaware.logger.ours.map(({ text }) => text).join()).toContain(
        'count only as intermediates of mutualTls()',
      );
      const aware = await start(kind, tlsOf({ intermediates: between.cert }));
      expect(await ask(aware, withChain)).toBe(200);
      expect(await ask(aware, withoutChain)).toBe(200);
      const plain = await start(kind, plainTls({ ca: [world.ca.cert, Buffer.from(between.cert)] }));
      expect(await ask(plain, withoutChain)).toBe(200);
    });

    it('A CA below one of another app does not count although it is among the intermediates', async () => {
      const between = await otherCa.issueIntermediate();
      const leaf = await between.issueClientCertificate('below');
      const app = await start(kind, tlsOf({ intermediates: between.cert }));
      app.server.setSecureContext({ ...world.server, ca: [otherCa.cert, between.cert] });
      expect(await ask(app, { certificate: leaf, options: versions })).toBe(401);
    });

    it('A session that another server of the same ticketKeys began with other CAs does not count', async () => {
      const ticketKeys = randomBytes(48);
      const first = await start(kind, plainTls({ ca: otherCa.cert, ticketKeys }));
      const opened = await openClient({
        port: first.port,
        http: SERVERS[kind],
        ca: world.ca.cert,
        key: otherClient.key,
        cert: otherClient.cert,
        ...versions,
      });
      expect(await opened.get('/fast', { authorization: await tokenFor(otherClient.cert) })).toBe(200);
      const { session } = opened;
      const second = await start(kind, plainTls({ ticketKeys }));
      const resumed = await openClient({
        port: second.port,
        http: SERVERS[kind],
        ca: world.ca.cert,
        key: otherClient.key,
        cert: otherClient.cert,
        session,
        ...versions,
      });
      expect(await resumed.get('/fast', { authorization: await tokenFor(otherClient.cert) })).toBe(401);
      expect(resumed.socket.isSessionReused()).toBe(true);
    });
  });

  it('Whether the CAs vouch for a certificate is found out once per connection', async () => {
    const app = await start(kind, tlsOf());
    const { key, cert } = world.client1;
    const client = await openClient({ port: app.port, http: SERVERS[kind], ca: world.ca.cert, key, cert });
    const headers = { authorization: await tokenFor(cert) };
    const verify = vi.spyOn(X509Certificate.prototype, 'verify');
    const checked = async (): Promise<number> => {
      expect(await client.get('/fast', headers)).toBe(200);
      return verify.mock.calls.length;
    };
    const first = await checked();
    expect(first).toBeGreaterThan(0);
    expect([await checked(), await checked()]).toEqual([first, first]);
  });

  it('A connection does not outlive the revocation list that it was accepted by', async () => {
    const ca = await TestCertificateAuthority.create('Revoking CA');
    const certificate = await ca.issueClientCertificate('good', {
      notAfter: new Date(Date.now() + 400 * 86_400_000),
    });
    const app = await start(kind, tlsOf({ ca: ca.cert, crl: await ca.issueCrl() }));
    const { key, cert } = certificate;
    const client = await openClient({ port: app.port, http: SERVERS[kind], ca: world.ca.cert, key, cert });
    expect(await client.get('/fast', { authorization: await tokenFor(cert) })).toBe(200);
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 31 * 86_400_000 });
    expect(await client.get('/fast', { authorization: await tokenFor(cert) })).toBe(401);
    expect(app.logger.ours.map(({ text }) => text).join()).toContain(
      'a revocation list of its chain is out of date',
    );
  });

  it('A connection does not outlive the CA between its certificate and the root', async () => {
    const between = await world.ca.issueIntermediate();
    const { key, cert } = await between.issueClientCertificate('below', {
      notAfter: new Date(Date.now() + 500 * 86_400_000),
    });
    const app = await start(kind, tlsOf({ intermediates: between.cert }));
    const client = await openClient({ port: app.port, http: SERVERS[kind], ca: world.ca.cert, key, cert });
    expect(await client.get('/fast', { authorization: await tokenFor(cert) })).toBe(200);
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 366 * 86_400_000 });
    expect(await client.get('/fast', { authorization: await tokenFor(cert) })).toBe(401);
  });

  it('A connection outlives a root that was renewed with its key, where its successor is configured as well', async () => {
    const { roots, client } = renewedAuthority();
    const later = Date.now() + 2 * 86_400_000;
    for (const [ca, answer] of [
      [[...roots], 200],
      [[roots[0]], 401],
    ] as const) {
      const app = await start(kind, tlsOf({ ca }));
      const { key, cert } = client;
      const opened = await openClient({ port: app.port, http: SERVERS[kind], ca: world.ca.cert, key, cert });
      expect(await opened.get('/fast', { authorization: await tokenFor(cert) })).toBe(200);
      vi.useFakeTimers({ toFake: ['Date'], now: later });
      const authorization = await tokenFor(cert);
      expect([
        await opened.get('/fast', { authorization }),
        await opened.get('/fast', { authorization }),
      ]).toEqual([answer, answer]);
      vi.useRealTimers();
    }
  });

  it('A root of X.509 version 1 vouches for its clients', async () => {
    const { root, client } = version1Authority();
    const app = await start(kind, tlsOf({ ca: root }));
    expect(await ask(app, { certificate: client })).toBe(200);
  });

  it('An expired server certificate stops the boot with its name, its end and what to do', async () => {
    const { key, cert } = await world.ca.issueServerCertificate({ notAfter: new Date(Date.now() - 1000) });
    await expect(start(kind, plainTls({ key, cert }))).rejects.toThrow(
      /httpsOptions\.cert \(string\): it has expired: "CN=localhost" was valid until .*, and clients refuse it\. Renew it/,
    );
  });
});

describe.each(KINDS)('INV2: the header of a pinned proxy on %s', (kind) => {
  /** What a client of the proxy is answered whose certificate this proxy has put into the header. */
  async function askThrough(
    proxy: TestCertificate,
    tls: Partial<MutualTlsOptions>,
  ): Promise<() => Promise<Answer>> {
    as = await startAuthorizationServer(world);
    const watched = await createWatchedApp(kind, tlsOf(tls), {
      ...as.moduleOptions,
      clientCertificate: {
        from: 'header',
        header: 'client-cert',
        format: 'rfc9440',
        trustedProxies: [{ certificateThumbprint: proxy.thumbprint }],
        trust: 'proxy',
      },
    });
    await watched.app.listen(0, '127.0.0.1');
    const { key, cert } = proxy;
    const to = { port: watched.port, http: SERVERS[kind], ca: world.ca.cert, key, cert };
    const connection = await openClient(to);
    const authorization = `Bearer ${await as.accessToken({ certificate: world.client1 })}`;
    const headers = { authorization, 'client-cert': `:${world.client1.der.toString('base64')}:` };
    return async () => connection.get('/fast', headers);
  }

  it('It counts until the certificate of the proxy expires', async () => {
    const proxy = await world.ca.issueClientCertificate('proxy', { notAfter: new Date(Date.now() + 10_000) });
    const send = await askThrough(proxy, {});
    expect(await send()).toBe(200);
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 11_000 });
    expect(await send()).toBe(401);
  });

  it('It does not count when the certificate of the proxy is revoked', async () => {
    const ca = await TestCertificateAuthority.create('Revoking CA');
    const [good, revoked] = [
      await ca.issueClientCertificate('proxy'),
      await ca.issueClientCertificate('proxy'),
    ];
    ca.revoke(revoked);
    const tls = { ca: ca.cert, crl: await ca.issueCrl() };
    expect(await (await askThrough(good, tls))()).toBe(200);
    expect(await (await askThrough(revoked, tls))()).toBe(401);
  });

  it('It counts for a self-signed proxy whose certificate is among the CAs', async () => {
    const proxy = await selfSignedCertificate('proxy');
    expect(await (await askThrough(proxy, {}))()).toBe(401);
    expect(await (await askThrough(proxy, { ca: proxy.cert }))()).toBe(200);
  });
});

describe('servers beside the one of Nest', () => {
  it('Each server of an app trusts the CAs that it was made with', async () => {
    const app = await start('express', tlsOf());
    const handler = app.app.getHttpAdapter().getInstance() as () => void;
    const beside = createServer(tlsOf({ ca: otherCa.cert }), handler);
    beside.listen(0, '127.0.0.1');
    whenOver(async () => new Promise((resolve) => beside.close(resolve)));
    const port = (): number => (beside.address() as AddressInfo).port;
    await vi.waitFor(port);
    expect(await ask({ kind: 'express', port: port() }, { certificate: otherClient })).toBe(200);
    expect(await ask(app, { certificate: otherClient })).toBe(401);
    beside.setSecureContext({ ...world.server, ca: world.ca.cert });
    expect(await ask({ kind: 'express', port: port() }, { certificate: world.client1 })).toBe(401);
  });
});
