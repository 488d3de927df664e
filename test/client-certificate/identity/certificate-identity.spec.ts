import { X509Certificate } from 'node:crypto';
import * as fc from 'fast-check';
import { TestCertificateAuthority, type TestCertificateOptions } from 'nestjs-cert-bound-auth/testing';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  type CertificateIdentity,
  identityOf,
  readIdentity,
} from '../../../lib/client-certificate/identity/certificate-identity.js';
import { elementAt } from '../../../lib/client-certificate/chain/der.js';
import { exactKey, readName, rfc4514 } from '../../../lib/client-certificate/identity/distinguished-name.js';
import { objectIdentifier } from '../../../lib/client-certificate/chain/der.js';
import { parseRfc4514 } from '../../../lib/client-certificate/identity/parse-rfc4514.js';
import { readQualifiedStatements } from '../../../lib/client-certificate/identity/qualified-statements.js';
import { isSpiffeId, spiffeIdOf } from '../../../lib/client-certificate/identity/spiffe-id.js';
import { identifier, sequence, tlv } from '../../support/pki/der-writer.js';
import {
  qwac,
  ROLE_COMBINATIONS,
  roleDer,
  statementsDer,
  utf8,
  WEB,
} from '../../support/pki/qualified-statements.js';

let ca: TestCertificateAuthority;
beforeAll(async () => {
  ca = await TestCertificateAuthority.create();
});

async function identityWith(options: TestCertificateOptions): Promise<CertificateIdentity> {
  const { der } = await ca.issueClientCertificate('client', options);
  const identity = readIdentity(der);
  if ('fault' in identity) throw new Error(identity.fault);
  return identity;
}

const CN = identifier('2.5.4.3');
const nameOf = (...parts: readonly Buffer[][]): Buffer =>
  sequence(...parts.map((part) => tlv(0x31, ...part.map((value) => sequence(CN, value)))));
const read = (der: Buffer): string => rfc4514(readName(der, elementAt(der, 0)));

describe('names are read as they are written', () => {
  test('every kind of string is read character by character, and what is none of its kind is shown as its DER', () => {
    const one = (tag: number, bytes: string): string => read(nameOf([tlv(tag, Buffer.from(bytes, 'hex'))]));
    expect(one(0x0c, 'c3a9')).toBe('CN=é');
    expect(one(0x13, '61')).toBe('CN=a');
    expect(one(0x16, '6140')).toBe('CN=a@');
    expect(one(0x14, 'e9')).toBe('CN=é');
    expect(one(0x1e, '006100e9')).toBe('CN=aé');
    expect(one(0x1c, '0001f600')).toBe('CN=😀');
    expect(one(0x0c, 'ff')).toBe('CN=#0c01ff');
    expect(one(0x1e, '00')).toBe('CN=#1e0100');
    expect(one(0x1e, 'd800')).toBe('CN=#1e02d800');
    expect(one(0x1c, '00110000')).toBe('CN=#1c0400110000');
    expect(one(0x13, 'e9')).toBe('CN=#1301e9');
    expect(one(0x02, '07')).toBe('CN=#020107');
  });

  test('what is in a value never reads as another attribute', () => {
    const forms: readonly (readonly [string, string])[] = [
      ['x\nCN=admin', String.raw`CN=x\0aCN=admin`],
      ['x,CN=admin', String.raw`CN=x\,CN=admin`],
      ['x+CN=admin', String.raw`CN=x\+CN=admin`],
      ['x\\,CN=admin', String.raw`CN=x\\\,CN=admin`],
      ['x\0y', String.raw`CN=x\00y`],
      [' #x ', String.raw`CN=\ #x\ `],
      ['#61', String.raw`CN=\#61`],
      ['"<a;b>"', String.raw`CN=\"\<a\;b\>\"`],
      ['', 'CN='],
    ];
    for (const [value, text] of forms) {
      const der = nameOf([utf8(value)]);
      expect(read(der)).toBe(text);
      expect(exactKey(parseRfc4514(text))).toBe(exactKey(readName(der, elementAt(der, 0))));
    }
  });

  test('a name is written from the leaf of the tree, and parts of several attributes are one part', () => {
    expect(read(nameOf([utf8('root')], [utf8('a'), utf8('b')]))).toBe('CN=a+CN=b,CN=root');
    const key = (text: string): string => exactKey(parseRfc4514(text));
    expect(key('CN=a+O=b,C=DE')).toBe(key('o=b+cn=a,2.5.4.6=DE'));
    expect(key('CN=a,O=b')).not.toBe(key('O=b,CN=a'));
    expect(key('CN=a,CN=b')).not.toBe(key('CN=a+CN=b'));
    expect(key('CN=a')).not.toBe(key('CN=A'));
    expect(key('CN=#0c0161')).toBe(key('CN=a'));
  });

  test.each([
    '',
    'a',
    'CN',
    '=a',
    'CN=a,',
    'CN=a+',
    'CN=a;b',
    'CN=a, O=b',
    'CN= a',
    'CN=a ',
    'CN="a"',
    'X=a',
    'CN=a\\',
    'CN=a\\z',
    'CN=\\ff',
    'CN=#0c',
    'CN=#0c02',
    'CN=#0c0161ff',
  ])('what is no name of RFC 4514 is refused: %j', (text) => {
    expect(() => parseRfc4514(text)).toThrow();
  });

  test('every name is written so that it reads as itself', () => {
    const value = fc.oneof(
      fc.string({ unit: 'binary' }).map(utf8),
      fc.uint8Array({ maxLength: 9 }).map((bytes) => tlv(0x0c, bytes)),
    );
    const name = fc.array(fc.array(value, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(name, (parts) => {
        const der = nameOf(...parts);
        const found = readName(der, elementAt(der, 0));
        expect(exactKey(parseRfc4514(rfc4514(found)))).toBe(exactKey(found));
      }),
    );
  });
});

describe('what a certificate says of its holder', () => {
  test('alternative names are told apart by their kinds', async () => {
    const { alternativeNames, extendedKeyUsage, keyUsage, isCa } = await identityWith({
      hosts: ['A.example', '10.0.0.1', '2001:DB8::1'],
      uris: ['https://a.example/,DNS:b.example'],
      emails: ['Ann@A.example'],
    });
    expect(alternativeNames).toEqual({
      dns: ['a.example'],
      uri: ['https://a.example/,DNS:b.example'],
      email: ['Ann@a.example'],
      ip: ['10.0.0.1', '2001:db8::1'],
      directoryName: [],
    });
    expect(extendedKeyUsage).toEqual(['1.3.6.1.5.5.7.3.2']);
    expect(keyUsage).toMatchObject({ critical: true, digitalSignature: true, keyCertSign: false });
    expect(isCa).toBe(false);
  });

  test('the serial number is the one that Node shows, and an identity is read once', async () => {
    const certificate = new X509Certificate((await ca.issueClientCertificate('client')).cert);
    const identity = identityOf(certificate);
    expect(identity).toMatchObject({ serialNumber: certificate.serialNumber });
    expect(identityOf(certificate)).toBe(identity);
  });

  test('a certificate with an extension twice can not be read', async () => {
    const { der } = await ca.issueClientCertificate('client', {
      extensions: ['a', 'b'].map((text) => ({ oid: '1.2.3.4', value: utf8(text) })),
    });
    expect(readIdentity(der)).toEqual({ fault: 'the extension 1.2.3.4 is there twice' });
  });

  test('INV3: whatever the bytes of a certificate are, reading them throws nothing', async () => {
    const { der } = await ca.issueClientCertificate('client', {
      ...qwac('PSP_PI'),
      hosts: ['10.0.0.1'],
      uris: ['spiffe://a/b'],
    });
    const change = fc.tuple(fc.nat(der.length - 1), fc.nat(255));
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), fc.nat(der.length), (changes, length) => {
        const changed = Buffer.from(der);
        for (const [at, value] of changes) changed[at] = value;
        readIdentity(changed);
        readIdentity(changed.subarray(0, length));
      }),
      { numRuns: 2000 },
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => void readIdentity(Buffer.from(bytes))),
    );
  });
});

test('an object identifier is shown with dots, and one that is not whole or not shortest is none', () => {
  for (const dotted of ['2.5.4.3', '0.9.2342.19200300.100.1.1', '1.3.6.1.4.1.311.60.2.1.3', '2.999.1']) {
    const der = dotted.startsWith('2.999') ? Buffer.from('0603883701', 'hex') : identifier(dotted);
    expect(objectIdentifier(der.subarray(2))).toBe(dotted);
  }
  for (const hex of ['', '8001', '2a80', '2a8001', '2a'.repeat(65)]) {
    expect(() => objectIdentifier(Buffer.from(hex, 'hex'))).toThrow(RangeError);
  }
});

describe('the statements of qualified certificates', () => {
  test('the vector of the standard is read', () => {
    const vector =
      '306e3013060604008e4601063009060704008e4601060330570606040081982702304d302630110607040081982701020c065053505f504930110607040081982701030c065053505f41490c1b46696e616e6369616c20436f6e6475637420417574686f726974790c0647422d464341';
    expect(readQualifiedStatements(Buffer.from(vector, 'hex'))).toEqual({
      types: [WEB],
      psd2: { roles: ['PSP_PI', 'PSP_AI'], nca: { name: 'Financial Conduct Authority', id: 'GB-FCA' } },
      fault: undefined,
    });
  });

  test('every combination of roles is read', () => {
    expect(ROLE_COMBINATIONS).toHaveLength(15);
    for (const roles of ROLE_COMBINATIONS) {
      const der = statementsDer({ roles: roles.map((role) => roleDer(role)) });
      expect(readQualifiedStatements(der).psd2?.roles).toEqual(roles);
    }
  });

  test('a role whose name says something else, an unknown one, and what is nested otherwise, counts for nothing', () => {
    const fault = (der: Buffer): unknown => {
      const { psd2, types, fault: found } = readQualifiedStatements(der);
      expect([psd2, types]).toEqual([undefined, []]);
      return found;
    };
    expect(fault(statementsDer({ roles: [roleDer('PSP_AI', 'PSP_PI')] }))).toBe(
      'the role 0.4.0.19495.1.3 is PSP_AI, and is called "PSP_PI"',
    );
    const unknown = sequence(identifier('0.4.0.19495.1.5'), utf8('PSP_XX'));
    expect(fault(statementsDer({ roles: [unknown] }))).toBe('0.4.0.19495.1.5 is no role of PSD2');
    expect(fault(statementsDer({ roles: [identifier('0.4.0.19495.1.2'), utf8('PSP_PI')] }))).toEqual(
      expect.any(String),
    );
    expect(fault(Buffer.concat([statementsDer({ roles: [] }), Buffer.from([5, 0])]))).toBe(
      'there is something behind it',
    );
    const twice = sequence(
      ...[1, 2].map(() => sequence(identifier('0.4.0.1862.1.6'), sequence(identifier(WEB)))),
    );
    expect(fault(twice)).toBe('there are several statements 0.4.0.1862.1.6');
  });
});

describe('SPIFFE ids are told from other URIs', () => {
  test.each(['spiffe://bank.example/a', 'spiffe://bank.example/a/B_c.d-e/f', 'spiffe://a/...'])(
    '%s is one',
    (uri) => {
      expect(isSpiffeId(uri)).toBe(true);
    },
  );

  test.each([
    'https://bank.example/a',
    'spiffe://bank.example',
    'spiffe://bank.example/',
    'spiffe:///a',
    'spiffe://bank.example/a/',
    'spiffe://bank.example//a',
    'spiffe://bank.example/./a',
    'spiffe://bank.example/..',
    'spiffe://bank.example/a%20b',
    'spiffe://bank.example/a?b',
    'spiffe://bank.example/a#b',
    'spiffe://user@bank.example/a',
    'spiffe://bank.example:1/a',
    'spiffe://bank.example/a\n',
    'spiffe://bänk/a',
    `spiffe://a/${'b'.repeat(2048)}`,
  ])('%j is none', (uri) => {
    expect(isSpiffeId(uri)).toBe(false);
  });

  test('the SPIFFE id of a certificate is its only URI', () => {
    expect(spiffeIdOf(['spiffe://a/b'])).toBe('spiffe://a/b');
    expect(spiffeIdOf([])).toBeUndefined();
    expect(spiffeIdOf(['spiffe://a/b', 'spiffe://a/b'])).toBeUndefined();
    expect(spiffeIdOf(['spiffe://a/b', 'https://a.example'])).toBeUndefined();
  });
});
