import { KeyObject, type X509Certificate } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import { TestCertificateAuthority } from 'nestjs-cert-bound-auth/testing';
import { beforeAll, describe, expect, test } from 'vitest';
import { fieldsOf } from '../../../lib/client-certificate/chain/certificate-fields.js';
import { constrainedNamesOf } from '../../../lib/client-certificate/chain/constrained-names.js';
import { elementAt } from '../../../lib/client-certificate/chain/der.js';
import { distributionPointsOf } from '../../../lib/client-certificate/chain/distribution-points.js';
import { isInScope, signerProblem } from '../../../lib/client-certificate/chain/list-problem.js';
import { nameConstraintsOf } from '../../../lib/client-certificate/chain/name-constraints.js';
import { policyExtensionsOf } from '../../../lib/client-certificate/chain/policy-extensions.js';
import { readRevocationList } from '../../../lib/client-certificate/chain/revocation-list.js';
import { readIdentity } from '../../../lib/client-certificate/identity/certificate-identity.js';
import { certificateIdOf, respondersOf } from '../../../lib/client-certificate/revocation/certificate-id.js';
import { loadOcspPackage } from '../../../lib/client-certificate/revocation/ocsp-package.js';
import { readOcspResponse } from '../../../lib/client-certificate/revocation/ocsp-response.js';
import { altNames, nameConstraints } from '../../support/der.js';
import { bits, extension, identifier, integer, octets, sequence, tlv } from '../../support/pki/der-writer.js';
import { answerAbout } from '../../support/pki/ocsp-answers.js';
import { qualified, roleDer } from '../../support/pki/qualified-statements.js';
import {
  entryOf,
  issueList,
  issuingDistributionPoint,
  type Signer,
} from '../../support/pki/revocation-lists.js';
import { spoiledDer } from '../../support/pki/spoiled-der.js';
import { issue, type Party } from './parties.js';

const URI = 'http://crl.example/ca.crl';
const uri = (text: string): Buffer => tlv(0x86, Buffer.from(text, 'latin1'));
const text = (tag: number, hex: string): Buffer => tlv(tag, Buffer.from(hex, 'hex'));
const directoryName = (...values: readonly Buffer[]): Buffer =>
  tlv(0xa4, sequence(...values.map((value) => tlv(0x31, sequence(identifier('2.5.4.3'), value)))));

const EXTENSIONS: Readonly<Record<string, Buffer>> = {
  '2.5.29.15': bits(Buffer.of(0x86)),
  '2.5.29.19': sequence(tlv(1, Buffer.of(0xff)), integer('03')),
  '2.5.29.14': octets(Buffer.of(1, 2, 3)),
  '2.5.29.17': sequence(
    tlv(0x82, Buffer.from('client.example')),
    uri('spiffe://example/client'),
    tlv(0x81, Buffer.from('a@client.example')),
    tlv(0x87, Buffer.of(10, 0, 0, 1)),
    tlv(0x87, Buffer.alloc(16)),
    directoryName(
      text(0x0c, 'c3a9'),
      text(0x13, '61'),
      text(0x14, 'e9'),
      text(0x1e, '006100e9'),
      text(0x1c, '0001f600'),
      text(0x12, '3132'),
      text(0x1c, '00110000'),
      integer('07'),
    ),
  ),
  '2.5.29.30': Buffer.from(
    nameConstraints(
      ['dns:example', 'uri:example', 'email:example', 'ip:0a000000ff000000', 'directory:O=Bank'],
      ['dns:evil.example'],
    ).value,
  ),
  '2.5.29.31': sequence(
    sequence(tlv(0xa0, tlv(0xa0, uri(URI), directoryName(text(0x0c, '61'))))),
    sequence(tlv(0xa0, tlv(0xa0, uri(URI))), text(0x81, '0640')),
    sequence(tlv(0xa0, tlv(0xa1, sequence(identifier('2.5.4.3'), text(0x0c, '61'))))),
  ),
  '2.5.29.32': sequence(sequence(identifier('1.2.3.4')), sequence(identifier('2.5.29.32.0'))),
  '2.5.29.33': sequence(sequence(identifier('1.2.3.4'), identifier('1.2.3.5'))),
  '2.5.29.36': sequence(text(0x80, '00'), text(0x81, '00')),
  '2.5.29.37': sequence(identifier('1.3.6.1.5.5.7.3.2')),
  '2.5.29.54': integer('00'),
  '1.3.6.1.5.5.7.1.1': sequence(
    sequence(identifier('1.3.6.1.5.5.7.48.1'), uri('http://ocsp.example/')),
    sequence(identifier('1.3.6.1.5.5.7.48.2'), uri('http://ca.example/')),
  ),
};

let party: Party;
let ca: Signer;
let client: X509Certificate;
beforeAll(async () => {
  party = await issue('ca', {
    ca: true,
    keyUsage: x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign,
  });
  ca = { certificate: party.certificate, key: KeyObject.from(party.keys.privateKey) };
  client = (await issue('client', { issuer: party, extensions: [altNames('dns:client.example')] }))
    .certificate;
});

/** What comes of a reader: nothing but values and refusals. */
function read(reader: () => unknown): void {
  try {
    reader();
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
  }
}

/** What is signed of an answer. */
function contentOf(answer: Buffer): Buffer {
  const at = answer.indexOf(identifier('1.3.6.1.5.5.7.48.1.1')) + identifier('1.3.6.1.5.5.7.48.1.1').length;
  const basic = elementAt(answer, elementAt(answer, at).content);
  const { start, end } = elementAt(answer, basic.content);
  return answer.subarray(start, end);
}

/** What JavaScript says where nobody looked at what was there. */
const UNFORESEEN = /undefined|null|not iterable|not a function/;

describe('what is spoiled in one place is read or refused, and breaks nothing', () => {
  test('RFC5280-4.1: a certificate with everything in it', async () => {
    const extensions = Object.entries(EXTENSIONS).map(([oid, value]) => ({ oid, value }));
    const authority = await TestCertificateAuthority.create();
    const { der } = await authority.issueClientCertificate('client', {
      extensions: [...extensions, qualified({ roles: [roleDer('PSP_PI')] })],
    });
    const all = [der, ...spoiledDer(der)];
    let refused = 0;
    for (const each of all) {
      const certificate = { raw: each } as X509Certificate;
      const identity = readIdentity(each);
      if ('fault' in identity) expect(identity.fault).not.toMatch(UNFORESEEN);
      if ('fault' in identity) refused += 1;
      read(() => constrainedNamesOf(fieldsOf(certificate), true));
      read(() => nameConstraintsOf(fieldsOf(certificate).extensions));
      read(() => policyExtensionsOf(fieldsOf(certificate).extensions));
      read(() => distributionPointsOf(certificate));
      read(() => respondersOf(certificate));
      read(() => certificateIdOf(certificate, party.certificate));
      read(() => certificateIdOf(party.certificate, certificate));
    }
    expect(readIdentity(der)).not.toHaveProperty('fault');
    expect(refused).toBeGreaterThan(100);
  });

  test('RFC5280-5.1: a revocation list with everything in it', async () => {
    const der = issueList(ca, {
      revoked: ['2a', entryOf('2b', extension('2.5.29.21', text(0x0a, '01')))],
      extensions: [
        extension('2.5.29.20', integer('1f')),
        extension('2.5.29.35', sequence(text(0x80, 'c0ffee'))),
        issuingDistributionPoint({ uris: [URI], flags: [1] }),
      ],
    });
    const lists = [der, ...spoiledDer(der)].map((each) => [each, readRevocationList(each)] as const);
    const kinds = { list: 0, problem: 0 };
    for (const [each, reading] of lists) {
      if ('problem' in reading) {
        expect(reading.problem).not.toMatch(UNFORESEEN);
        kinds.problem += 1;
        continue;
      }
      kinds.list += 1;
      read(() => isInScope(reading.list, client));
      // oxlint-disable-next-line no-await-in-loop -- one is looked at after the other
      const problem = await signerProblem(each, reading.list, party.certificate);
      if (each !== der) expect(problem).toEqual(expect.any(String));
      expect(problem ?? '').not.toMatch(UNFORESEEN);
    }
    expect(kinds.problem).toBeGreaterThan(50);
    expect(kinds.list).toBeGreaterThan(10);
  });

  test('RFC6960-4.2: the answer of a responder', async () => {
    const loaded = await loadOcspPackage();
    const id = certificateIdOf(client, party.certificate);
    const responder = await issue('responder', {
      issuer: party,
      extendedKeyUsage: ['1.3.6.1.5.5.7.3.9'],
      extensions: [new x509.Extension('1.3.6.1.5.5.7.48.1.5', false, Buffer.from('0500', 'hex'))],
    });
    const signer = { certificate: responder.certificate, key: KeyObject.from(responder.keys.privateKey) };
    const der = answerAbout(client, party.certificate, signer, { certificates: [responder.certificate] });
    const question = { id, ca: party.certificate, nonce: undefined, maxAge: 86_400_000 };
    const outcome = async (each: Buffer): Promise<string> =>
      readOcspResponse(each, question, Date.now(), loaded).then(
        ({ status }) => status,
        (error: Error) => error.message,
      );
    const signed = contentOf(der);
    await expect(outcome(der)).resolves.toBe('good');
    for (const each of spoiledDer(der)) {
      // oxlint-disable-next-line no-await-in-loop -- one is looked at after the other
      const found = await outcome(each);
      expect(found).not.toMatch(UNFORESEEN);
      // What is around that is signed may differ.
      if (found === 'good') expect(each.includes(signed)).toBe(true);
    }
  });
});
