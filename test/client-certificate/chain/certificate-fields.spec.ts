import { X509Certificate } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import { beforeAll, describe, expect, test } from 'vitest';
import { CertificationAuthorities } from '../../../lib/client-certificate/chain/certification-authorities.js';
import { fieldsOf } from '../../../lib/client-certificate/chain/certificate-fields.js';
import { der } from '../../support/der.js';
import { openssl } from '../../support/openssl.js';
import { issue, NOW, type Party } from './parties.js';

let root: Party;
beforeAll(async () => {
  root = await issue('root', { ca: true });
});

const PSS = '-sigopt rsa_padding_mode:pss';

describe('RFC5280-4.1: what a certificate says is read from its DER', () => {
  test('Names, times and extensions are read', async () => {
    const { certificate } = await issue('client', { issuer: root, extendedKeyUsage: ['1.3.6.1.5.5.7.3.2'] });
    expect(fieldsOf(certificate)).toMatchObject({
      isVersion1: false,
      issuer: fieldsOf(root.certificate).subject,
      notBefore: Date.parse(certificate.validFrom),
      notAfter: Date.parse(certificate.validTo),
      signature: { name: 'ECDSA SHA-256', isStrong: true },
      basicConstraints: { isCa: false, pathLength: undefined },
      keyUsage: { digitalSignature: true, keyCertSign: false, cRLSign: false },
      extendedKeyUsage: ['1.3.6.1.5.5.7.3.2'],
    });
    expect(fieldsOf((await issue('ca', { ca: true, pathLength: 3 })).certificate)).toMatchObject({
      basicConstraints: { isCa: true, pathLength: 3 },
      keyUsage: { digitalSignature: false, keyCertSign: true },
    });
  });

  test.each<[string, string, string, boolean]>([
    ['RSA-PSS over SHA-256', `-sha256 ${PSS}`, 'RSA-PSS SHA-256', true],
    ['RSA-PSS over SHA-1', `-sha1 ${PSS}`, 'RSA-PSS SHA-1', false],
    [
      'RSA-PSS over SHA-256 with a mask over SHA-1',
      `-sha256 ${PSS} -sigopt rsa_mgf1_md:sha1`,
      'RSA-PSS SHA-1',
      false,
    ],
    ['RSA over SHA-384', '-sha384', 'RSASSA-PKCS1-v1_5 SHA-384', true],
    ['RSA over SHA-1', '-sha1', 'RSASSA-PKCS1-v1_5 SHA-1', false],
    ['RSA over SHA-224', '-sha224', '1.2.840.113549.1.1.14', false],
  ])('A signature by %s is known for what it is', (_, options, name, isStrong) => {
    const command = `req -x509 -newkey rsa:2048 -nodes -keyout key -subj /CN=c -days 3 ${options} -out cert`;
    const certificate = new X509Certificate(openssl({}, 'cert', command));
    expect(fieldsOf(certificate).signature).toMatchObject({ name, isStrong });
  });
});

const TRUE = Uint8Array.of(1, 1, 0xff);

describe('RFC5280-4.2: a certificate with an extension that can be read in two ways is refused', () => {
  test.each<[string, readonly x509.Extension[]]>([
    [
      'an extension that comes twice',
      [
        new x509.Extension('2.5.29.37', false, der(0x30, der(6, Uint8Array.of(0x55, 0x1d, 0x25, 0)))),
        new x509.Extension('2.5.29.37', false, der(0x30, der(6, Uint8Array.of(0x55, 0x1d, 0x25, 0)))),
      ],
    ],
    ['an extended key usage without a use', [new x509.Extension('2.5.29.37', false, der(0x30))]],
    [
      'bytes behind its extended key usage',
      [
        new x509.Extension(
          '2.5.29.37',
          false,
          Buffer.concat([der(0x30, der(6, Uint8Array.of(0x55, 0x1d, 0x25, 0))), Buffer.from([5, 0])]),
        ),
      ],
    ],
  ])('a certificate is refused for %s', async (_, extensions) => {
    const { certificate } = await issue('client', { issuer: root, extensions });
    const verdict = new CertificationAuthorities([root.certificate], []).pathOf(certificate, [], NOW);
    expect(verdict).toEqual({
      kind: 'invalid',
      error: expect.stringMatching(/^CN=client can't be read: /) as string,
    });
  });

  test.each<[string, x509.Extension]>([
    ['cA, and then another BOOLEAN', new x509.Extension('2.5.29.19', true, der(0x30, TRUE, TRUE))],
    [
      'a negative path length',
      new x509.Extension('2.5.29.19', true, der(0x30, TRUE, der(2, Uint8Array.of(0xff)))),
    ],
    ['a SET', new x509.Extension('2.5.29.19', true, der(0x31, TRUE))],
  ])('a CA is part of no path whose basic constraints are %s', async (_, extension) => {
    const ca = await issue('ca', {
      issuer: root,
      basicConstraints: false,
      ca: true,
      extensions: [extension],
    });
    expect(() => fieldsOf(ca.certificate)).toThrow(RangeError);
    const { certificate } = await issue('client', { issuer: ca });
    const authorities = new CertificationAuthorities([root.certificate], [ca.certificate]);
    expect(authorities.pathOf(certificate, [ca.certificate], NOW)).toMatchObject({ kind: 'none' });
  });

  test('a certificate is refused that is no certificate, however it came', () => {
    for (const raw of [
      Buffer.of(),
      Buffer.of(0x30, 0),
      Buffer.concat([root.certificate.raw, Buffer.of(0)]),
    ]) {
      expect(() => fieldsOf({ raw } as X509Certificate)).toThrow(RangeError);
    }
  });
});
