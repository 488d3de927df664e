import { X509Certificate } from 'node:crypto';
import { selfSignedCertificate, TestCertificateAuthority } from 'nestjs-cert-bound-auth/testing';
import { expect, test } from 'vitest';
import { describeX509 } from '../../lib/client-certificate/client-certificate.js';
import { presentedCertificate } from '../../lib/client-certificate/presented-certificate.js';
import { unverified, VOUCHED_FOR } from '../../lib/client-certificate/chain/chain-verdict.js';

async function namesOf(options: { readonly hosts?: readonly string[]; readonly uris?: readonly string[] }) {
  const ca = await TestCertificateAuthority.create();
  const { cert } = await ca.issueClientCertificate('client', options);
  const { subjectAltNames } = await presentedCertificate(
    describeX509(new X509Certificate(cert), () => VOUCHED_FOR),
  );
  return subjectAltNames;
}

test('the names of a certificate are told apart even where one holds a comma, a quote or a space (CVE-2021-44532)', async () => {
  const uris = ['https://a.example/x', 'urn:b,DNS:evil.example', 'urn:c"d, e', 'urn:f\\'];
  const names = await namesOf({ hosts: ['host.example', '10.0.0.1'], uris });
  expect(names).toEqual([
    'DNS:host.example',
    'IP Address:10.0.0.1',
    'URI:https://a.example/x',
    String.raw`URI:"urn:b\u002cDNS:evil.example"`,
    String.raw`URI:"urn:c\"d\u002c e"`,
    String.raw`URI:"urn:f\\"`,
  ]);
});

test('a certificate without names shows no names', async () => {
  expect(await namesOf({})).toEqual([]);
});

test('a certificate known by its digest alone shows the names that the proxy gave, and no DER', async () => {
  const identity = { subject: 'CN=a', subjectAltNames: ['URI:x'] };
  const thumbprint = 'x'.repeat(43);
  const described = await presentedCertificate({
    identity,
    thumbprint,
    notBefore: -8.64e15,
    notAfter: 8.64e15,
    chain: () => unverified('unknown'),
  });
  expect(described).toEqual({
    ...identity,
    thumbprint,
    issuer: '',
    serialNumber: '',
    der: new Uint8Array(),
    notBefore: new Date(-8.64e15),
    notAfter: new Date(8.64e15),
    chainVerified: false,
  });
  expect(described.subjectAltNames).not.toBe(identity.subjectAltNames);
});

test('a certificate with an empty subject, as SPIFFE has them, has a subject that is an empty string', async () => {
  const ca = await TestCertificateAuthority.create();
  const { cert } = await ca.issueClientCertificate('', { uris: ['spiffe://bank.example/a'] });
  expect(new X509Certificate(cert).subject).toBeUndefined();
  const described = await presentedCertificate(describeX509(new X509Certificate(cert), () => VOUCHED_FOR));
  expect(described).toMatchObject({
    subject: '',
    issuer: 'CN=Test CA',
    subjectAltNames: ['URI:spiffe://bank.example/a'],
  });
});

test('a certificate with an empty issuer has an issuer that is an empty string', async () => {
  const { cert } = await selfSignedCertificate('');
  const described = await presentedCertificate(describeX509(new X509Certificate(cert), () => VOUCHED_FOR));
  expect(described).toMatchObject({ subject: '', issuer: '' });
});
