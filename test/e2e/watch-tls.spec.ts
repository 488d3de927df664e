import { createPrivateKey, KeyObject, randomBytes, webcrypto, X509Certificate } from 'node:crypto';
import dns from 'node:dns';
import { once } from 'node:events';
import { readFile, rm, utimes, writeFile } from 'node:fs/promises';
import type { Server } from 'node:https';
import { connect as connectTcp } from 'node:net';
import type { SecureVersion } from 'node:tls';
import { X509CertificateGenerator } from '@peculiar/x509';
import { mutualTls, type MutualTlsOptions, type TlsWatch, watchTls } from 'nestjs-cert-bound-auth';
import { type TestCertificate, TestCertificateAuthority } from 'nestjs-cert-bound-auth/testing';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { PLATFORMS } from '../support/platforms.js';
import { always, eventually } from '../support/eventually.js';
import type { LogLine } from '../support/recording-logger.js';
import { type Answer, openClient, type TlsClient, type TlsClientOptions } from '../support/tls-client.js';
import {
  kubernetesFolder,
  plainFolder,
  REPLACEMENTS,
  type Replacement,
  type TlsFolder,
  type TlsTexts,
} from '../support/tls-folder.js';
import { createWatchedApp, type ServerKind, SERVERS, type WatchedApp } from '../support/watched-app.js';
import { createWorld, startAuthorizationServer, whenOver } from '../support/world.js';

/** What the requirement allows, in milliseconds. */
const SECOND = 1000;
/** Milliseconds in which the files are looked at twice. */
const TWO_LOOKS = 450;
const KINDS = Object.keys(SERVERS) as readonly ServerKind[];
const VERSIONS = ['TLSv1.2', 'TLSv1.3'] as const;

const world = await createWorld();
const otherCa = await TestCertificateAuthority.create('Other CA');
const otherClient = await otherCa.issueClientCertificate('other');
const renewed = await world.ca.issueServerCertificate();
afterEach(() => vi.useRealTimers());

interface Watched extends WatchedApp {
  readonly folder: TlsFolder;
  readonly watch: TlsWatch;
  open(certificate?: TestCertificate, options?: Partial<TlsClientOptions>): Promise<TlsClient>;
  /** What a new connection with this certificate is answered. */
  attempt(certificate?: TestCertificate, options?: Partial<TlsClientOptions>): Promise<Answer>;
}

interface WatchedOptions {
  readonly texts?: TlsTexts;
  readonly folder?: (texts: TlsTexts) => Promise<TlsFolder>;
  readonly tls?: Partial<MutualTlsOptions>;
  /** Whether the app is protected by the module. @default false */
  readonly auth?: Parameters<typeof createWatchedApp>[2];
  /** Whether the app listens before it is watched. @default false */
  readonly listening?: boolean;
  readonly host?: string;
}

/** Starts an app whose TLS files are watched. */
async function start(kind: ServerKind, options: WatchedOptions = {}): Promise<Watched> {
  const texts = { key: world.server.key, cert: world.server.cert, ca: world.ca.cert, ...options.texts };
  const folder = await (options.folder ?? plainFolder)(texts);
  const watched = await createWatchedApp(kind, mutualTls({ ...texts, ...options.tls }), options.auth);
  const listen = async (): Promise<unknown> => watched.app.listen(0, options.host ?? '127.0.0.1');
  if (options.listening === true) await listen();
  const { crl, ...paths } = folder.paths;
  const watch = await watchTls(watched.app, texts.crl === undefined ? paths : { ...paths, crl });
  if (options.listening !== true) await listen();
  const open: Watched['open'] = async (certificate, more) =>
    openClient({ ...clientOptions(kind, watched.port, certificate), ...more });
  return {
    ...watched,
    port: watched.port,
    folder,
    watch,
    open,
    attempt: async (certificate, more) => {
      const client = await open(certificate, more);
      const answer = await client.get('/fast');
      client.socket.destroy();
      return answer;
    },
  };
}

function clientOptions(kind: ServerKind, port: number, certificate?: TestCertificate): TlsClientOptions {
  const identity = certificate === undefined ? {} : { key: certificate.key, cert: certificate.cert };
  return { port, http: SERVERS[kind], ca: world.ca.cert, ...identity };
}

/** What the log says, but for connections that were caught in their handshake by a change. */
function said({ logger }: Pick<WatchedApp, 'logger'>): readonly LogLine[] {
  return logger.ours.filter(({ level }) => level !== 'debug');
}

function presented({ socket }: TlsClient): string {
  const { raw } = socket.getPeerX509Certificate() ?? {};
  return raw === undefined ? 'none' : new X509Certificate(raw).fingerprint256;
}

function fingerprint({ cert }: TestCertificate): string {
  return new X509Certificate(cert).fingerprint256;
}

const both = (...certificates: readonly { readonly cert: string }[]): string =>
  certificates.map(({ cert }) => cert).join('\n');

describe.each(PLATFORMS)('TLS files that are replaced, on %s', (kind) => {
  const folders: Readonly<Record<string, (texts: TlsTexts) => Promise<TlsFolder>>> = {
    'symlinks swapped as by Kubernetes': kubernetesFolder,
    ...Object.fromEntries(
      Object.keys(REPLACEMENTS).map((way) => [
        `files ${way}`,
        async (texts: TlsTexts) => plainFolder(texts, way as Replacement),
      ]),
    ),
  };

  describe.each(Object.entries(folders))('the watched folder has %s', (_, folder) => {
    it('a new certificate is in force for new handshakes within a second, and old connections live on', async () => {
      const app = await start(kind, { folder });
      const old = await app.open(world.client1);
      expect([await old.get('/fast'), presented(old)]).toEqual([200, fingerprint(world.server)]);

      await app.folder.replace({ key: renewed.key, cert: renewed.cert });
      await eventually(async () => {
        const client = await app.open(world.client1);
        return presented(client) === fingerprint(renewed);
      }, SECOND);
      expect(await app.attempt(world.client1)).toBe(200);
      expect([await old.get('/fast'), old.ended]).toEqual([200, false]);
      await eventually(() => said(app).length > 0);
      expect(said(app).map(({ level }) => level)).toEqual(['log']);
    });

    it('a new CA is in force within a second', async () => {
      const app = await start(kind, { folder });
      expect(await app.attempt(otherClient)).toBe('refused');
      await app.folder.replace({ ca: otherCa.cert });
      await eventually(async () => (await app.attempt(otherClient)) === 200, SECOND);
      expect(await app.attempt(world.client1)).toBe('refused');
    });
  });
});

describe.each(KINDS)('what watchTls does on %s', (kind) => {
  describe('connections older than a change of the CAs', () => {
    it('old connections end at once when they are idle', async () => {
      const app = await start(kind);
      const [used, unused] = [await app.open(world.client1), await app.open(world.client1)];
      expect(await used.get('/fast')).toBe(200);
      await app.folder.replace({ ca: otherCa.cert });
      await eventually(() => used.ended && unused.ended, SECOND);
      expect(await used.get('/fast')).toBe('refused');
    });

    it('old connections end after their current responses, and serve nothing that comes after the change', async () => {
      const app = await start(kind);
      const client = await app.open(world.client1);
      const current = [client.get('/slow/1'), client.get('/slow/2')];
      await eventually(() => app.begun.length === 2);

      await app.folder.replace({ ca: both(otherCa, world.ca) });
      await eventually(async () => (await app.attempt(otherClient)) === 200, SECOND);
      const late = client.get('/slow/late');
      // What was sent before it has arrived by now: the server answers others.
      expect(await app.attempt(otherClient)).toBe(200);
      expect(client.ended).toBe(false);
      app.release();
      expect(await Promise.all(current)).toEqual([200, 200]);
      expect(await late).toBe('refused');
      await eventually(() => client.ended, SECOND);
      expect(app.begun).toEqual(['1', '2']);
    });

    it('connections that were open before the watch are refused as well', async () => {
      const texts = { key: world.server.key, cert: world.server.cert, ca: world.ca.cert };
      const folder = await plainFolder(texts);
      const app = await createWatchedApp(kind, mutualTls(texts));
      await app.app.listen(0, '127.0.0.1');
      const open = async (certificate: TestCertificate): Promise<TlsClient> =>
        openClient(clientOptions(kind, app.port, certificate));
      const [idle, busy] = [await open(world.client1), await open(world.client1)];
      expect(await idle.get('/fast')).toBe(200);
      const { crl: _, ...paths } = folder.paths;
      await watchTls(app.app, paths);
      expect(await busy.get('/fast')).toBe(200);

      await folder.replace({ ca: otherCa.cert });
      await eventually(() => busy.ended, SECOND);
      expect(await idle.get('/slow/late')).toBe('refused');
      expect(app.begun).toEqual([]);
    });

    it('a TCP connection from before the change makes no handshake after it', async () => {
      const app = await start(kind);
      const socket = connectTcp(app.port, '127.0.0.1');
      await once(socket, 'connect');
      const first = await app.attempt(world.client1);
      await app.folder.replace({ ca: otherCa.cert });
      await eventually(async () => (await app.attempt(otherClient)) === 200, SECOND);
      expect([first, await app.attempt(world.client1, { socket })]).toEqual([200, 'refused']);
    });
  });

  describe.each(VERSIONS)('a certificate that is revoked, with %s', (version: SecureVersion) => {
    const versions = { minVersion: version, maxVersion: version };
    const revocation = async (): Promise<{ ca: TestCertificateAuthority; client: TestCertificate }> => {
      const ca = await TestCertificateAuthority.create('Revoking CA');
      return { ca, client: await ca.issueClientCertificate('revoked') };
    };

    it.each([
      ['TLS keys of its own', {}],
      ['fixed ticketKeys', { ticketKeys: randomBytes(48) }],
    ])(
      'a revoked certificate is refused in the handshake, also when a session is resumed: %s',
      async (_, tls) => {
        const { ca, client } = await revocation();
        const good = await ca.issueClientCertificate('good');
        const app = await start(kind, { texts: { ca: ca.cert, crl: await ca.issueCrl() }, tls });
        const original = await app.open(client, versions);
        expect(await original.get('/fast')).toBe(200);
        const { session } = original;
        const resumed = await app.open(client, { ...versions, session });
        expect([await resumed.get('/fast'), resumed.socket.isSessionReused()]).toEqual([200, true]);

        ca.revoke(client);
        await app.folder.replace({ crl: await ca.issueCrl() });
        await eventually(() => original.ended && resumed.ended, SECOND);
        expect(await app.attempt(client, { ...versions, session })).toBe('refused');
        expect(await app.attempt(client, { ...versions, session: resumed.session })).toBe('refused');
        expect(await app.attempt(client, versions)).toBe('refused');
        expect(await app.attempt(good, versions)).toBe(200);
      },
    );

    it.each([
      ['TLS keys of its own', {}],
      ['fixed ticketKeys', { ticketKeys: randomBytes(48) }],
    ])(
      "a revoked certificate is refused by the guards with clientAuth 'request', also when a session is resumed: %s",
      async (_, tls) => {
        const { ca, client } = await revocation();
        const as = await startAuthorizationServer(world);
        const authorization = `Bearer ${await as.accessToken({ certificate: client })}`;
        const app = await start(kind, {
          texts: { ca: ca.cert, crl: await ca.issueCrl() },
          tls: { ...tls, clientAuth: 'request' },
          auth: as.moduleOptions,
        });
        const original = await app.open(client, versions);
        expect(await original.get('/fast', { authorization })).toBe(200);
        const { session } = original;

        ca.revoke(client);
        await app.folder.replace({ crl: await ca.issueCrl() });
        await eventually(() => original.ended, SECOND);
        const resumed = await app.open(client, { ...versions, session });
        expect(await resumed.get('/fast', { authorization })).toBe(401);
        expect(resumed.socket.isSessionReused()).toBe(false);
        const again = await app.open(client, { ...versions, session: resumed.session });
        expect(await again.get('/fast', { authorization })).toBe(401);
      },
    );
  });

  it('no connection outlives its certificate, because validity is checked per request', async () => {
    const as = await startAuthorizationServer(world);
    const client = await world.ca.issueClientCertificate('short', {
      notAfter: new Date(Date.now() + 10_000),
    });
    const authorization = `Bearer ${await as.accessToken({ certificate: client })}`;
    const app = await start(kind, { auth: as.moduleOptions });
    const connection = await app.open(client);
    expect(await connection.get('/fast', { authorization })).toBe(200);
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 11_000 });
    expect(await connection.get('/fast', { authorization })).toBe(401);
    expect(connection.ended).toBe(false);
  });
});

describe.each(KINDS)('INV13: what the guards trust on %s', (kind) => {
  it('the trust of the guards follows the files: other CAs and intermediates count, and those of before no longer', async () => {
    const as = await startAuthorizationServer(world);
    const between = await world.ca.issueIntermediate();
    const below = await between.issueClientCertificate('below');
    const texts = { key: world.server.key, cert: world.server.cert, ca: world.ca.cert };
    const folder = await plainFolder({ ...texts, crl: between.cert });
    const { crl: intermediates, ...paths } = folder.paths;
    const tls = mutualTls({ ...texts, intermediates: between.cert, clientAuth: 'request' });
    const { app, port } = await startWatched(kind, tls, as.moduleOptions);
    await watchTls(app, { ...paths, intermediates });
    const answer = async (certificate: TestCertificate): Promise<Answer> => {
      const client = await openClient(clientOptions(kind, port, certificate));
      const authorization = `Bearer ${await as.accessToken({ certificate })}`;
      return client.get('/fast', { authorization });
    };
    expect([await answer(below), await answer(otherClient)]).toEqual([200, 401]);
    await folder.replace({ ca: otherCa.cert });
    await eventually(async () => (await answer(otherClient)) === 200, SECOND);
    expect([await answer(below), await answer(world.client1)]).toEqual([401, 401]);
    await folder.replace({ ca: world.ca.cert, crl: (await otherCa.issueIntermediate()).cert });
    await eventually(async () => (await answer(world.client1)) === 200, SECOND);
    expect(await answer(below)).toBe(401);
  });

  async function startWatched(
    ...args: Parameters<typeof createWatchedApp>
  ): Promise<{ readonly app: WatchedApp['app']; readonly port: number }> {
    const watched = await createWatchedApp(...args);
    const { app } = watched;
    await app.listen(0, '127.0.0.1');
    return { app, port: watched.port };
  }
});

describe('TLS files that are broken', () => {
  let expired: TestCertificate;
  beforeAll(async () => {
    expired = await world.ca.issueServerCertificate({ notAfter: new Date(Date.now() - 1000) });
  });
  const FAULTS: Readonly<Record<string, () => TlsTexts>> = {
    'a certificate that has expired': () => ({ cert: expired.cert, key: expired.key }),
    'a key of another certificate': () => ({ key: renewed.key }),
    'a certificate of another key': () => ({ cert: renewed.cert }),
    'half a key': () => ({ key: world.server.key.slice(0, 100) }),
    'half a certificate': () => ({ cert: world.server.cert.slice(0, 300) }),
    'an empty certificate': () => ({ cert: '' }),
    'a ca that is none': () => ({ ca: 'not a certificate' }),
    'a ca that ends in the middle': () => ({ ca: both(world.ca, otherCa).slice(0, -100) }),
    'a ca with garbage in it': () => ({ ca: world.ca.cert.replace(/\n\w{8}/, '\nAAAAAAAA') }),
    'a crl that is none': () => ({ crl: world.ca.cert }),
    'a crl with garbage in it': () => ({
      crl: '-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n',
    }),
  };

  it.each(Object.entries(FAULTS))(
    'the old material stays in force, and one line of the log says why: %s',
    async (_, fault) => {
      const app = await start('express', { texts: { crl: await world.ca.issueCrl() } });
      const old = await app.open(world.client1);
      await app.folder.replace(fault());
      await eventually(() => said(app).length > 0, SECOND);
      await always(() => said(app).length === 1, TWO_LOOKS);
      const [name = ''] = Object.keys(fault());
      expect(said(app)).toMatchObject([{ level: 'error' }]);
      expect(said(app)[0]?.text).toContain(`${name} (`);
      const client = await app.open(world.client1);
      expect([await client.get('/fast'), presented(client)]).toEqual([200, fingerprint(world.server)]);
      expect(await old.get('/fast')).toBe(200);

      await app.folder.replace({ key: renewed.key, cert: renewed.cert, ca: world.ca.cert });
      await app.folder.replace({ crl: await world.ca.issueCrl() });
      await eventually(async () => presented(await app.open(world.client1)) === fingerprint(renewed), SECOND);
      expect(await app.attempt(world.client1)).toBe(200);
    },
  );

  it('a missing file is named, and another fault is another line of the log', async () => {
    const app = await start('express');
    await rm(app.folder.paths.key);
    await eventually(() => said(app).length === 1, SECOND);
    expect(said(app)[0]?.text).toContain(`key (${app.folder.paths.key}) can't be read: ENOENT`);
    await app.folder.replace({ key: renewed.key });
    await eventually(() => said(app).length === 2, SECOND);
    await app.folder.replace({ key: world.server.key });
    await always(() => said(app).length === 2, TWO_LOOKS);
    expect(await app.attempt(world.client1)).toBe(200);
  });

  it('a broken key does not keep a revocation from being heeded', async () => {
    const ca = await TestCertificateAuthority.create('Revoking CA');
    const client = await ca.issueClientCertificate('revoked');
    const app = await start('express', { texts: { ca: ca.cert, crl: await ca.issueCrl() } });
    await app.folder.replace({ key: renewed.key });
    await eventually(() => said(app).length === 1, SECOND);
    expect(await app.attempt(client)).toBe(200);
    ca.revoke(client);
    await app.folder.replace({ crl: await ca.issueCrl() });
    await eventually(async () => (await app.attempt(client)) === 'refused', SECOND);
    expect(said(app).map(({ level }) => level)).toEqual(['error', 'log']);
  });

  it('a CA that comes without a revocation list is told in the log, and keeps no revocation from being heeded', async () => {
    const ca = await TestCertificateAuthority.create('Revoking CA');
    const client = await ca.issueClientCertificate('revoked');
    const app = await start('express', { texts: { ca: ca.cert, crl: await ca.issueCrl() } });
    expect(await app.attempt(client)).toBe(200);
    ca.revoke(client);
    await app.folder.replace({ ca: `${ca.cert}\n${otherCa.cert}`, crl: await ca.issueCrl() });
    await eventually(async () => (await app.attempt(client)) === 'refused', SECOND);
    await eventually(() => said(app).length === 2, SECOND);
    expect(said(app)).toMatchObject([
      { level: 'log', text: expect.stringContaining('reloaded') },
      { level: 'error', text: expect.stringMatching(/^TLS files: there is no list of CN=Other CA, /) },
    ]);
    expect(await app.attempt(otherClient)).toBe('refused');
  });

  it('a file that OpenSSL does not take keeps the old material in force', async () => {
    const app = await start('express', { tls: { ciphers: 'DEFAULT@SECLEVEL=3' } });
    await app.folder.replace(await weakPair());
    await eventually(() => said(app).length === 1, SECOND);
    expect(said(app)).toMatchObject([{ level: 'error', text: expect.stringContaining('stays') }]);
    const client = await app.open(world.client1);
    expect(presented(client)).toBe(fingerprint(world.server));
  });

  it('the log never shows key material', async () => {
    const app = await start('express');
    const lines = (): string =>
      said(app)
        .map(({ text }) => text)
        .join('\n');
    await app.folder.replace({ key: world.server.key.replace('\n', '\nAAAA') });
    await eventually(() => said(app).length === 1, SECOND);
    await app.folder.replace({ key: renewed.key, cert: renewed.cert });
    await eventually(() => said(app).length === 2, SECOND);
    for (const key of [world.server.key, renewed.key]) {
      for (const line of key.split('\n').filter((part) => part.length > 20 && !part.includes('-----'))) {
        expect(lines()).not.toContain(line.slice(0, 20));
      }
    }
  });
});

/** RSA of 2048 bits, which is too weak for the security level 3 of OpenSSL. */
async function weakPair(): Promise<TlsTexts> {
  const algorithm = {
    name: 'RSASSA-PKCS1-v1_5',
    hash: 'SHA-256',
    modulusLength: 2048,
    publicExponent: new Uint8Array([1, 0, 1]),
  };
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const cert = await X509CertificateGenerator.createSelfSigned({ name: 'CN=weak', keys });
  const key = KeyObject.from(keys.privateKey).export({ type: 'pkcs8', format: 'pem' }).toString();
  return { key, cert: cert.toString('pem') };
}

describe('changes that change nothing', () => {
  it('a touched or rewritten file changes nothing', async () => {
    const app = await start('express');
    const client = await app.open(world.client1);
    const { ca, key } = app.folder.paths;
    await utimes(ca, new Date(), new Date());
    await writeFile(ca, await readFile(ca));
    await writeFile(key, await readFile(key));
    await always(() => said(app).length === 0 && !client.ended, TWO_LOOKS);
    expect(await client.get('/fast')).toBe(200);
  });

  it('other line ends in the file of the CAs end no connection', async () => {
    const app = await start('express');
    const client = await app.open(world.client1);
    await app.folder.replace({ ca: world.ca.cert.replaceAll('\n', '\r\n') });
    await eventually(() => said(app).length === 1, SECOND);
    expect(await client.get('/fast')).toBe(200);
    expect(await app.attempt(world.client1)).toBe(200);
  });
});

describe('how a watch starts', () => {
  it('the watch puts in force what the files hold when it differs from what the server was made with', async () => {
    const texts = { key: renewed.key, cert: renewed.cert, ca: otherCa.cert };
    const folder = async (): Promise<TlsFolder> => plainFolder(texts);
    const app = await start('express', { folder });
    expect(await app.attempt(otherClient)).toBe(200);
    expect(await app.attempt(world.client1)).toBe('refused');
    expect(presented(await app.open(otherClient))).toBe(fingerprint(renewed));
  });

  it('the watch keeps every other option of the server', async () => {
    const ciphers = 'ECDHE-ECDSA-AES256-GCM-SHA384:TLS_AES_256_GCM_SHA384';
    const tls = {
      ciphers,
      sigalgs: 'ecdsa_secp256r1_sha256',
      ecdhCurve: 'P-384',
      honorCipherOrder: false,
      sessionTimeout: 77,
      ticketKeys: randomBytes(48),
      maxVersion: 'TLSv1.2',
    } as const;
    const names = [...Object.keys(tls), 'minVersion', 'secureOptions', 'requestCert', 'rejectUnauthorized'];
    const app = await start('express', { tls });
    const server = app.app.getHttpServer() as Server & Readonly<Record<string, unknown>>;
    await app.folder.replace({ key: renewed.key, cert: renewed.cert });
    await eventually(() => said(app).length === 1);
    const made = mutualTls({ ...renewed, ca: world.ca.cert, ...tls }) as Readonly<Record<string, unknown>>;
    for (const name of names) expect([name, server[name]]).toEqual([name, made[name]]);
    const { socket } = await app.open(world.client1);
    const { standardName } = socket.getCipher();
    expect([socket.getProtocol(), standardName]).toEqual([
      'TLSv1.2',
      'TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384',
    ]);
    expect(await app.attempt(world.client1, { minVersion: 'TLSv1.3' })).toBe('refused');
  });

  it('the watch reads an encrypted key with the passphrase of the server', async () => {
    const encrypt = ({ key }: TestCertificate): string =>
      createPrivateKey(key)
        .export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'secret' })
        .toString();
    const key = encrypt(world.server);
    const app = await start('express', { texts: { key }, tls: { passphrase: 'secret' } });
    await app.folder.replace({ key: encrypt(renewed), cert: renewed.cert });
    await eventually(async () => presented(await app.open(world.client1)) === fingerprint(renewed), SECOND);
  });

  it('the watch takes several files, and several blocks in one, of CAs and CRLs', async () => {
    const [first, second] = [
      await TestCertificateAuthority.create('A'),
      await TestCertificateAuthority.create('B'),
    ];
    const clients = [await first.issueClientCertificate('a'), await second.issueClientCertificate('b')];
    const texts = {
      ca: both(first, second),
      crl: [await first.issueCrl(), await second.issueCrl()].join('\n'),
    };
    const app = await start('express', { texts });
    for (const client of clients) expect(await app.attempt(client)).toBe(200);
    for (const client of clients) second.revoke(client);
    await app.folder.replace({ crl: [await first.issueCrl(), await second.issueCrl()].join('\n') });
    await eventually(async () => (await app.attempt(clients[1])) === 'refused', SECOND);
    expect(await app.attempt(clients[0])).toBe(200);

    app.watch.close();
    const folder = await plainFolder({ ca: second.cert, crl: await second.issueCrl() });
    const { key, cert, ca, crl } = app.folder.paths;
    const { paths } = folder;
    await watchTls(app.app, { key, cert, ca: [ca, paths.ca], crl: [crl, paths.crl] });
    expect(await app.attempt(clients[0])).toBe(200);
  });

  it.each([
    ['a plain HTTP server', undefined],
    ['a server that asks for no certificate', {}],
  ])('the watch refuses %s', async (_, tls) => {
    for (const kind of ['express', 'fastify'] as const) {
      const { key, cert } = world.server;
      const { app } = await createWatchedApp(kind, tls && { key, cert });
      const { paths } = await plainFolder({});
      await expect(watchTls(app, paths)).rejects.toThrow(/asks for no client certificate.*mutualTls/);
    }
  });

  it('the watch refuses files that it cannot use, and names them', async () => {
    const { key, cert } = world.server;
    const texts = { key, cert, ca: world.ca.cert };
    const { app } = await createWatchedApp('express', mutualTls(texts));
    const { paths } = await plainFolder({ ...texts, crl: 'none' });
    const { crl: _, ...needed } = paths;
    await expect(watchTls(app, { ...needed, key: '/nowhere/key' })).rejects.toThrow(
      `watchTls: key (/nowhere/key) can't be read: ENOENT`,
    );
    await expect(watchTls(app, paths)).rejects.toThrow(`crl (${paths.crl}) is broken`);
    await expect(watchTls(app, { ...needed, key: paths.ca })).rejects.toThrow(`key (${paths.ca}) is broken`);
    const error = await watchTls(app, { ...needed, key, ca: [] }).catch(String);
    expect(error).toBe('TypeError: watchTls: key, ca must be the path of a PEM file, not its content');
    await expect(watchTls(app, { ...needed, cert: Buffer.from(cert) as never })).rejects.toThrow(
      'cert must be',
    );
    await expect(watchTls(app, needed)).resolves.toBeDefined();
    await expect(watchTls(app, needed)).rejects.toThrow('watched already');
  });

  it('the watch refuses to lose what the server was made with', async () => {
    const { key, cert } = world.server;
    const texts = { key, cert, ca: world.ca.cert };
    const { paths } = await plainFolder(texts);
    const { crl: _, ...needed } = paths;
    const crl = await world.ca.issueCrl();
    const revoking = await createWatchedApp('express', mutualTls({ ...texts, crl }));
    await expect(watchTls(revoking.app, needed)).rejects.toThrow('made with crl');
    const intermediates = (await world.ca.issueIntermediate()).cert;
    const deep = await createWatchedApp('express', mutualTls({ ...texts, intermediates }));
    await expect(watchTls(deep.app, needed)).rejects.toThrow('made with intermediates');
    const foreign = await plainFolder({
      ...texts,
      crl: (await TestCertificateAuthority.create('Foreign')).cert,
    });
    const withRoot = { ...needed, intermediates: foreign.paths.crl };
    await expect(watchTls(deep.app, withRoot)).rejects.toThrow(
      /intermediates \(.*\) holds a root that is not in ca/,
    );
    const several = await createWatchedApp(
      'express',
      mutualTls({ ...texts, key: [key, key], cert: [cert, cert] }),
    );
    await expect(watchTls(several.app, needed)).rejects.toThrow('several keys');
  });
});

describe('connections of other kinds', () => {
  it('a connection that was upgraded ends at a change of the CAs', async () => {
    const app = await start('express');
    (app.app.getHttpServer() as Server).on('upgrade', (_, socket) => {
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: test\r\n\r\n');
    });
    const client = await app.open(world.client1);
    expect(await client.get('/', { connection: 'upgrade', upgrade: 'test' })).toBe(101);
    await app.folder.replace({ ca: otherCa.cert });
    await eventually(() => client.ended, SECOND);
  });

  it('a request that waits for 100 Continue counts as a request', async () => {
    const app = await start('express');
    const client = await app.open(world.client1);
    const current = client.get('/slow/1');
    await eventually(() => app.begun.length === 1);
    await app.folder.replace({ ca: otherCa.cert });
    await eventually(async () => (await app.attempt(otherClient)) === 200, SECOND);
    const late = client.get('/slow/2', { expect: '100-continue' });
    expect(await app.attempt(otherClient)).toBe(200);
    app.release();
    expect([await current, await late, app.begun]).toEqual([200, 'refused', ['1']]);
  });

  it("the other addresses of Fastify's localhost reload too", async () => {
    const [four, six] = [
      { address: '127.0.0.1', family: 4 },
      { address: '::1', family: 6 },
    ];
    const lookup = vi.spyOn(dns, 'lookup').mockImplementation((host: string, ...rest: readonly unknown[]) => {
      const callback = rest.at(-1) as (...result: readonly unknown[]) => void;
      const all = (rest[0] as { readonly all?: boolean }).all === true;
      const found = host === 'localhost' ? [four, six] : [host === '::1' ? six : four];
      process.nextTick(() =>
        all ? callback(null, found) : callback(null, ...Object.values(found[0] ?? {})),
      );
    });
    whenOver(async () => lookup.mockRestore());
    const app = await start('fastify', { host: 'localhost' });
    const host = '::1';
    expect(await app.attempt(world.client1, { host })).toBe(200);
    await app.folder.replace({ key: renewed.key, cert: renewed.cert });
    await eventually(
      async () => presented(await app.open(world.client1, { host })) === fingerprint(renewed),
      SECOND,
    );
    const old = await app.open(world.client1, { host });
    await app.folder.replace({ ca: otherCa.cert });
    await eventually(async () => (await app.attempt(otherClient, { host })) === 200, SECOND);
    expect(await app.attempt(world.client1, { host })).toBe('refused');
    await eventually(() => old.ended, SECOND);
  });
});

describe('replicas with the same ticketKeys', () => {
  it.each(VERSIONS)(
    'replicas resume the sessions of each other while their CAs are the same: %s',
    async (version) => {
      const versions = { minVersion: version, maxVersion: version };
      const tls = { ticketKeys: randomBytes(48) };
      const [first, second] = [await start('express', { tls }), await start('fastify', { tls })];
      const resumes = async (from: Watched, to: Watched, client: TestCertificate): Promise<boolean> => {
        const original = await from.open(client, versions);
        expect(await original.get('/fast')).toBe(200);
        const resumed = await to.open(client, { ...versions, session: original.session });
        expect(await resumed.get('/fast')).toBe(200);
        return resumed.socket.isSessionReused();
      };
      expect(await resumes(first, second, world.client1)).toBe(true);

      const ca = both(world.ca, otherCa);
      await first.folder.replace({ ca });
      await eventually(async () => (await first.attempt(otherClient)) === 200, SECOND);
      expect(await resumes(first, second, world.client1)).toBe(false);
      await second.folder.replace({ ca });
      await eventually(async () => (await second.attempt(otherClient)) === 200, SECOND);
      expect(await resumes(first, second, otherClient)).toBe(true);
    },
  );
});

describe('how a watch ends', () => {
  const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;

  it.each(KINDS)('the watch ends with the app: %s', async (kind) => {
    const app = await start(kind);
    expect(await app.attempt(world.client1)).toBe(200);
    await app.app.close();
    await app.folder.replace({ key: 'broken' });
    await always(() => said(app).length === 0, TWO_LOOKS);
  });

  it.each(['express', 'fastify'] as const)(
    'the watch ends with an app that never listened: %s',
    async (kind) => {
      const texts = { key: world.server.key, cert: world.server.cert, ca: world.ca.cert };
      const folder = await plainFolder(texts);
      const { app, logger } = await createWatchedApp(kind, mutualTls(texts));
      const { crl: _, ...paths } = folder.paths;
      await watchTls(app, paths);
      await app.init();
      await app.close();
      await folder.replace({ key: 'broken' });
      await always(() => said({ logger }).length === 0, TWO_LOOKS);
    },
  );

  it('the watch ends by close(), after which the app can be watched again', async () => {
    const app = await start('express');
    app.watch.close();
    await app.folder.replace({ ca: otherCa.cert });
    await always(async () => (await app.attempt(world.client1)) === 200, TWO_LOOKS);
    const { crl: _, ...paths } = app.folder.paths;
    await watchTls(app.app, paths);
    expect(await app.attempt(otherClient)).toBe(200);
    expect(await app.attempt(world.client1)).toBe('refused');
  });

  it('the watch does not keep the process from exiting, because its timer holds nothing', async () => {
    const before = timers();
    await start('express');
    expect(timers()).toBe(before);
  });
});
