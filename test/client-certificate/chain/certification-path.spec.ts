import 'reflect-metadata';
import { X509Certificate } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import { selfSignedCertificate, TestCertificateAuthority } from 'nestjs-cert-bound-auth/testing';
import { beforeAll, describe, expect, test } from 'vitest';
import { chainVerifier } from '../../../lib/client-certificate/chain/chain-verifier.js';
import { readCaCertificates } from '../../../lib/client-certificate/chain/read-certificates.js';
import { CertificationAuthorities } from '../../../lib/client-certificate/chain/certification-authorities.js';
import { endOfPath } from '../../../lib/client-certificate/chain/certification-path.js';
import { errorIn } from '../../support/chain-verdicts.js';
import { version1Authority } from '../../support/openssl.js';
import { issue, NOW, type Party, type Says } from './parties.js';

const CLIENT = '1.3.6.1.5.5.7.3.2';
const SERVER = '1.3.6.1.5.5.7.3.1';

let root: Party;
let middle: Party;
let leaf: Party;
let victim: Party;
beforeAll(async () => {
  root = await issue('root', { ca: true });
  middle = await issue('middle', { ca: true, issuer: root });
  leaf = await issue('leaf', { issuer: middle, extendedKeyUsage: [CLIENT] });
  victim = await issue('victim', { issuer: root });
});

function errorOf(
  { certificate }: Pick<Party, 'certificate'>,
  chain: readonly Party[] = [],
  cas: readonly Party[] = [root],
  between: readonly Party[] = [],
): string | undefined {
  const authorities = new CertificationAuthorities(certificatesOf(cas), certificatesOf(between));
  const found = authorities.pathOf(certificate, certificatesOf(chain), NOW);
  if (found.kind === 'path') return undefined;
  return found.kind === 'none' ? 'no path leads to a trusted CA' : found.error;
}

function certificatesOf(parties: readonly Party[]): readonly X509Certificate[] {
  return parties.map(({ certificate }) => certificate);
}

describe('paths that are valid', () => {
  test('a path is found through the CA itself, and through intermediates in any order, repeated, or among others', async () => {
    expect(errorOf(victim)).toBeUndefined();
    expect(errorOf(leaf, [middle])).toBeUndefined();
    expect(errorOf(leaf, [victim, root, middle, middle, leaf])).toBeUndefined();
    const deep = await issue('deep', { ca: true, issuer: middle });
    const deeper = await issue('deeper', { issuer: deep });
    expect(errorOf(deeper, [deep, middle])).toBeUndefined();
    expect(errorOf(deeper, [middle, deep])).toBeUndefined();
    expect(errorOf(leaf, [], [middle])).toBeUndefined();
  });

  test('an expired CA or cross certificate beside the valid one does no harm', async () => {
    const expired = await issue('root', { ca: true, keys: root.keys, notAfter: -1000 });
    expect(errorOf(victim, [], [expired, root])).toBeUndefined();
    const cross = await issue('middle', { ca: true, issuer: root, keys: middle.keys, notAfter: -1000 });
    expect(errorOf(leaf, [cross, middle])).toBeUndefined();
  });

  test('a path is valid within its path lengths, with RSA keys, and with any extended key usage', async () => {
    const limited = await issue('limited', { ca: true, pathLength: 1 });
    const below = await issue('below', { ca: true, issuer: limited, pathLength: 0 });
    const client = await issue('client', { issuer: below, extendedKeyUsage: [SERVER, '2.5.29.37.0'] });
    expect(errorOf(client, [below], [limited])).toBeUndefined();
    const rsa = {
      name: 'RSASSA-PKCS1-v1_5',
      hash: 'SHA-256',
      publicExponent: Uint8Array.of(1, 0, 1),
      modulusLength: 2048,
    };
    const rsaCa = await issue('rsa', { ca: true, algorithm: rsa });
    expect(errorOf(await issue('of rsa', { issuer: rsaCa, algorithm: rsa }), [], [rsaCa])).toBeUndefined();
  });

  test('the verdict ends with the first certificate of the path that expires', async () => {
    const brief = await issue('brief', { ca: true, issuer: root, notAfter: 5000 });
    const client = await issue('client', { issuer: brief });
    expect(endOfPath([client, brief, root].map(({ certificate }) => certificate))).toBe(
      Date.parse(brief.certificate.validTo),
    );
  });
});

describe('INV2: paths that are not valid', () => {
  test('a self-made certificate borrows no path, whatever stands beside it', async () => {
    const evil = await issue('admin');
    const none = 'no path leads to a trusted CA';
    expect(errorOf(evil)).toBe(none);
    expect(errorOf(evil, [victim])).toBe(none);
    expect(errorOf(evil, [evil, victim])).toBe(none);
    expect(errorOf(evil, [root, evil, root])).toBe(none);
    expect(errorOf(evil, [evil, evil, middle, leaf])).toBe(none);
    const namesake = await issue('leaf', { issuer: await issue('middle', { ca: true }) });
    expect(errorOf(namesake, [middle])).toBe(none);
    expect(errorOf(leaf)).toBe(none);
    expect(errorOf(leaf, [middle], [await issue('root', { ca: true })])).toBe(none);
  });

  test('a certificate with a wrong signature has no path', async () => {
    const bytes = Buffer.from(victim.certificate.raw);
    bytes.writeUInt8(bytes.readUInt8(bytes.length - 1) ^ 1, bytes.length - 1);
    const broken = { ...victim, certificate: new X509Certificate(bytes) };
    expect(errorOf(broken)).toBe('no path leads to a trusted CA');
    expect(errorOf(broken, [victim])).toBe('no path leads to a trusted CA');
  });

  test('certificates that sign one another in a circle, or in many ways, end the search', async () => {
    const [one, two] = [await issue('one', { ca: true }), await issue('two', { ca: true })];
    const oneByTwo = await issue('one', { ca: true, issuer: two, keys: one.keys });
    const twoByOne = await issue('two', { ca: true, issuer: one, keys: two.keys });
    const client = await issue('client', { issuer: one });
    expect(errorOf(client, [oneByTwo, twoByOne])).toBe('no path leads to a trusted CA');
    const keys = one.keys;
    const many = await Promise.all(
      Array.from({ length: 9 }, async () =>
        issue('loop', { ca: true, keys, issuer: { ...one, name: 'loop' } }),
      ),
    );
    const inLoop = await issue('client', { issuer: { ...one, name: 'loop' } });
    expect(errorOf(inLoop, many)).toBe('the chain has too many ways to be tried');
  });

  test.each<readonly [string, Says, Says, string]>([
    ['an issuer that is no CA', { ca: false }, {}, 'no path leads to a trusted CA'],
    [
      'an issuer that may not sign certificates',
      { ca: true, keyUsage: x509.KeyUsageFlags.cRLSign },
      {},
      'no path',
    ],
    [
      'an issuer for servers only',
      { ca: true, extendedKeyUsage: [SERVER] },
      {},
      'CN=issuer is not for TLS clients',
    ],
    [
      'an issuer that has expired',
      { ca: true, notAfter: -1000 },
      {},
      'CN=issuer has expired, or is not valid yet',
    ],
    [
      'an issuer that is not valid yet',
      { ca: true, notBefore: 1000 },
      {},
      'CN=issuer has expired, or is not valid yet',
    ],
    [
      'a leaf for servers only',
      { ca: true },
      { extendedKeyUsage: [SERVER] },
      'CN=client is not for TLS clients',
    ],
    [
      'a leaf that may only encipher',
      { ca: true },
      { keyUsage: x509.KeyUsageFlags.keyEncipherment },
      'may not sign',
    ],
    ['a leaf that is a CA', { ca: true }, { ca: true }, 'the certificate is that of a CA'],
    [
      'a leaf signed over SHA-1',
      { ca: true },
      { hash: 'SHA-1' },
      'CN=client has a weak or unknown signature (ECDSA SHA-1)',
    ],
    [
      'an unknown critical extension of the leaf',
      { ca: true },
      { extensions: [new x509.Extension('1.2.3.4', true, Uint8Array.of(5, 0))] },
      'CN=client has extensions that are not supported: 1.2.3.4',
    ],
    [
      'an unknown critical extension of the issuer',
      { ca: true, extensions: [new x509.Extension('1.2.3.4', true, Uint8Array.of(5, 0))] },
      {},
      'CN=issuer has extensions that are not supported: 1.2.3.4',
    ],
    [
      'name constraints that say nothing, critical or not',
      { ca: true, extensions: [new x509.Extension('2.5.29.30', false, Uint8Array.of(0x30, 0))] },
      {},
      "CN=issuer can't be read: the name constraints are malformed",
    ],
  ])('a path is refused for %s', async (_, issuerSays, leafSays, error) => {
    const issuer = await issue('issuer', { issuer: root, ...issuerSays });
    const client = await issue('client', { issuer, ...leafSays });
    expect(errorOf(client, [issuer])).toContain(error);
  });

  test('a path is refused when it exceeds the path length of the trusted CA or of an intermediate', async () => {
    const limited = await issue('limited', { ca: true, pathLength: 0 });
    const below = await issue('below', { ca: true, issuer: limited });
    const client = await issue('client', { issuer: below });
    expect(errorOf(client, [below], [limited])).toBe('CN=limited may not stand so high in a chain');
    const narrow = await issue('narrow', { ca: true, issuer: root, pathLength: 0 });
    const under = await issue('under', { ca: true, issuer: narrow });
    expect(errorOf(await issue('client', { issuer: under }), [under, narrow])).toBe(
      'CN=narrow may not stand so high in a chain',
    );
  });

  test('a path is refused for a weak key', async () => {
    const rsa = {
      name: 'RSASSA-PKCS1-v1_5',
      hash: 'SHA-256',
      publicExponent: Uint8Array.of(1, 0, 1),
      modulusLength: 1024,
    };
    expect(errorOf(await issue('client', { issuer: root, algorithm: rsa }))).toBe(
      'CN=client has a weak or unusual key',
    );
    const weak = await issue('weak', { ca: true, algorithm: rsa });
    expect(errorOf(await issue('client', { issuer: weak }), [], [weak])).toBe(
      'CN=weak has a weak or unusual key',
    );
  });
});

describe('roots from before basic constraints', () => {
  test('a root of X.509 version 1 is a CA, as it is for mutualTls', async () => {
    const { root: old, client } = version1Authority();
    const verify = chainVerifier({ ca: old });
    expect(errorIn(verify(new X509Certificate(client.cert), []))).toBeUndefined();
    expect(errorIn(verify(victim.certificate, []))).toContain('no path leads to a trusted CA: ');
  });

  test('a root whose key usage alone says so is a CA too, and no other certificate without basic constraints is', async () => {
    const says = { basicConstraints: false, ca: true };
    const old = await issue('old', says);
    const below = await issue('below', { issuer: old });
    expect(errorOf(below, [], [old])).toBeUndefined();
    expect(() => chainVerifier({ ca: old.certificate.toString() })).not.toThrow();
    const between = await issue('between', { ...says, issuer: root });
    const deep = await issue('deep', { issuer: between });
    expect(errorOf(deep, [between])).toBe('no path leads to a trusted CA');
    expect(errorOf(below, [old])).toBe('no path leads to a trusted CA');
    expect(() => chainVerifier({ ca: between.certificate.toString() })).toThrow(
      'is not the certificate of a CA',
    );
    const none = await issue('none', { basicConstraints: false });
    expect(() => chainVerifier({ ca: none.certificate.toString() })).toThrow(
      'is not the certificate of a CA',
    );
  });
});

describe('the verifier of chains', () => {
  test('the verifier judges a chain as the configuration says', async () => {
    const [{ certificate }, pem] = [victim, root.certificate.toString()];
    expect(errorIn(chainVerifier('proxy')(certificate, []))).toBeUndefined();
    expect(errorIn(chainVerifier('any')(certificate, []))).toBe('the chain was not verified');
    expect(errorIn(chainVerifier({ ca: [pem] })(certificate, []))).toBeUndefined();
    expect(errorIn(chainVerifier({ ca: pem })(undefined, []))).toBe(
      'of the certificate only a digest is known',
    );
    expect(chainVerifier({ ca: pem })(leaf.certificate, [])).toMatchObject({
      reason: 'certificate_path_incomplete',
      error:
        'no path leads to a trusted CA: the CA that has issued CN=leaf is not known (its name: CN=middle)',
    });
    expect(errorIn(chainVerifier({ ca: pem })(leaf.certificate, [middle.certificate.raw]))).toBeUndefined();
  });

  test.each([
    ['nothing', ''],
    ['a private key', '-----BEGIN PRIVATE KEY-----\nAA\n-----END PRIVATE KEY-----'],
  ])('the verifier refuses %s among the CAs', (_, pem) => {
    expect(() => chainVerifier({ ca: [root.certificate.toString(), pem] })).toThrow(
      'there is no certificate in it',
    );
  });

  test('the verifier refuses the certificate of a client among the CAs', () => {
    expect(() => chainVerifier({ ca: victim.certificate.toString() })).toThrow(
      'CN=victim is not the certificate of a CA',
    );
  });
});

test('INV3: a certificate with an empty subject, and a CA with one, is refused with words, not with an exception', async () => {
  const ca = await TestCertificateAuthority.create();
  const weak = new X509Certificate((await ca.issueServerCertificate({ hosts: [''] })).der);
  expect(weak.subject).toBeUndefined();
  const problem = 'a certificate without a subject is not for TLS clients (extended key usage)';
  expect(chainVerifier({ ca: ca.cert })(weak, [])).toMatchObject({ error: problem });
  const { cert } = await selfSignedCertificate('');
  expect(() => readCaCertificates(cert)).toThrow(
    'a certificate without a subject is not the certificate of a CA',
  );
});
