import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { Controller, Get } from '@nestjs/common';
import * as x509 from '@peculiar/x509';
import {
  CertBoundAuthModule,
  type ClientCertificateOptions,
  forwardedBy,
  mutualTls,
  type CertificateRevocationOptions,
  UNCHECKED_REVOCATION_CHANNEL,
  watchTls,
} from 'nestjs-cert-bound-auth';
import {
  type TestAuthorizationServer,
  type TestCertificate,
  TestCertificateAuthority,
} from 'nestjs-cert-bound-auth/testing';
import supertest from 'supertest';
import { beforeEach, describe, expect, test } from 'vitest';
import { CLOCK_TOLERANCE_MS } from '../../lib/client-certificate/revocation/clock-tolerance.js';
import { DAY, identityOf, issue, type Party, signerOf } from '../client-certificate/chain/parties.js';
import { eventually } from '../support/eventually.js';
import { issueList, pemOf } from '../support/pki/revocation-lists.js';
import { plainFolder } from '../support/tls-folder.js';
import { PLATFORMS, startApp } from '../support/platforms.js';
import { RecordingLogger } from '../support/recording-logger.js';
import { openClient, type TlsClient } from '../support/tls-client.js';
import { createWatchedApp, type ServerKind, SERVERS, type WatchedApp } from '../support/watched-app.js';
import { createWorld, startAuthorizationServer, whenOver, type World } from '../support/world.js';

const KINDS = Object.keys(SERVERS) as readonly ServerKind[];

let world: World;
let as: TestAuthorizationServer;
let file: string;

beforeEach(async () => {
  world = await createWorld();
  const folder = mkdtempSync(join(tmpdir(), 'revocation-'));
  whenOver(async () => rmSync(folder, { recursive: true }));
  file = join(folder, 'ca.crl');
  writeFileSync(file, await world.ca.issueCrl());
});

/** Puts a list in the place of the one that is there, as a program that fetches it does. */
function publish(list: string): void {
  writeFileSync(`${file}.new`, list);
  renameSync(`${file}.new`, file);
}

function optionsWith(clientCertificate: ClientCertificateOptions) {
  return { ...as.moduleOptions, clientCertificate };
}

async function start(
  kind: ServerKind,
  revocation: Partial<CertificateRevocationOptions> = {},
): Promise<WatchedApp> {
  as = await startAuthorizationServer(world);
  const { key, cert } = world.server;
  const tls = mutualTls({ key, cert, ca: world.ca.cert, clientAuth: 'request' });
  const auth = optionsWith({ from: 'tls', revocation: { crl: { files: file }, ...revocation } });
  const watched = await createWatchedApp(kind, tls, auth);
  await watched.app.listen(0, '127.0.0.1');
  return { ...watched, port: watched.port };
}

/** A connection of a client that stays, and what its requests are answered. */
async function connect(
  kind: ServerKind,
  { port }: WatchedApp,
  certificate: TestCertificate,
): Promise<{ readonly client: TlsClient; readonly get: () => Promise<unknown> }> {
  const { key, cert } = certificate;
  const client = await openClient({ port, http: SERVERS[kind], ca: world.ca.cert, key, cert });
  const token = await as.accessToken({ certificate });
  return { client, get: async () => client.get('/fast', { authorization: `Bearer ${token}` }) };
}

function textOf({ lines }: RecordingLogger): string {
  return lines.map(({ text }) => text).join('\n');
}

describe.each(KINDS)('revoked certificates, on %s', (kind) => {
  test('INV2: a certificate that is revoked during a connection is refused on its next request', async () => {
    const app = await start(kind);
    const [one, two] = [await connect(kind, app, world.client1), await connect(kind, app, world.client2)];
    expect([await one.get(), await two.get(), await one.get()]).toEqual([200, 200, 200]);
    world.ca.revoke(world.client1);
    publish(await world.ca.issueCrl());
    await eventually(async () => (await one.get()) === 401);
    expect([await one.get(), await two.get()]).toEqual([401, 200]);
    expect(one.client.ended).toBe(false);
  });

  test('INV2: lists that change under load never let a revoked certificate pass, nor keep out another', async () => {
    const app = await start(kind);
    const [revoked, good] = [
      await connect(kind, app, world.client1),
      await connect(kind, app, world.client2),
    ];
    expect([await revoked.get(), await good.get()]).toEqual([200, 200]);
    world.ca.revoke(world.client1);
    publish(await world.ca.issueCrl());
    await eventually(async () => (await revoked.get()) === 401);
    const answers = new Set<string>();
    const end = Date.now() + 2_500;
    for (let round = 0; Date.now() < end; round += 1) {
      if (round % 20 === 0) publish(round % 40 === 0 ? 'broken' : await world.ca.issueCrl());
      const [one, two] = await Promise.all([revoked.get(), good.get()]);
      answers.add(`${String(one)} ${String(two)}`);
      await wait(5);
    }
    expect([...answers]).toEqual(['401 200']);
  });
});

/** Milliseconds that new files may take on a busy machine. */
const IN_FORCE = 3_000;

describe.each(PLATFORMS)('CAs and lists that come to their end under load, on %s', (kind) => {
  /** A CA of which one can issue lists that end whenever one likes, with a client. */
  async function caThatEnds(): Promise<{
    readonly ca: Party;
    readonly client: Party;
    readonly cert: string;
  }> {
    const usages = x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign;
    const ca = await issue('CA that ends', { ca: true, keyUsage: usages });
    return { ca, client: await issue('client', { issuer: ca }), cert: ca.certificate.toString() };
  }

  test('INV3: nobody is decided about wrongly while a CA is removed and a list of another one runs out', async () => {
    const removed = await TestCertificateAuthority.create('Removed CA');
    const ending = await caThatEnds();
    const signer = signerOf(ending.ca);
    const others = [await world.ca.issueCrl(), await removed.issueCrl()];
    publish([...others, pemOf(issueList(signer))].join(''));
    as = await startAuthorizationServer(world);
    const cas = (...certs: readonly string[]): string => [world.ca.cert, ending.cert, ...certs].join('\n');
    const texts = { key: world.server.key, cert: world.server.cert, ca: cas(removed.cert) };
    const folder = await plainFolder(texts);
    const { crl: _, ...watched } = folder.paths;
    const auth = optionsWith({ from: 'tls', revocation: { crl: { files: file } } });
    const app = await createWatchedApp(kind, mutualTls({ ...texts, clientAuth: 'request' }), auth);
    await watchTls(app.app, watched);
    await app.app.listen(0, '127.0.0.1');

    const identities = {
      standing: world.client1,
      removed: await removed.issueClientCertificate('removed'),
      ending: identityOf(ending.client),
    };
    const ask = async (name: keyof typeof identities, token: string): Promise<unknown> => {
      const { key: own, cert } = identities[name];
      const client = await openClient({
        port: app.port,
        http: SERVERS[kind],
        ca: world.ca.cert,
        key: own,
        cert,
      });
      const answer = await client.get('/fast', { authorization: `Bearer ${token}` });
      client.socket.destroy();
      return answer;
    };
    const tokens = await Promise.all(
      Object.values(identities).map(async ({ thumbprint }) =>
        as.accessToken({ claims: { cnf: { 'x5t#S256': thumbprint } } }),
      ),
    );
    const seen = { removed: [] as unknown[], ending: [] as unknown[] };
    const endsAt = Math.ceil(Date.now() / 1_000) * 1_000 + 2 * IN_FORCE + 1_000;
    const times = { thisUpdate: Date.now() - DAY / 2, nextUpdate: endsAt - CLOCK_TOLERANCE_MS };
    publish([...others, pemOf(issueList(signer, times))].join(''));
    let removedAt = Infinity;
    const wrong: string[] = [];
    while (Date.now() < endsAt + 1_500) {
      const sentAt = Date.now();
      if (removedAt === Infinity && sentAt > endsAt - IN_FORCE - 1_000) {
        await folder.replace({ ca: cas() });
        removedAt = Date.now();
      }
      const [standing, gone, late] = await Promise.all([
        ask('standing', tokens[0] ?? ''),
        ask('removed', tokens[1] ?? ''),
        ask('ending', tokens[2] ?? ''),
      ]);
      const answeredAt = Date.now();
      seen.removed.push(gone);
      seen.ending.push(late);
      // Connections of before end when the CAs are others.
      const mayEnd = answeredAt > removedAt && sentAt < removedAt + IN_FORCE;
      if (standing !== 200 && !(mayEnd && standing === 'refused'))
        wrong.push(`${String(standing)} for a good one`);
      if (sentAt > removedAt + IN_FORCE && gone === 200) wrong.push('a client of a CA that was removed');
      if (answeredAt < removedAt && gone !== 200) wrong.push(`${String(gone)} before the CA was removed`);
      if (sentAt > endsAt && late !== 503) wrong.push(`${String(late)} after the end of the list`);
      if (answeredAt < endsAt && late !== 200 && !(mayEnd && late === 'refused'))
        wrong.push(`${String(late)} before the end of the list`);
    }
    expect(wrong).toEqual([]);
    expect([seen.removed[0], seen.removed.at(-1)]).toEqual([200, 401]);
    expect([seen.ending[0], seen.ending.at(-1)]).toEqual([200, 503]);
  });
});

describe.each(PLATFORMS)('what is not known of a certificate, on %s', (platform) => {
  const kind = platform as ServerKind;

  test('INV3: a certificate is refused where there is no list of its CA, and answered with 503 where the list is wrong', async () => {
    const other = await TestCertificateAuthority.create('Other CA');
    const app = await start(kind);
    const { get } = await connect(kind, app, world.client1);
    publish(await other.issueCrl());
    await eventually(async () => (await get()) === 401);
    expect(textOf(app.logger)).toContain('certificate_revocation_unknown');
    const impostor = await TestCertificateAuthority.create();
    publish(await impostor.issueCrl());
    await eventually(async () => (await get()) === 503);
    publish(await world.ca.issueCrl());
    await eventually(async () => (await get()) === 200);
  });

  test('best-effort accepts what cannot be told, and tells of it; what is revoked it refuses', async () => {
    const told: unknown[] = [];
    const listen = (event: unknown): void => void told.push(event);
    subscribe(UNCHECKED_REVOCATION_CHANNEL, listen);
    whenOver(async () => void unsubscribe(UNCHECKED_REVOCATION_CHANNEL, listen));
    const impostor = await TestCertificateAuthority.create();
    publish(await impostor.issueCrl());
    const app = await start(kind, { mode: 'best-effort' });
    const { get } = await connect(kind, app, world.client1);
    expect([await get(), await get()]).toEqual([200, 200]);
    expect(told[0]).toEqual({ thumbprint: world.client1.thumbprint, why: 'unavailable' });
    world.ca.revoke(world.client1);
    publish(await world.ca.issueCrl());
    await eventually(async () => (await get()) === 401);
  });

  test('off looks nothing up', async () => {
    world.ca.revoke(world.client1);
    publish(await world.ca.issueCrl());
    const app = await start(kind, { mode: 'off' });
    expect(await (await connect(kind, app, world.client1)).get()).toBe(200);
  });

  test('A file of lists that is not there stops the boot, and is named', async () => {
    rmSync(file);
    await expect(start(kind)).rejects.toThrow(`${file} can't be used: ENOENT`);
  });
});

@Controller()
class TestController {
  @Get() get(): string {
    return 'here';
  }
}

describe.each(PLATFORMS)('revoked certificates behind a proxy, on %s', (platform) => {
  const startBehind = async (preset: ClientCertificateOptions) => {
    as = await startAuthorizationServer(world);
    const logger = new RecordingLogger();
    const revocation = { crl: { files: file } };
    const auth = CertBoundAuthModule.forRoot(optionsWith({ ...preset, revocation }));
    const module = { module: class App {}, imports: [auth], controllers: [TestController] };
    const app = await startApp(platform, module, undefined, { logger });
    whenOver(async () => app.close());
    const statusOf = async (certificate: TestCertificate, header: string, value: string): Promise<number> => {
      const token = await as.accessToken({ certificate });
      const call = supertest(app.getHttpServer() as never)
        .get('/')
        .auth(token, { type: 'bearer' });
      return (await call.set(header, value)).status;
    };
    return { logger, statusOf };
  };
  const trust = (): { readonly ca: string } => ({ ca: world.ca.cert });

  test('INV2: what nginx passes on counts no more once it is revoked', async () => {
    const header = 'x-client-cert';
    const preset = forwardedBy.nginx({ header, trustedProxies: ['loopback'], trust: trust() });
    const { statusOf } = await startBehind(preset);
    const ask = async (client: TestCertificate): Promise<number> =>
      statusOf(client, header, encodeURIComponent(client.cert));
    expect([await ask(world.client1), await ask(world.client2)]).toEqual([200, 200]);
    world.ca.revoke(world.client1);
    publish(await world.ca.issueCrl());
    await eventually(async () => (await ask(world.client1)) === 401);
    expect(await ask(world.client2)).toBe(200);
  });

  test('INV2: what Envoy passes on counts no more once it, or a CA between, is revoked', async () => {
    const between = await world.ca.issueIntermediate();
    const [one, two] = [
      await between.issueClientCertificate('one'),
      await between.issueClientCertificate('two'),
    ];
    const publishBoth = async (): Promise<void> =>
      publish(`${await world.ca.issueCrl()}${await between.issueCrl()}`);
    await publishBoth();
    const preset = forwardedBy.envoy({ trustedProxies: ['loopback'], trust: trust() });
    const { statusOf, logger } = await startBehind(preset);
    const ask = async ({ cert, ...client }: TestCertificate): Promise<number> => {
      const [leaf, chain] = [cert, `${cert}${between.cert}`].map(encodeURIComponent);
      return statusOf({ cert, ...client }, 'x-forwarded-client-cert', `Cert="${leaf}";Chain="${chain}"`);
    };
    expect([await ask(one), await ask(two)]).toEqual([200, 200]);
    between.revoke(one);
    await publishBoth();
    await eventually(async () => (await ask(one)) === 401);
    expect(await ask(two)).toBe(200);
    world.ca.revoke({ cert: between.cert } as TestCertificate);
    await publishBoth();
    await eventually(async () => (await ask(two)) === 401);
    expect(textOf(logger)).toContain('CN=Test intermediate CA is revoked');
  });
});
