import { X509Certificate } from 'node:crypto';
import {
  selfSignedCertificate,
  type TestCertificate,
  TestCertificateAuthority,
} from 'nestjs-cert-bound-auth/testing';
import { beforeAll, describe, expect, test } from 'vitest';
import { type ClientCertificate, describeX509 } from '../../lib/client-certificate/client-certificate.js';
import { SeenCertificates } from '../../lib/client-certificate/seen-certificates.js';
import { unverified, VOUCHED_FOR } from '../../lib/client-certificate/chain/chain-verdict.js';

const SPIFFE = 'spiffe://example.com/payments';
const OTHER_SPIFFE = 'spiffe://example.com/accounts';

let ca: TestCertificateAuthority;
let old: TestCertificate;
beforeAll(async () => {
  ca = await TestCertificateAuthority.create();
  old = await ca.issueClientCertificate('client1', { uris: [SPIFFE] });
});

const parsed = ({ cert }: TestCertificate): X509Certificate => new X509Certificate(cert);

function having(...certificates: readonly TestCertificate[]): SeenCertificates {
  const seen = new SeenCertificates();
  for (const certificate of certificates) seen.remember(certificate.thumbprint, parsed(certificate));
  return seen;
}

describe('the hint for a certificate mismatch', () => {
  const presented = (
    certificate: TestCertificate,
    more: Partial<ClientCertificate> = {},
  ): ClientCertificate => ({
    ...describeX509(parsed(certificate), () => VOUCHED_FOR),
    issuers: () => [],
    ...more,
  });
  const RENEWED = expect.stringContaining('it has been renewed') as string;

  test('the hint that a certificate was renewed is given only where its CA is trusted, as a thief could copy the names', async () => {
    const renewed = await ca.issueClientCertificate('client1', { uris: [SPIFFE] });
    const seen = having(old);
    expect(seen.explain(old.thumbprint, presented(renewed), 'ca')).toEqual(RENEWED);
    expect(seen.explain(old.thumbprint, presented(renewed), 'any')).toBeUndefined();
    const untrusted = presented(renewed, { chain: () => unverified('self-signed') });
    expect(seen.explain(old.thumbprint, untrusted, 'ca')).toBeUndefined();
    const { issuers: _none, ...forwarded } = presented(renewed);
    expect(seen.explain(old.thumbprint, forwarded, 'ca')).toBeUndefined();
  });

  test('the hint is worked out once, is not given for a certificate of unusual size, and never fails', async () => {
    let asked = 0;
    const issuers = (): never => {
      asked += 1;
      throw new Error('the connection has ended');
    };
    const seen = new SeenCertificates();
    for (const _ of [1, 2]) {
      expect(seen.explain('x'.repeat(43), presented(old, { issuers }), 'ca')).toBeUndefined();
    }
    expect(asked).toBe(1);
    const uris = Array.from(
      { length: 200 },
      (__, index) => `spiffe://example.com/${'x'.repeat(40)}/${index}`,
    );
    const large = await ca.issueClientCertificate('large', { uris });
    expect(seen.explain('x'.repeat(43), presented(large, { issuers }), 'ca')).toBeUndefined();
    expect(asked).toBe(1);
  });
});

describe('telling a renewed certificate from one of somebody else', () => {
  test('a renewed certificate is recognised by its names, whoever issued it', async () => {
    const renewed = await ca.issueClientCertificate('client1', { uris: [SPIFFE] });
    const elsewhere = await (
      await ca.issueIntermediate()
    ).issueClientCertificate('client1', { uris: [SPIFFE] });
    const seen = having(old);
    expect(seen.isRenewed(old.thumbprint, parsed(renewed))).toBe(true);
    expect(seen.isRenewed(old.thumbprint, parsed(elsewhere))).toBe(true);
  });

  test('a certificate with another subject or other alternative names is not a renewed one', async () => {
    const others = await Promise.all([
      ca.issueClientCertificate('client2', { uris: [SPIFFE] }),
      ca.issueClientCertificate('client1', { uris: [OTHER_SPIFFE] }),
      ca.issueClientCertificate('client1'),
    ]);
    const seen = having(old);
    expect(others.map((other) => seen.isRenewed(old.thumbprint, parsed(other)))).toEqual([
      false,
      false,
      false,
    ]);
  });

  test('a certificate counts as renewed only where the earlier one was seen', () => {
    expect(having().isRenewed(old.thumbprint, parsed(old))).toBe(false);
  });

  test.each([undefined, ''])(
    'a certificate without names is never recognised as renewed (subject: %j)',
    async (subject) => {
      const [first, second] = [
        nameless(await selfSignedCertificate(''), subject),
        nameless(await selfSignedCertificate(''), subject),
      ];
      const seen = new SeenCertificates();
      seen.remember('first', first);
      expect(seen.isRenewed('first', second)).toBe(false);
    },
  );
});

/** The test kit gives every certificate a subject. */
function nameless(certificate: TestCertificate, subject: string | undefined): X509Certificate {
  return Object.create(parsed(certificate), {
    subject: { value: subject },
    subjectAltName: { value: undefined },
  }) as X509Certificate;
}

test('the twenty thousand most recently used certificates are remembered, however many others come', () => {
  const seen = new SeenCertificates();
  const x509 = parsed(old);
  for (let i = 0; i <= 20_001; i += 1) {
    seen.remember(`thumbprint ${i}`, x509);
    seen.remember('thumbprint 1', x509);
  }
  const known = (i: number): boolean => seen.isRenewed(`thumbprint ${i}`, x509);
  expect([0, 1, 2, 3, 20_001].map(known)).toEqual([false, true, false, true, true]);
});
