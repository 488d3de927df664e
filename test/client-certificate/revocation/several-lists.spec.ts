import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as x509 from '@peculiar/x509';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { CertificationAuthorities } from '../../../lib/client-certificate/chain/certification-authorities.js';
import type { AskedCertificate } from '../../../lib/client-certificate/revocation/asked-certificate.js';
import { CertificateRevocations } from '../../../lib/client-certificate/revocation/certificate-revocations.js';
import { ListServer } from '../../support/pki/list-server.js';
import { extension, integer, sequence, tlv } from '../../support/pki/der-writer.js';
import {
  entryOf,
  issueList,
  issuingDistributionPoint,
  type ListSays,
  pemOf,
  subjectOf,
} from '../../support/pki/revocation-lists.js';
import { DAY, issue, type Party, type Says, signerOf } from '../chain/parties.js';

const SIGNS_ALL = x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign;
const SIGNS_LISTS = x509.KeyUsageFlags.cRLSign;

let root: Party;
let party: Party;
let client: Party;
let folder: string;
let opened: CertificateRevocations | undefined;
beforeAll(async () => {
  root = await issue('root', { ca: true, keyUsage: SIGNS_ALL });
  party = await issue('ca', { ca: true, keyUsage: SIGNS_ALL, issuer: root });
  client = await issue('client', { issuer: party });
});
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lists-'));
});
afterEach(async () => {
  await opened?.close();
  rmSync(folder, { recursive: true });
});

/** What these lists, in a file, say of a client of the CA. @param others CAs and keys for lists that are configured too */
async function ask(
  lists: readonly Buffer[],
  of: Party = client,
  others: readonly Party[] = [],
  hosts: readonly string[] = [],
): Promise<string> {
  const between = [party, ...others].map(({ certificate }) => certificate);
  const authorities = new CertificationAuthorities([root.certificate], between);
  const { listSigners = () => [] } = authorities.verdictOf([
    of.certificate,
    party.certificate,
    root.certificate,
  ]);
  return askOf(lists, { certificate: of.certificate, ca: party.certificate, listSigners }, hosts);
}

async function askOf(
  lists: readonly Buffer[],
  asked: Omit<AskedCertificate, 'now'>,
  hosts: readonly string[] = [],
): Promise<string> {
  const file = join(folder, 'all.crl');
  writeFileSync(file, lists.map(pemOf).join(''));
  const crl = {
    files: lists.length === 0 ? [] : file,
    hosts,
    privateNetworks: [],
    timeout: 2_000,
    maxSize: 100_000,
  };
  opened = new CertificateRevocations({ mode: 'strict', crl, ocsp: undefined });
  await opened.start();
  const status = await opened.statusOf({ ...asked, now: Date.now() });
  await opened.close();
  return status.kind === 'good' ? 'good' : `${status.kind}: ${status.detail}`;
}

const list = (says: ListSays = {}, by: Party = party): Buffer => issueList(signerOf(by), says);
const numbered = (number: string): Buffer => extension('2.5.29.20', integer(number));
const aboutNumber = (number: string): Buffer => extension('2.5.29.27', integer(number), true);
const removed = ({ certificate }: Party): Buffer =>
  entryOf(certificate.serialNumber, extension('2.5.29.21', tlv(0x0a, Buffer.from([8]))));

function base(number: string, says: ListSays = {}): Buffer {
  return list({ ...says, extensions: [numbered(number), ...(says.extensions ?? [])] });
}

function delta(number: string, about: string, says: ListSays = {}): Buffer {
  return base(number, { ...says, extensions: [aboutNumber(about), ...(says.extensions ?? [])] });
}

describe('RFC5280-5.2.4: a list with its delta', () => {
  const revoked = (): readonly string[] => [client.certificate.serialNumber];
  const late = Date.now() - DAY / 2;

  test('Who is on the delta is revoked, and counts without the delta, where the list names one that nobody has given', async () => {
    const freshest = extension(
      '2.5.29.46',
      sequence(sequence(tlv(0xa0, tlv(0xa0, tlv(0x86, Buffer.from('ldap:///')))))),
    );
    const whole = base('05', { extensions: [freshest] });
    expect(await ask([whole])).toBe('good');
    expect(await ask([base('05'), delta('06', '05', { revoked: revoked() })])).toMatch(/^revoked/);
    expect(await ask([delta('06', '05', { revoked: revoked() }), base('05')])).toMatch(/^revoked/);
  });

  test('Who the delta takes from the list is good, as long as the delta is in its time', async () => {
    const whole = base('05', { revoked: revoked() });
    expect(await ask([whole, delta('06', '05', { revoked: [removed(client)] })])).toBe('good');
    expect(await ask([whole, delta('06', '05', { revoked: [removed(client)], nextUpdate: late })])).toMatch(
      /^revoked/,
    );
    expect(await ask([base('05'), delta('06', '05', { revoked: revoked(), nextUpdate: late })])).toMatch(
      /^revoked/,
    );
  });

  test('The newest of several deltas counts', async () => {
    const [first, second] = [
      delta('06', '05', { revoked: revoked() }),
      delta('0100', '05', { revoked: [removed(client)] }),
    ];
    expect(await ask([base('05'), first, second])).toBe('good');
    expect(await ask([base('05'), second, first])).toBe('good');
    const again = delta('0101', '05', { revoked: revoked() });
    expect(await ask([base('05'), again, second, first])).toMatch(/^revoked/);
  });

  test('Who is on a delta of a later list than the one that is there is revoked, and whom it takes off stays so', async () => {
    const others = delta('06', '05');
    const ofLater = delta('08', '07', { revoked: revoked() });
    for (const lists of [
      [base('05'), ofLater],
      [base('05'), others, ofLater, delta('09', '07')],
    ])
      expect(await ask(lists)).toMatch(/^revoked/);
    const taken = delta('08', '07', { revoked: [removed(client)] });
    expect(await ask([base('05'), delta('06', '05', { revoked: revoked() }), taken])).toMatch(/^revoked/);
    expect(await ask([base('05'), taken])).toBe('good');
    expect(await ask([base('09'), ofLater])).toBe('good');
    expect(await ask([base('08'), ofLater])).toBe('good');
  });

  test('A delta of a later list, of an older one, of other certificates or another signer changes nothing', async () => {
    const whole = base('05', { revoked: revoked() });
    const impostor = await issue('ca', { ca: true, keyUsage: SIGNS_ALL, issuer: root });
    const take = [removed(client)];
    const wrong = [
      delta('07', '06', { revoked: take }),
      delta('05', '04', { revoked: take }),
      delta('06', '05', { revoked: take, extensions: [issuingDistributionPoint({ flags: [1] })] }),
      issueList(signerOf(impostor), {
        revoked: take,
        issuer: party.certificate,
        extensions: [numbered('06'), aboutNumber('05')],
      }),
    ];
    for (const each of wrong) expect(await ask([whole, each])).toMatch(/^revoked/);
    expect(await ask([delta('06', '05')])).toMatch(/^unknown/);
    expect(await ask([list({ revoked: revoked() }), delta('06', '05', { revoked: take })])).toMatch(
      /^revoked/,
    );
  });
});

describe('RFC5280-6.3.3: lists that speak of a part', () => {
  const reasons = (bits: string): Buffer =>
    issuingDistributionPoint({ rest: [tlv(0x83, Buffer.from(bits, 'hex'))] });
  const some = (bits: string, says: ListSays = {}): Buffer => list({ ...says, extensions: [reasons(bits)] });

  test('Lists of some reasons say that a certificate is good only where together they are of all', async () => {
    expect(await ask([some('0560')])).toMatch(/^unknown: only lists of some reasons are known/);
    expect(await ask([some('0560'), some('071f80')])).toBe('good');
    const revoked = [client.certificate.serialNumber];
    expect(await ask([some('0560'), some('071f80', { revoked })])).toMatch(/^revoked/);
    expect(await ask([some('0560'), some('071f80', { nextUpdate: Date.now() - DAY / 2 })])).toMatch(
      /^unavailable/,
    );
  });

  test('A distribution point of a certificate that is of some reasons bounds what its list says', async () => {
    const [first, second] = ['http://a.example/1', 'http://a.example/2'];
    const pointOf = (uri: string, bits: string): Buffer =>
      sequence(tlv(0xa0, tlv(0xa0, tlv(0x86, Buffer.from(uri)))), tlv(0x81, Buffer.from(bits, 'hex')));
    const points = sequence(pointOf(first, '0560'), pointOf(second, '071f80'));
    const here = await clientWith(new x509.Extension('2.5.29.31', false, points));
    const at = (uri: string): Buffer => list({ extensions: [issuingDistributionPoint({ uris: [uri] })] });
    expect(await ask([at(first)], here)).toMatch(/^unknown/);
    expect(await ask([at(first), at(second)], here)).toBe('good');
  });

  test('A name relative to the CA is the same as the whole name', async () => {
    const rdn = subjectPart('crl');
    const relative = sequence(sequence(tlv(0xa0, tlv(0xa1, rdn))));
    const here = await clientWith(new x509.Extension('2.5.29.31', false, relative));
    const listAt = (name: Buffer): Buffer =>
      list({ extensions: [issuingDistributionPoint({ rest: [tlv(0xa0, name)] })] });
    const whole = sequence(tlv(0x31, subjectPart('ca')), tlv(0x31, rdn));
    expect(await ask([listAt(tlv(0xa0, tlv(0xa4, whole)))], here)).toBe('good');
    expect(await ask([listAt(tlv(0xa1, rdn))], here)).toBe('good');
    expect(await ask([listAt(tlv(0xa1, subjectPart('other')))], here)).toMatch(/^unknown/);
  });
});

describe('RFC5280-5.3.3: an indirect list', () => {
  test('It speaks of the certificates that name its CA for it, each entry of the CA that it or one before names', async () => {
    const service = await issue('service', { ca: true, keyUsage: SIGNS_ALL, issuer: root });
    const standing = issueList(signerOf(root));
    const points = sequence(sequence(tlv(0xa2, tlv(0xa4, subjectOf(service.certificate)))));
    const here = await clientWith(new x509.Extension('2.5.29.31', false, points));
    const number = here.certificate.serialNumber;
    const of = ({ certificate }: Party): Buffer =>
      extension('2.5.29.29', sequence(tlv(0xa4, subjectOf(certificate))), true);
    const indirect = (...revoked: readonly (string | Buffer)[]): Buffer =>
      list({ revoked, extensions: [issuingDistributionPoint({ flags: [4] })] }, service);
    expect(await ask([standing, indirect(number)], here, [service])).toBe('good');
    expect(await ask([standing, indirect(entryOf(number, of(party)))], here, [service])).toMatch(/^revoked/);
    expect(await ask([standing, indirect(entryOf('2a', of(party)), number)], here, [service])).toMatch(
      /^revoked/,
    );
    const back = indirect(entryOf('2a', of(party)), entryOf(number, of(service)));
    expect(await ask([standing, back], here, [service])).toBe('good');
    // Not of a certificate that does not say so, not by a list that is not indirect, and not by a CA that is not known here.
    expect(await ask([standing, indirect()], client, [service])).toMatch(/^unknown/);
    expect(await ask([standing, list({}, service)], here, [service])).toMatch(/^unknown/);
    expect(await ask([standing, indirect()], here)).toMatch(/^unavailable: .*it is of another CA/);
    const killed = issueList(signerOf(root), { revoked: [service.certificate.serialNumber] });
    expect(await ask([killed, indirect()], here, [service])).toMatch(
      /^unavailable: .*whether its signer counts: CN=service is revoked/,
    );
  });
});

describe('RFC5280-5.3.3: the CA of an entry of an indirect list', () => {
  const uri = tlv(0x86, Buffer.from('http://ca.example'));
  const nameOf = ({ certificate }: Party): Buffer => tlv(0xa4, subjectOf(certificate));
  const of = (...names: readonly Buffer[]): Buffer => extension('2.5.29.29', sequence(...names), true);
  let service: Party;
  let here: Party;
  beforeAll(async () => {
    service = await issue('service', { ca: true, keyUsage: SIGNS_ALL, issuer: root });
    const points = sequence(sequence(tlv(0xa2, nameOf(service))));
    here = await clientWith(new x509.Extension('2.5.29.31', false, points));
  });

  async function askFor(...revoked: readonly (string | Buffer)[]): Promise<string> {
    const extensions = [issuingDistributionPoint({ flags: [4] })];
    return ask([issueList(signerOf(root)), list({ revoked, extensions }, service)], here, [service]);
  }

  test('It is found by its directory name, whatever other names stand before or behind it', async () => {
    const { serialNumber } = here.certificate;
    for (const names of [
      [uri, nameOf(party)],
      [nameOf(party), uri],
      [nameOf(root), uri, nameOf(party)],
    ])
      expect(await askFor(entryOf(serialNumber, of(...names)))).toMatch(/^revoked/);
    expect(await askFor(entryOf('2a', of(uri, nameOf(party))), serialNumber)).toMatch(/^revoked/);
    expect(await askFor(entryOf(serialNumber, of(uri, nameOf(root))))).toBe('good');
  });

  test('It is found in each part of a list that names it, and beside the CA of the list itself', async () => {
    const { serialNumber } = here.certificate;
    const [first, last] = [entryOf('2a', of(nameOf(party))), of(nameOf(root), nameOf(party))];
    expect(await askFor(first, entryOf(serialNumber, last))).toMatch(/^revoked/);
    expect(await askFor(entryOf(serialNumber, last), first, '2b')).toMatch(/^revoked/);
    expect(await askFor(entryOf(serialNumber, of(nameOf(service), nameOf(party))))).toMatch(/^revoked/);
  });

  test('A list with an entry of a CA without a directory name is refused', async () => {
    for (const names of [[uri], []])
      await expect(askFor(entryOf('2a', of(...names)))).rejects.toThrow(
        'an entry names another CA by no directory name',
      );
    await expect(askFor(entryOf('2a', of(tlv(0xa4))))).rejects.toThrow('it is no name');
  });
});

describe('RFC5280-6.3.3 (f): a list that another key of the CA has signed', () => {
  const forLists = async (says: Says = {}): Promise<Party> =>
    issue('ca', { keyUsage: SIGNS_LISTS, issuer: root, ...says });

  test('It counts where that key leads to the same root, and no list says that it is revoked', async () => {
    const signer = await forLists();
    const standing = issueList(signerOf(root));
    expect(await ask([standing, list({}, signer)], client, [signer])).toBe('good');
    const revoked = [client.certificate.serialNumber];
    expect(await ask([standing, list({ revoked }, signer)], client, [signer])).toMatch(/^revoked/);
    const killed = issueList(signerOf(root), { revoked: [signer.certificate.serialNumber] });
    expect(await ask([killed, list({}, signer)], client, [signer])).toMatch(
      /^unavailable: .*CN=ca is revoked/,
    );
    expect(await ask([list({}, signer)], client, [signer])).toMatch(
      /^unavailable: .*whether its signer counts: no list is known/,
    );
  });

  test('It does not count by a key that is not configured, has expired, has no such use, or leads elsewhere', async () => {
    const standing = issueList(signerOf(root));
    const other = await issue('root', { ca: true, keyUsage: SIGNS_ALL });
    const [late, mute, foreign] = [
      await forLists({ notAfter: -1_000 }),
      await forLists({ keyUsage: x509.KeyUsageFlags.digitalSignature }),
      await forLists({ issuer: other }),
    ];
    const unknown = /^unavailable: .*it is signed by another key of its CA|its signature is not of this key/;
    const stranger = await forLists();
    expect(await ask([standing, list({}, stranger)])).toMatch(unknown);
    for (const signer of [late, mute, foreign])
      expect(await ask([standing, list({}, signer)], client, [signer])).toMatch(unknown);
  });

  test('Nobody vouches for himself: a key whose own standing only its own list tells does not count', async () => {
    const signer = await forLists({ issuer: party });
    expect(await ask([list({}, signer)], client, [signer])).toMatch(
      /^unavailable: .*whether its signer counts/,
    );
    expect(await ask([list({}, signer), list()], client, [signer])).toBe('good');
  });

  test('It counts at a distribution point too', async () => {
    const server = await ListServer.start();
    const signer = await forLists();
    const here = await clientWith(new x509.CRLDistributionPointsExtension([server.url('/ca.crl')]));
    server.answers.set('/ca.crl', list({}, signer));
    const standing = issueList(signerOf(root));
    expect(await ask([standing], here, [signer], [server.host])).toBe('good');
    expect(await ask([standing], here, [], [server.host])).toMatch(/^unavailable/);
    await server.stop();
  });
});

describe('RFC5280-6.3.3 (f): a CA with a list for each of its keys, as AD CS keeps them', () => {
  const OTHER = /^unavailable: .*it is of another key of its CA, which may keep a list for each/;
  const named = (): readonly string[] => [client.certificate.serialNumber];
  const ofVersion = extension('1.3.6.1.4.1.311.21.1', integer('010001'));
  let standing: Buffer;
  let other: Party;
  beforeAll(async () => {
    standing = issueList(signerOf(root));
    other = await issue('ca', { ca: true, keyUsage: SIGNS_ALL, issuer: root });
  });

  test('The list of another key proves nobody good, whatever has become of the list of the right one', async () => {
    expect(await ask([standing, list({}, other)], client, [other])).toMatch(OTHER);
    const late = list({ nextUpdate: Date.now() - DAY / 2 });
    expect(await ask([standing, list({}, other), late], client, [other])).toMatch(OTHER);
    expect(await ask([standing, list({}, other), list()], client, [other])).toBe('good');
  });

  test('Who is on the list of any key is revoked', async () => {
    expect(await ask([standing, list({ revoked: named() }, other)], client, [other])).toMatch(/^revoked/);
    const both = [standing, list({}, other), list({ revoked: named() })];
    expect(await ask(both, client, [other])).toMatch(/^revoked/);
  });

  test('The list of another key that is fetched in place of the right one is refused', async () => {
    const server = await ListServer.start();
    const here = await clientWith(new x509.CRLDistributionPointsExtension([server.url('/ca.crl')]));
    server.answers.set('/ca.crl', list({}, other));
    expect(await ask([standing], here, [other], [server.host])).toMatch(OTHER);
    await server.stop();
  });

  test('RFC4210-4.4: a certificate by which one key vouches for the other makes the list one of both', async () => {
    const { keys } = other;
    const newWithOld = await issue('ca', { ca: true, keyUsage: SIGNS_ALL, issuer: party, keys });
    const oldWithNew = await issue('ca', { ca: true, keyUsage: SIGNS_ALL, issuer: other, keys: party.keys });
    for (const link of [newWithOld, oldWithNew]) {
      for (const others of [
        [other, link],
        [link, other],
      ])
        expect(await ask([standing, list({}, other)], client, others)).toBe('good');
    }
    const foreign = await issue('ca', { ca: true, keyUsage: SIGNS_ALL, issuer: root });
    expect(await ask([standing, list({}, foreign)], client, [newWithOld, other, foreign])).toMatch(OTHER);
  });

  test('A key with several certificates does not count where one of them is revoked', async () => {
    const first = await issue('ca', { keyUsage: SIGNS_LISTS, issuer: root });
    const twin = await issue('ca', { keyUsage: SIGNS_LISTS, issuer: root, keys: first.keys });
    const killed = issueList(signerOf(root), { revoked: [twin.certificate.serialNumber] });
    for (const others of [
      [twin, first],
      [first, twin],
    ])
      expect(await ask([killed, list({}, first)], client, others)).toMatch(
        /^unavailable: .*whether its signer counts: CN=ca is revoked/,
      );
  });

  test('A list with the CA version of AD CS is of its own key, also where a link or a key for lists alone has signed it', async () => {
    const { keys } = other;
    const link = await issue('ca', { ca: true, keyUsage: SIGNS_ALL, issuer: party, keys });
    const signer = await issue('ca', { keyUsage: SIGNS_LISTS, issuer: root });
    const extensions = [ofVersion];
    expect(await ask([standing, list({ extensions })])).toBe('good');
    expect(await ask([standing, list({ extensions }, other)], client, [other, link])).toMatch(OTHER);
    expect(await ask([standing, list({ extensions }, signer)], client, [signer])).toMatch(OTHER);
    const listed = list({ extensions, revoked: named() }, other);
    expect(await ask([standing, listed], client, [other, link])).toMatch(/^revoked/);
  });

  test('A CA that only a self-issued certificate in the path joins with the signer is of one line with it', async () => {
    const link = await issue('ca', { ca: true, keyUsage: SIGNS_ALL, issuer: party });
    const here = await issue('client', { issuer: link });
    const authorities = new CertificationAuthorities([root.certificate], [party.certificate]);
    const path = [here, link, party, root].map(({ certificate }) => certificate);
    const [first = here.certificate, ...rest] = path;
    const { listSigners = () => [] } = authorities.verdictOf([first, ...rest]);
    expect(
      await askOf([standing, list()], { certificate: here.certificate, ca: link.certificate, listSigners }),
    ).toBe('good');
  });
});

async function clientWith(...extensions: readonly x509.Extension[]): Promise<Party> {
  return issue('client', { issuer: party, extensions });
}

/** `SEQUENCE { commonName, name }`, which a part of a name holds. */
function subjectPart(name: string): Buffer {
  return sequence(Buffer.from('0603550403', 'hex'), tlv(0x0c, Buffer.from(name)));
}
