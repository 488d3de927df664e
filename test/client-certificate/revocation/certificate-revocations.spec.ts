import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as x509 from '@peculiar/x509';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { CertificationAuthorities } from '../../../lib/client-certificate/chain/certification-authorities.js';
import type { ListSigners } from '../../../lib/client-certificate/chain/certification-path.js';
import { CertificateRevocations } from '../../../lib/client-certificate/revocation/certificate-revocations.js';
import type { CertificateStatus } from '../../../lib/client-certificate/revocation/certificate-status.js';
import type { RevocationListSettings } from '../../../lib/client-certificate/revocation/revocation-settings.js';
import { eventually } from '../../support/eventually.js';
import { extension, integer, sequence, tlv } from '../../support/pki/der-writer.js';
import { ListServer } from '../../support/pki/list-server.js';
import {
  issueList,
  issuingDistributionPoint,
  type ListSays,
  pemOf,
  type Signer,
} from '../../support/pki/revocation-lists.js';
import { DAY, issue, type Party, signerOf } from '../chain/parties.js';

const SIGNS_ALL = x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign;

/** Of certificates of CAs alone. */
const ofNobody = issuingDistributionPoint({ flags: [2] });

let party: Party;
let ca: Signer;
let impostor: Signer;
let client: Party;
let folder: string;
let file: string;
let server: ListServer;
let opened: CertificateRevocations[];

beforeAll(async () => {
  party = await issue('ca', { ca: true, keyUsage: SIGNS_ALL });
  ca = signerOf(party);
  impostor = signerOf(await issue('ca', { ca: true, keyUsage: SIGNS_ALL }));
  client = await issue('client', { issuer: party });
  server = await ListServer.start();
});
afterAll(async () => server.stop());
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lists-'));
  file = join(folder, 'ca.crl');
  opened = [];
  server.answers.clear();
  server.asked.length = 0;
});
afterEach(async () => {
  await Promise.all(opened.map(async (each) => each.close()));
  rmSync(folder, { recursive: true });
});

async function open(crl: Partial<RevocationListSettings>): Promise<CertificateRevocations> {
  const all = { files: [], hosts: [], privateNetworks: [], timeout: 2_000, maxSize: 100_000, ...crl };
  const revocations = new CertificateRevocations({ mode: 'strict', crl: all, ocsp: undefined });
  opened.push(revocations);
  await revocations.start();
  return revocations;
}

/** What is said of a certificate: `good`, or another kind with why. */
async function ask(
  revocations: CertificateRevocations,
  { certificate }: Party = client,
  now = Date.now(),
): Promise<string> {
  const status: CertificateStatus = await revocations.statusOf({
    certificate,
    ca: party.certificate,
    listSigners: () => [],
    now,
  });
  return status.kind === 'good' ? 'good' : `${status.kind}: ${status.detail}`;
}

describe('revocation lists in files', () => {
  test('Who is on the list of a file is revoked, others are good, in DER and in PEM', async () => {
    const revoked = [client.certificate.serialNumber];
    for (const write of [(der: Buffer) => der, pemOf]) {
      writeFileSync(file, write(issueList(ca)));
      expect(await ask(await open({ files: file }))).toBe('good');
      writeFileSync(file, write(issueList(ca, { revoked })));
      expect(await ask(await open({ files: [file] }))).toBe(`revoked: CN=client is revoked by ${file}`);
    }
  });

  test('A list that is out of date, not yet valid, endless, or not signed by the CA is no answer', async () => {
    const cases = [
      [issueList(ca, { nextUpdate: Date.now() - DAY / 2 }), /^unavailable: .*out of date/],
      [issueList(ca, { thisUpdate: Date.now() + DAY }), /^unavailable: .*not valid yet/],
      [issueList(ca, { nextUpdate: undefined }), /^unavailable: .*does not say until when/],
      [issueList(impostor, { issuer: ca.certificate }), /^unavailable: .*signature is not of this key/],
    ] as const;
    for (const [list, why] of cases) {
      writeFileSync(file, list);
      expect(await ask(await open({ files: file }))).toMatch(why);
    }
  });

  test('Who is on a list stays revoked after it is out of date, and by no list of an impostor', async () => {
    const revoked = [client.certificate.serialNumber];
    writeFileSync(file, issueList(ca, { revoked, nextUpdate: Date.now() - DAY / 2 }));
    expect(await ask(await open({ files: file }))).toMatch(/^revoked/);
    writeFileSync(file, issueList(impostor, { revoked, issuer: ca.certificate }));
    expect(await ask(await open({ files: file }))).toMatch(/^unavailable/);
  });

  test('A list of another CA, and one of CAs only, says nothing of a client', async () => {
    writeFileSync(file, issueList(signerOf(await issue('other', { ca: true, keyUsage: SIGNS_ALL }))));
    expect(await ask(await open({ files: file }))).toMatch(
      /^unknown: no list is known of the CA of CN=client/,
    );
    writeFileSync(file, issueList(ca, { extensions: [issuingDistributionPoint({ flags: [2] })] }));
    expect(await ask(await open({ files: file }))).toMatch(/^unknown/);
  });

  test('A file that changes counts without a restart, and a broken one leaves in force what was there', async () => {
    writeFileSync(file, issueList(ca));
    const revocations = await open({ files: file });
    const { version } = revocations;
    expect(await ask(revocations)).toBe('good');
    writeFileSync(file, 'broken');
    await eventually(() => revocations.health(Date.now())[0]?.failures !== 0);
    expect([await ask(revocations), revocations.version]).toEqual(['good', version]);
    writeFileSync(file, pemOf(issueList(ca, { revoked: [client.certificate.serialNumber] })));
    await eventually(() => revocations.version !== version);
    expect(await ask(revocations)).toMatch(/^revoked/);
    rmSync(file);
    await eventually(() => /ENOENT/.test(revocations.health(Date.now())[0]?.lastFailure ?? ''));
    expect(await ask(revocations)).toMatch(/^revoked/);
  });

  test('An older list than the one in force is refused, each of its own kind, and the old ones stay', async () => {
    const start = Date.now();
    const keyId = extension('2.5.29.35', sequence(tlv(0x80, Buffer.from('c0ffee', 'hex'))));
    const revoked = [client.certificate.serialNumber];
    const write = (...lists: readonly Buffer[]): void => writeFileSync(file, lists.map(pemOf).join(''));
    const at = (ago: number, says: ListSays = {}): Buffer =>
      issueList(ca, { thisUpdate: start - ago, ...says });
    write(at(10_000, { revoked }), at(5_000, { extensions: [keyId] }), at(-DAY, { extensions: [ofNobody] }));
    const revocations = await open({ files: file });
    const { version } = revocations;
    write(at(20_000), at(1_000, { extensions: [keyId] }));
    await eventually(() => revocations.health(start)[0]?.failures !== 0);
    expect(revocations.health(start)[0]?.lastFailure).toMatch(
      /^it has an older list than the one in force, of /,
    );
    expect([await ask(revocations), revocations.version]).toEqual([
      `revoked: CN=client is revoked by ${file}`,
      version,
    ]);
    // Of two lists of a kind the newer one counts, another kind is not compared, and one of tomorrow is not in force.
    write(at(20_000), at(10_000), at(30_000, { extensions: [ofNobody] }));
    await eventually(() => revocations.version !== version);
    expect(await ask(revocations)).toBe('good');
  });

  test('A file that is missing, empty or holds something else stops the boot, and is named', async () => {
    await expect(open({ files: file })).rejects.toThrow(`${file} can't be used: ENOENT`);
    writeFileSync(file, '');
    await expect(open({ files: file })).rejects.toThrow('no revocation list is in it');
    writeFileSync(file, pemOf(issueList(ca)).slice(0, -40));
    await expect(open({ files: file })).rejects.toThrow('a revocation list is cut off');
    writeFileSync(file, issueList(ca, { extensions: [issuingDistributionPoint({ flags: [5] })] }));
    await expect(open({ files: file })).rejects.toThrow('it is of attribute certificates only');
  });

  test('The health of a file tells its age, its next update and what went wrong', async () => {
    const nextUpdate = Math.floor(Date.now() / 1_000) * 1_000 + DAY;
    const thisUpdate = nextUpdate - 2 * DAY;
    writeFileSync(file, issueList(ca, { thisUpdate, nextUpdate }));
    const revocations = await open({ files: file });
    const times = { thisUpdate: thisUpdate / 1_000, nextUpdate: nextUpdate / 1_000 };
    const health = { source: file, kind: 'crl-file', ...times, failures: 0 };
    expect(revocations.health(Date.now())).toEqual([
      { ...health, state: 'fresh', age: 0, lastFailure: undefined },
    ]);
    expect(revocations.health(nextUpdate + 1)[0]).toMatchObject({ state: 'stale' });
  });
});

describe('revocation lists at distribution points', () => {
  /** A client whose certificate names these URLs. */
  async function clientAt(...urls: readonly string[]): Promise<Party> {
    const extensions = [new x509.CRLDistributionPointsExtension([...urls])];
    return issue('client', { issuer: party, extensions });
  }

  test('The list that a certificate names is fetched once, for all who wait and all who come later', async () => {
    const here = await clientAt(server.url('/ca.crl'));
    const other = await clientAt(server.url('/ca.crl'));
    server.answers.set('/ca.crl', issueList(ca, { revoked: [other.certificate.serialNumber] }));
    const revocations = await open({ hosts: [server.host] });
    const answers = await Promise.all([here, here, other, here].map(async (each) => ask(revocations, each)));
    expect(answers.map((answer) => answer.split(':')[0])).toEqual(['good', 'good', 'revoked', 'good']);
    expect(await ask(revocations, here)).toBe('good');
    expect(server.asked).toEqual(['/ca.crl']);
    expect(revocations.health(Date.now())).toMatchObject([
      { source: server.url('/ca.crl'), kind: 'crl', state: 'fresh', failures: 0 },
    ]);
  });

  test('A host that is not named is never called, nor is what is no plain URL of the web', async () => {
    const revocations = await open({ hosts: ['crl.example.com'] });
    const urls = [
      server.url('/ca.crl'),
      `http://crl.example.com:${server.port}/`,
      `http://crl.example.com@${server.host}/`,
      `http://user:secret@crl.example.com/`,
      'ldap://crl.example.com/cn=ca',
      'file:///etc/passwd',
      'http://crl.example.com /',
    ];
    for (const url of urls) {
      expect(await ask(revocations, await clientAt(url))).toMatch(/^unknown/);
    }
    expect(server.asked).toEqual([]);
  });

  test('A name that stands for a private address is not called, unless its network is named', async () => {
    const host = `localhost:${server.port}`;
    const here = await clientAt(`http://${host}/ca.crl`);
    server.answers.set('/ca.crl', issueList(ca));
    const refused = await ask(await open({ hosts: [host] }), here);
    expect(refused).toMatch(/^unavailable: .*localhost stands for the private address .*privateNetworks/);
    expect(server.asked).toEqual([]);
    const networks = ['127.0.0.0/8', '::1'];
    expect(await ask(await open({ hosts: [host], privateNetworks: networks }), here)).toBe('good');
  });

  test.each([
    ['is not there', undefined, /it answered 404/],
    ['is out of date', () => issueList(ca, { nextUpdate: Date.now() - DAY / 2 }), /out of date/],
    ['is about another CA', () => issueList(impostor), /signature is not of this key/],
    ['is signed by a wrong key', () => issueList(impostor, { issuer: ca.certificate }), /not of this key/],
    ['is cut off', () => issueList(ca).subarray(0, -3), /no revocation list/],
    ['is empty', () => Buffer.alloc(0), /no revocation list is in it/],
    ['is too large', () => Buffer.alloc(200_000, 0x30), /./],
    [
      'is a delta',
      () =>
        issueList(ca, {
          extensions: [extension('2.5.29.20', integer('02')), extension('2.5.29.27', integer('01'), true)],
        }),
      /it is a delta, and no whole list/,
    ],
    ['is two lists', () => Buffer.from(pemOf(issueList(ca)).repeat(2)), /more than one list/],
  ] as const)('A list that %s is an outage, and is not asked for again at once', async (_, list, why) => {
    const here = await clientAt(server.url('/ca.crl'));
    if (list !== undefined) server.answers.set('/ca.crl', list());
    const revocations = await open({ hosts: [server.host] });
    expect(await ask(revocations, here)).toMatch(why);
    expect(await ask(revocations, here)).toMatch(/^unavailable/);
    expect(server.asked).toEqual(['/ca.crl']);
    expect(revocations.health(Date.now())[0]).toMatchObject({ failures: 1 });
  });

  test('A server that redirects, sends without end, or never answers is an outage', async () => {
    server.answers.set('/redirect', (_, response) => {
      response.writeHead(302, { location: server.url('/ca.crl') }).end();
    });
    server.answers.set('/endless', (_, response) => {
      response.writeHead(200);
      // By a timer: written by its own callback, it kept Node 26 from everything else.
      const timer = setInterval(() => response.write(Buffer.alloc(50_000, 0x30)), 1);
      response.on('close', () => clearInterval(timer));
    });
    server.answers.set('/late', () => undefined);
    server.answers.set('/ca.crl', issueList(ca));
    const revocations = await open({ hosts: [server.host], timeout: 300 });
    expect(await ask(revocations, await clientAt(server.url('/redirect')))).toMatch(/it answered 302/);
    expect(await ask(revocations, await clientAt(server.url('/endless')))).toMatch(/^unavailable/);
    expect(await ask(revocations, await clientAt(server.url('/late')))).toMatch(/^unavailable/);
    expect(server.asked).toEqual(['/redirect', '/endless', '/late']);
  });

  test('Where one distribution point says nothing, the next one is asked', async () => {
    server.answers.set('/second', issueList(ca));
    const here = await clientAt(server.url('/first'), server.url('/second'));
    expect(await ask(await open({ hosts: [server.host] }), here)).toBe('good');
    expect(server.asked).toEqual(['/first', '/second']);
  });

  test('A list is fetched again in the background, before it is old, and an older one does not count', async () => {
    const here = await clientAt(server.url('/ca.crl'));
    const now = Date.now();
    server.answers.set('/ca.crl', issueList(ca, { thisUpdate: now - 10_000, nextUpdate: now + 10 * DAY }));
    const revocations = await open({ hosts: [server.host] });
    expect(await ask(revocations, here)).toBe('good');
    const { version } = revocations;

    const revoked = [here.certificate.serialNumber];
    server.answers.set('/ca.crl', issueList(ca, { revoked, thisUpdate: now - 20_000 }));
    expect(await ask(revocations, here, now + 3_700_000)).toBe('good');
    await eventually(() => revocations.health(now)[0]?.lastFailure !== undefined);
    expect(revocations.health(now)[0]?.lastFailure).toBe('it is older than the one that is known');
    expect([await ask(revocations, here), revocations.version]).toEqual(['good', version]);

    server.answers.set('/ca.crl', issueList(ca, { revoked, thisUpdate: now - 5_000 }));
    await eventually(async () => {
      await ask(revocations, here, now + 3_800_000);
      return revocations.version !== version;
    });
    expect(await ask(revocations, here)).toMatch(/^revoked/);
  });

  test('The list of another key does not take the place of the right one, and who may sign is as it was asked last', async () => {
    const root = await issue('root', { ca: true, keyUsage: SIGNS_ALL });
    const own = await issue('ca', { ca: true, keyUsage: SIGNS_ALL, issuer: root });
    const other = await issue('ca', { ca: true, keyUsage: SIGNS_ALL, issuer: root });
    const forLists = await issue('ca', { keyUsage: x509.KeyUsageFlags.cRLSign, issuer: root });
    const extensions = [new x509.CRLDistributionPointsExtension([server.url('/ca.crl')])];
    const { certificate } = await issue('client', { issuer: own, extensions });
    writeFileSync(file, issueList(signerOf(root)));
    const revocations = await open({ files: file, hosts: [server.host] });
    const start = Date.now();
    const askBy = async (now: number, ...between: readonly Party[]): Promise<string> => {
      const authorities = new CertificationAuthorities(
        [root.certificate],
        [own, ...between].map((each) => each.certificate),
      );
      const listSigners: ListSigners = (name, at) => authorities.listSignersOf(name, root.certificate, at);
      return (await revocations.statusOf({ certificate, ca: own.certificate, listSigners, now })).kind;
    };
    const failureOf = (): string | undefined =>
      revocations.health(start).find(({ kind }) => kind === 'crl')?.lastFailure;

    server.answers.set('/ca.crl', issueList(signerOf(own)));
    expect(await askBy(start, other)).toBe('good');
    server.answers.set('/ca.crl', issueList(signerOf(other)));
    expect(await askBy(start + 3_700_000, other)).toBe('good');
    await eventually(() => failureOf() !== undefined);
    expect(failureOf()).toMatch(/^it is of another key of its CA/);
    expect(await askBy(start + 3_700_001, other)).toBe('good');

    const revoked = [certificate.serialNumber];
    server.answers.set('/ca.crl', issueList(signerOf(forLists), { revoked }));
    await eventually(async () => (await askBy(start + 3_800_000, other, forLists)) === 'revoked');
  });

  test('While a list cannot be fetched again the old one serves, until it is out of date', async () => {
    const here = await clientAt(server.url('/ca.crl'));
    const now = Date.now();
    server.answers.set('/ca.crl', issueList(ca, { nextUpdate: now + DAY }));
    const revocations = await open({ hosts: [server.host] });
    expect(await ask(revocations, here)).toBe('good');
    server.answers.clear();
    expect(await ask(revocations, here, now + DAY / 2)).toBe('good');
    await eventually(() => revocations.health(now)[0]?.failures === 1);
    expect(await ask(revocations, here, now + DAY / 2 + 100)).toBe('good');
    expect(await ask(revocations, here, now + 2 * DAY)).toMatch(/^unavailable: .*404/);
  });
});
