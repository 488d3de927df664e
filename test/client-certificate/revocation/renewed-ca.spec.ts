import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as x509 from '@peculiar/x509';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { CertificateRevocations } from '../../../lib/client-certificate/revocation/certificate-revocations.js';
import { filesProblem } from '../../../lib/client-certificate/revocation/files-without-list.js';
import { HeldList } from '../../../lib/client-certificate/revocation/held-list.js';
import { memoryOf, readLists } from '../../../lib/client-certificate/revocation/read-lists.js';
import type { RevocationSettings } from '../../../lib/client-certificate/revocation/revocation-settings.js';
import { extension, integer } from '../../support/pki/der-writer.js';
import { ListServer } from '../../support/pki/list-server.js';
import {
  issueList,
  issuingDistributionPoint,
  pemOf,
  type Signer,
} from '../../support/pki/revocation-lists.js';
import { DAY, issue, type Party, signerOf } from '../chain/parties.js';

const SIGNS_ALL = x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign;
const SIGNS_CERTIFICATES = x509.KeyUsageFlags.keyCertSign;

let party: Party;
let ca: Signer;
let folder: string;
let file: string;
let opened: CertificateRevocations[];

beforeAll(async () => {
  party = await issue('ca', { ca: true, keyUsage: SIGNS_ALL });
  ca = signerOf(party);
});
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lists-'));
  file = join(folder, 'ca.crl');
  opened = [];
});
afterEach(async () => {
  await Promise.all(opened.map(async (each) => each.close()));
  rmSync(folder, { recursive: true });
});

function settings(crl: Partial<NonNullable<RevocationSettings['crl']>>): RevocationSettings {
  const all = { files: file, hosts: [], privateNetworks: [], timeout: 2_000, maxSize: 100_000, ...crl };
  return { mode: 'strict', crl: all, ocsp: undefined };
}

async function open(
  crl: Partial<NonNullable<RevocationSettings['crl']>> = {},
): Promise<CertificateRevocations> {
  const revocations = new CertificateRevocations(settings(crl));
  opened.push(revocations);
  await revocations.start();
  return revocations;
}

/** A list that only adds to another one. */
function delta(of: Signer, nextUpdate: number): Buffer {
  const indicator = extension('2.5.29.27', integer('01'), true);
  const number = extension('2.5.29.20', integer('02'));
  return issueList(of, { nextUpdate, extensions: [number, indicator] });
}

function base(of: Signer): Buffer {
  return issueList(of, { extensions: [extension('2.5.29.20', integer('01'))] });
}

describe('a CA with several certificates for one key', () => {
  test('its list counts for each of them, whichever comes first, but not for one that may not sign lists', async () => {
    const renewed = await issue('ca', { ca: true, keyUsage: SIGNS_ALL, keys: party.keys });
    const restricted = await issue('ca', { ca: true, keyUsage: SIGNS_CERTIFICATES, keys: party.keys });
    const other = await issue('ca', { ca: true, keyUsage: SIGNS_ALL });
    const der = issueList(ca);
    const reading = readLists(der);
    if (reading.kind === 'refused') throw new Error(reading.problem);
    const [read] = reading.lists;
    if (read === undefined) throw new Error('there is no list');
    const list = new HeldList('ca.crl', read.list, Buffer.from(read.der));
    expect(await list.problemWith(party.certificate)).toBeUndefined();
    expect(await list.problemWith(renewed.certificate)).toBeUndefined();
    expect(await list.problemWith(restricted.certificate)).toMatch(/may not sign lists/);
    expect(await list.problemWith(other.certificate)).toMatch(/another CA of this name/);
  });
});

describe('lists in one file', () => {
  test('a thread hands each part of the memory of several empty lists over once', () => {
    const lists = [1, 2, 3].map(() => issueList(ca));
    const reading = readLists(Buffer.from(lists.map(pemOf).join('')));
    expect(reading).toMatchObject({ kind: 'lists', lists: [{}, {}, {}] });
    // A copy, whose parts are shared in the same way: what is handed over is lost here.
    const copy = structuredClone(reading);
    const memory = memoryOf(copy);
    expect(new Set(memory).size).toBe(memory.length);
    expect(() => structuredClone(copy, { transfer: memory })).not.toThrow();
    expect(memoryOf({ kind: 'refused', problem: 'broken' })).toEqual([]);
  });

  test('at boot an indirect list may speak for any CA, and a delta alone for none', () => {
    const check = (...lists: readonly Buffer[]): string | undefined => {
      writeFileSync(file, lists.map(pemOf).join(''));
      return filesProblem([party.certificate], settings({}));
    };
    expect(check(base(ca))).toBeUndefined();
    expect(check(delta(ca, Date.now() + DAY))).toMatch(/^there is no list of CN=ca/);
    const other = signerOf({ ...party, certificate: party.certificate });
    expect(
      check(issueList(other, { extensions: [issuingDistributionPoint({ flags: [4] })] })),
    ).toBeUndefined();
  });

  test('the state of a file is that of its whole lists, and a list without an end is none that counts', async () => {
    const stateOf = async (...lists: readonly Buffer[]): Promise<string | undefined> => {
      writeFileSync(file, lists.map(pemOf).join(''));
      return (await open()).health(Date.now())[0]?.state;
    };
    const old = delta(ca, Date.now() - DAY / 2);
    expect(await stateOf(base(ca), old)).toBe('fresh');
    expect(await stateOf(old)).toBe('stale');
    expect(await stateOf(base(ca), issueList(ca, { nextUpdate: undefined }))).toBe('stale');
  });
});

test('a list that nobody has needed for a day says nothing of how revocation is doing, until somebody needs it', async () => {
  const server = await ListServer.start();
  const extensions = [new x509.CRLDistributionPointsExtension([server.url('/ca.crl')])];
  const { certificate } = await issue('client', { issuer: party, extensions });
  const revocations = await open({ files: [], hosts: [server.host] });
  server.answers.set('/ca.crl', issueList(ca, { nextUpdate: Date.now() + DAY / 2 }));
  const ask = async (now: number): Promise<string> =>
    (await revocations.statusOf({ certificate, ca: party.certificate, listSigners: () => [], now })).kind;
  const now = Date.now();
  expect(await ask(now)).toBe('good');
  expect(revocations.health(now + DAY / 4)).toMatchObject([{ state: 'fresh' }]);
  expect(revocations.health(now + DAY)).toMatchObject([{ state: 'stale' }]);
  expect(revocations.health(now + DAY + 1)).toEqual([]);
  await ask(now + DAY + 2);
  expect(revocations.health(now + DAY + 2)).toMatchObject([{ state: 'stale' }]);
  await server.stop();
});
