import { hash, X509Certificate } from 'node:crypto';
import { TestCertificateAuthority } from 'nestjs-cert-bound-auth/testing';
import { beforeAll, describe, expect, test } from 'vitest';
import { issuerCheck } from '../../../lib/authorization/make-demands.js';
import type { CertificateIssuer } from '../../../lib/cert-bound-auth.options.js';
import { unverified, VOUCHED_FOR } from '../../../lib/client-certificate/chain/chain-verdict.js';
import { issuedBy } from '../../../lib/client-certificate/policy/issued-by.js';
import type { CertificateOfCaller } from '../../../lib/decision.js';

let root: X509Certificate;
let between: X509Certificate;
let leaf: X509Certificate;
beforeAll(async () => {
  const ca = await TestCertificateAuthority.create('Root');
  const intermediate = await ca.issueIntermediate('Between');
  const client = await intermediate.issueClientCertificate('client');
  [root, between, leaf] = [ca, intermediate, client].map(({ cert }) => new X509Certificate(cert)) as [
    X509Certificate,
    X509Certificate,
    X509Certificate,
  ];
});

function spkiOf({ publicKey }: X509Certificate): string {
  return hash('sha256', publicKey.export({ type: 'spki', format: 'der' }), 'base64url');
}

function of(path: readonly X509Certificate[]): CertificateOfCaller {
  const verdict = { kind: 'verified', path } as const;
  return { identity: leaf, chain: () => verdict };
}

describe('which CA must stand above a certificate', () => {
  test('any CA of the verified path will do, by its certificate, its key or its name, and the certificate itself will not', () => {
    const meets = (...issuers: readonly CertificateIssuer[]): boolean =>
      issuedBy(issuers)(of([leaf, between, root]));
    for (const ca of [between, root]) {
      expect(meets({ ca: ca.toString() })).toBe(true);
      expect(meets({ spkiSha256: spkiOf(ca) })).toBe(true);
      expect(meets({ dn: ca.subject })).toBe(true);
    }
    expect(meets({ dn: 'CN=x' }, { dn: 'CN=Root' })).toBe(true);
    expect(meets({ dn: 'CN=client' })).toBe(false);
    expect(meets({ spkiSha256: spkiOf(leaf) })).toBe(false);
  });

  test('only the CA that has signed the certificate is known where others have verified the chain', () => {
    const vouched: CertificateOfCaller = { identity: leaf, chain: () => VOUCHED_FOR };
    expect(issuedBy([{ ca: between.toString() }])(vouched)).toBe(true);
    expect(issuedBy([{ dn: 'CN=Between' }])(vouched)).toBe(true);
    expect(issuedBy([{ ca: root.toString() }])(vouched)).toBe(false);
  });

  test('INV2: no certificate meets it whose chain is not verified, and none of which a digest alone is known', () => {
    const isMet = issuedBy([{ dn: 'CN=Between' }]);
    expect(isMet({ identity: leaf, chain: () => unverified('x') })).toBe(false);
    expect(isMet({ identity: leaf, chain: async () => VOUCHED_FOR })).toBe(false);
    expect(isMet({ identity: { subject: 'CN=Between' }, chain: () => VOUCHED_FOR })).toBe(false);
  });

  test('a certificate is judged anew when its chain is verified anew', () => {
    const isMet = issuedBy([{ dn: 'CN=Root' }]);
    const short = of([leaf, between]);
    expect([isMet(of([leaf, between, root])), isMet(short), isMet(short)]).toEqual([true, false, false]);
  });

  test('a demand for a CA names one at least, and none that cannot be read', () => {
    for (const issuers of [[], [{}], [{ ca: 'x' }], [{ dn: 'Root' }], [{ spkiSha256: 'x' }], [7]])
      expect(() => issuerCheck('@CertificateIssuedBy', issuers as never)).toThrow(TypeError);
  });

  test('a line of the log names each CA that is demanded', () => {
    const { issuers } = issuerCheck('@CertificateIssuedBy', [
      { dn: 'CN=a' },
      { spkiSha256: 'A'.repeat(43) },
      { ca: `${root.toString()}${between.toString()}` },
    ]);
    expect(issuers).toEqual(['CN=a', `the key ${'A'.repeat(43)}`, 'CN=Root or CN=Between']);
  });
});
