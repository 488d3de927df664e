import * as x509 from '@peculiar/x509';
import { beforeAll, describe, expect, test } from 'vitest';
import { fieldsOf } from '../../../lib/client-certificate/chain/certificate-fields.js';
import { isInScope, signerProblem, timeProblem } from '../../../lib/client-certificate/chain/list-problem.js';
import {
  readRevocationList,
  type RevocationList,
} from '../../../lib/client-certificate/chain/revocation-list.js';
import { hasSerialNumber } from '../../../lib/client-certificate/chain/serial-numbers.js';
import { boolean, extension, identifier, integer, sequence, tlv } from '../../support/pki/der-writer.js';
import {
  entriesOf,
  entryOf,
  issueList,
  issuingDistributionPoint,
  type ListSays,
  serialNumberAt,
  serialNumbers,
  type Signer,
} from '../../support/pki/revocation-lists.js';
import { DAY, issue, NOW, type Party, signerOf } from './parties.js';

const SIGNS_ALL = x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign;
const URI = 'http://crl.example/ca.crl';

let party: Party;
let ca: Signer;
beforeAll(async () => {
  party = await issue('ca', { ca: true, keyUsage: SIGNS_ALL });
  ca = signerOf(party);
});

/** The list, or why it is refused. */
function read(der: Buffer): RevocationList | string {
  const reading = readRevocationList(der);
  return reading.kind === 'list' ? reading.list : reading.problem;
}

function readList(says: ListSays): RevocationList {
  const list = read(issueList(ca, says));
  if (typeof list === 'string') throw new Error(list);
  return list;
}

/** A directory name. */
function nameNumber(index: number): Buffer {
  const commonName = sequence(identifier('2.5.4.3'), tlv(0x0c, Buffer.from(`${index}`)));
  return sequence(tlv(0x31, commonName));
}

describe('RFC 5280 §5: a revocation list', () => {
  test('A list is read with its CA, its times, its number, its key and its scope', () => {
    const keyId = extension('2.5.29.35', sequence(tlv(0x80, Buffer.from('c0ffee', 'hex'))));
    const list = readList({
      thisUpdate: 1_700_000_000_000,
      nextUpdate: 1_800_000_000_000,
      extensions: [keyId, extension('2.5.29.20', integer('1f'))],
    });
    expect(list).toMatchObject({
      issuer: fieldsOf(ca.certificate).subject,
      thisUpdate: 1_700_000_000_000,
      nextUpdate: 1_800_000_000_000,
      number: '1f',
      authorityKeyId: 'c0ffee',
      scope: { distributionPoint: undefined, onlyContainsUserCerts: false, onlyContainsCACerts: false },
      revoked: { count: 0 },
    });
    expect(hasSerialNumber(list.revoked, '01')).toBe(false);
  });

  test('A list of version 1, and one without nextUpdate, is read as OpenSSL reads it', () => {
    expect(readList({ version1: true, revoked: ['2a'] })).toMatchObject({ number: undefined });
    expect(readList({ nextUpdate: undefined }).nextUpdate).toBeUndefined();
    expect(readList({ nextUpdate: undefined, revoked: ['2a'] }).revoked.count).toBe(1);
  });

  test('Serial numbers of every length are found, and no other one is', () => {
    const revoked = ['01', '7f', 'ff', '0100', '4'.padEnd(40, '3'), ...serialNumbers(2_000)];
    const { revoked: held } = readList({ revoked });
    expect(held.count).toBe(revoked.length);
    expect(revoked.filter((serial) => !hasSerialNumber(held, serial))).toEqual([]);
    // As a certificate has it: with an octet that says that it is positive.
    expect(hasSerialNumber(held, '00ff')).toBe(true);
    const others = ['02', '00', '', '01ff', '4'.padEnd(40, '2'), ...serialNumbers(4_000).slice(2_000)];
    expect(others.filter((serial) => hasSerialNumber(held, serial))).toEqual([]);
  });

  test('A million serial numbers take 30 MB at most', () => {
    const { revoked } = readList({ revoked: [entriesOf(1_000_000)] });
    expect(revoked.bytes.byteLength + revoked.slots.byteLength).toBeLessThan(30_000_000);
    expect(revoked.count).toBe(1_000_000);
    expect(hasSerialNumber(revoked, serialNumberAt(777_777))).toBe(true);
    expect(hasSerialNumber(revoked, serialNumberAt(1_000_000))).toBe(false);
  });

  test('Reasons and dates of an entry change nothing', () => {
    const reason = extension('2.5.29.21', tlv(0x0a, Buffer.from([1])));
    const unknown = extension('1.2.3.4', Buffer.from('0500', 'hex'));
    expect(readList({ revoked: [entryOf('2a', reason, unknown)] }).revoked.count).toBe(1);
  });

  test.each([
    [
      'is of attribute certificates',
      { extensions: [issuingDistributionPoint({ flags: [5] })] },
      /^it is of attribute certificates only/,
    ],
    [
      'has another kind of name of its distribution point',
      { extensions: [issuingDistributionPoint({ rest: [tlv(0xa0, tlv(0xa2))] })] },
      /^it is no revocation list: a distribution point has another kind of name/,
    ],
    [
      'is a delta without a number',
      { extensions: [extension('2.5.29.27', integer('01'), true)] },
      /^it is a delta without a number/,
    ],
    [
      'is an indirect delta',
      {
        extensions: [
          extension('2.5.29.27', integer('01')),
          extension('2.5.29.20', integer('02')),
          issuingDistributionPoint({ flags: [4] }),
        ],
      },
      /or an indirect one, which is not supported/,
    ],
    [
      'names too many CAs',
      {
        extensions: [issuingDistributionPoint({ flags: [4] })],
        revoked: Array.from({ length: 1_001 }, (_, index) =>
          entryOf('2a', extension('2.5.29.29', sequence(tlv(0xa4, nameNumber(index))), true)),
        ),
      },
      /it names too many CAs/,
    ],
    [
      'has a critical extension that nobody knows',
      { extensions: [extension('1.2.3.4', integer('01'), true)] },
      /^it has a critical extension that is not supported \(2a0304 in hex\)/,
    ],
    [
      'has an extension twice',
      { extensions: [extension('2.5.29.20', integer('01')), extension('2.5.29.20', integer('02'))] },
      /^it has an extension twice/,
    ],
    [
      'has an entry of another CA',
      { revoked: [entryOf('2a', extension('2.5.29.29', sequence(), true))] },
      /^an entry names another CA, and the list does not say that it is indirect/,
    ],
    [
      'has an entry with a critical extension that nobody knows',
      { revoked: [entryOf('2a', extension('1.2.3.4', integer('01'), true))] },
      /^an entry has a critical extension that is not supported/,
    ],
    [
      'takes a certificate off the list',
      { revoked: [entryOf('2a', extension('2.5.29.21', tlv(0x0a, Buffer.from([8]))))] },
      /^an entry is of a delta/,
    ],
    [
      'has an entry with no date',
      { revoked: [sequence(integer('2a'), boolean(true))] },
      /no revocation list/,
    ],
    ['has an endless serial number', { revoked: ['11'.repeat(65)] }, /a serial number is too long/],
    ['has a moment that is none', { thisUpdate: 253_402_300_800_000 }, /no revocation list/],
  ] satisfies readonly (readonly [string, ListSays, RegExp])[])(
    'A list that %s is refused, and the reason is told',
    (_, says, problem) => {
      expect(read(issueList(ca, says))).toMatch(problem);
    },
  );

  test('What is cut off, followed by something, or no list at all is refused', () => {
    const der = issueList(ca, { revoked: ['2a'] });
    expect(read(der.subarray(0, -1))).toMatch(/no revocation list/);
    expect(read(Buffer.concat([der, Buffer.from([5, 0])]))).toMatch(/no revocation list/);
    expect(read(Buffer.alloc(0))).toMatch(/no revocation list/);
    expect(read(ca.certificate.raw)).toMatch(/no revocation list/);
    for (let length = 0; length < der.length; length += 1) {
      expect(read(der.subarray(0, length))).toMatch(/no revocation list/);
    }
  });
});

/** Why a list is not signed by a CA, by default the one that has issued it. */
async function signer(der: Buffer, by: Signer = ca): Promise<string | undefined> {
  const list = read(der);
  return typeof list === 'string' ? list : signerProblem(der, list, by.certificate);
}

describe('RFC 5280 §6.3.3: who has signed a revocation list', () => {
  test('The CA that it names has signed a list, with keys on a curve and with RSA', async () => {
    expect(await signer(issueList(ca))).toBeUndefined();
    const algorithm = {
      name: 'RSASSA-PKCS1-v1_5',
      modulusLength: 2048,
      publicExponent: new Uint8Array([1, 0, 1]),
      hash: 'SHA-256',
    };
    const rsa = signerOf(await issue('rsa', { ca: true, keyUsage: SIGNS_ALL, algorithm }));
    expect(await signer(issueList(rsa), rsa)).toBeUndefined();
  });

  test('A list is not that of another CA, whatever its name, nor one whose bytes were changed', async () => {
    const other = signerOf(await issue('other', { ca: true, keyUsage: SIGNS_ALL }));
    expect(await signer(issueList(ca), other)).toBe('it is of another CA');
    const forged = issueList(other, { issuer: ca.certificate });
    expect(await signer(forged)).toBe('its signature is not of this key');
    const changed = issueList(ca, { revoked: ['2a'] });
    changed[changed.indexOf(Buffer.from('02012a', 'hex')) + 2] = 0x2b;
    expect(await signer(changed)).toBe('its signature is not of this key');
  });

  test('A key that may not sign lists, a weak key, another key of the CA, and two algorithms are refused', async () => {
    const mute = signerOf(await issue('mute', { ca: true }));
    expect(await signer(issueList(mute), mute)).toMatch(/may not sign lists/);
    const keyId = extension('2.5.29.35', sequence(tlv(0x80, Buffer.from('c0ffee', 'hex'))));
    expect(await signer(issueList(ca, { extensions: [keyId] }))).toMatch(/another key of its CA/);
    const innerAlgorithm = sequence(identifier('1.2.840.10045.4.3.3'));
    expect(await signer(issueList(ca, { innerAlgorithm }))).toBe('it names two signature algorithms');
    const algorithm = {
      name: 'RSASSA-PKCS1-v1_5',
      modulusLength: 1024,
      publicExponent: new Uint8Array([1, 0, 1]),
      hash: 'SHA-256',
    };
    const weak = signerOf(await issue('weak', { ca: true, keyUsage: SIGNS_ALL, algorithm }));
    expect(await signer(issueList(weak), weak)).toBe('it is signed by a weak or unusual key');
  });

  test('A weak signature algorithm is refused before it is looked at', async () => {
    const sha1 = sequence(identifier('1.2.840.10045.4.1'));
    const der = issueList(ca, { innerAlgorithm: sha1 });
    const strong = sequence(identifier('1.2.840.10045.4.3.2'));
    const at = der.lastIndexOf(strong);
    // One octet shorter: the lengths around it follow.
    const tbs = der.subarray(der.indexOf(0x30, 1), at);
    const weakened = sequence(tbs, sha1, der.subarray(at + strong.length));
    expect(await signer(weakened)).toBe('its signature is weak or unknown');
  });
});

describe('RFC 5280 §6.3.3 (b): what a revocation list is about', () => {
  const point = (uri: string): x509.Extension => new x509.CRLDistributionPointsExtension([uri]);

  test('A list of users or of CAs only is not about the other ones', async () => {
    const user = await issue('user', { issuer: party });
    const users = readList({ extensions: [issuingDistributionPoint({ flags: [1] })] });
    const cas = readList({ extensions: [issuingDistributionPoint({ flags: [2] })] });
    expect([isInScope(users, user.certificate), isInScope(users, ca.certificate)]).toEqual([true, false]);
    expect([isInScope(cas, user.certificate), isInScope(cas, ca.certificate)]).toEqual([false, true]);
  });

  test('A list of a distribution point is about the certificates that name this point', async () => {
    const list = readList({ extensions: [issuingDistributionPoint({ uris: ['http://a.example', URI] })] });
    const here = await issue('here', { issuer: party, extensions: [point(URI)] });
    const elsewhere = await issue('elsewhere', { issuer: party, extensions: [point('http://b.example')] });
    const nowhere = await issue('nowhere', { issuer: party });
    expect(isInScope(list, here.certificate)).toBe(true);
    expect(isInScope(list, elsewhere.certificate)).toBe(false);
    expect(isInScope(list, nowhere.certificate)).toBe(false);
    expect(isInScope(readList({}), nowhere.certificate)).toBe(true);
  });
});

test('A list says nothing before it is valid, when the next one is overdue, and where it never ends', () => {
  const times = { thisUpdate: NOW - DAY, nextUpdate: NOW + DAY };
  expect(timeProblem(times, NOW, 0)).toBeUndefined();
  expect(timeProblem(times, NOW + 2 * DAY, 1_000)).toMatch(/^it is out of date since /);
  expect(timeProblem(times, NOW + DAY + 500, 1_000)).toBeUndefined();
  expect(timeProblem(times, NOW - 2 * DAY, 1_000)).toBe('it is not valid yet');
  expect(timeProblem(times, NOW - DAY - 500, 1_000)).toBeUndefined();
  expect(timeProblem({ ...times, nextUpdate: undefined }, NOW, 0)).toMatch(/until when/);
});
