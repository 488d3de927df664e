import { beforeAll, describe, expect, test } from 'vitest';
import type { ForwardedCertificateResult } from '../../../lib/client-certificate/header/forwarded-certificate.js';
import { type Carrier, CARRIERS } from './carriers.js';
import { base64Of, createCertificates, type TestCertificates, thumbprintOf } from './certificates.js';

let certificates: TestCertificates;
beforeAll(async () => {
  certificates = await createCertificates();
});

describe.each(CARRIERS)('RFC8705-1: the certificate is the one that was proved: $name', (carrier) => {
  test('the parser reads byte by byte what the proxy passes on', () => {
    const { leaf, issuer } = certificates;
    expect(plain(carrier.parse(carrier.write(leaf, [issuer])))).toEqual(expected(carrier, leaf, issuer));
  });

  test('the parser ignores spaces around the value', () => {
    const { leaf, issuer } = certificates;
    const value = ` \t${carrier.write(leaf, [issuer])} `;
    expect(plain(carrier.parse(value))).toEqual(expected(carrier, leaf, issuer));
  });

  test.each([
    '',
    ' ',
    '\t',
    '-',
    ' - ',
    '(null)',
    ' (null) ',
    '::',
    '""',
    ' "" ',
    ':"":',
    '{http.request.tls.client.certificate_der_base64}',
    ':{client_cert_leaf}:',
    '{var_client_certificate}',
  ])('the value %j means that there is no certificate', (value) => {
    expect(carrier.parse(value)).toEqual({ kind: 'absent' });
  });

  test.each([
    '--',
    '- -',
    '(null',
    'null',
    '(NULL)',
    '(null)(null)',
    ':',
    ':::',
    '0',
    ',',
    '"',
    '"""',
    '{}',
    '{',
    '{a',
    'a}',
    '{a}{b}',
    '{a b}',
  ])('the value %j is malformed, because it does not mean that there is no certificate', (value) => {
    expect(carrier.parse(value).kind).toBe('malformed');
  });

  test('the parser reads a value of up to 64 KiB, and no longer one', () => {
    const { leaf, issuer } = certificates;
    const value = carrier.write(leaf, [issuer]);
    expect(carrier.parse(value.padEnd(65_536)).kind).not.toBe('malformed');
    expect(carrier.parse(value.padEnd(65_537))).toEqual({
      kind: 'malformed',
      detail: 'it is longer than 65536 characters',
    });
  });
});

/** A result, with base64 in place of bytes, so that a difference can be read. */
function plain(result: ForwardedCertificateResult): unknown {
  if (result.kind !== 'certificate') return result;
  return { kind: result.kind, der: base64Of(result.der), chain: result.chain.map(base64Of) };
}

function expected({ passesOn }: Carrier, leaf: Buffer, issuer: Buffer): unknown {
  if (passesOn === 'digest') {
    return {
      kind: 'thumbprint',
      thumbprint: thumbprintOf(leaf),
      subject: '',
      subjectAltNames: ['URI:spiffe://cluster.local/a'],
    };
  }
  const chain = passesOn === 'leaf' ? [] : [base64Of(issuer)];
  return { kind: 'certificate', der: base64Of(leaf), chain };
}
