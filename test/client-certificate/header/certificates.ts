import { createHash, X509Certificate } from 'node:crypto';
import { selfSignedCertificate, TestCertificateAuthority } from 'nestjs-cert-bound-auth/testing';

/** Certificates as proxies see them: DER. */
export interface TestCertificates {
  /** Of a client: its base64 has a `+`, a `/` and padding, so that every trap of the formats is in it. */
  readonly leaf: Buffer;
  /** Of another client. */
  readonly other: Buffer;
  /** Of the CA that has issued them. */
  readonly issuer: Buffer;
  /** Of all kinds, those above among them. */
  readonly all: readonly Buffer[];
}

export async function createCertificates(): Promise<TestCertificates> {
  const ca = await TestCertificateAuthority.create();
  const leaf = await awkwardLeaf(ca);
  const { der: other } = await ca.issueClientCertificate('other');
  const issuer = new X509Certificate(ca.cert).raw;
  const names = await ca.issueClientCertificate('a, "b"; c=d \\ é', {
    hosts: ['a.example', '127.0.0.1'],
    uris: ['spiffe://example/a,b;Hash=c'],
  });
  const { der: selfSigned } = await selfSignedCertificate('self-signed');
  const { der: expired } = await ca.issueClientCertificate('expired', { notAfter: new Date(0) });
  return { leaf, other, issuer, all: [leaf, other, issuer, names.der, selfSigned, expired] };
}

/** Every byte is random enough that one in three certificates will do. */
async function awkwardLeaf(ca: TestCertificateAuthority): Promise<Buffer> {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const { der } = await ca.issueClientCertificate('client'.padEnd(6 + (attempt % 3), 'x'));
    const base64 = der.toString('base64');
    if (base64.includes('+') && base64.includes('/') && base64.endsWith('=')) return der;
  }
  throw new Error('no certificate has a +, a / and padding in its base64');
}

/** As OpenSSL writes it: lines of 64 characters. */
export function pemOf(der: Uint8Array, label = 'CERTIFICATE'): string {
  const lines = base64Of(der).match(/.{1,64}/g) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ''].join('\n');
}

export function base64Of(der: Uint8Array): string {
  return Buffer.from(der).toString('base64');
}

/** SHA-256, hex: as Envoy writes it. */
export function hexDigestOf(der: Uint8Array): string {
  return createHash('sha256').update(der).digest('hex');
}

/** SHA-256, base64url: as tokens hold it. */
export function thumbprintOf(der: Uint8Array): string {
  return createHash('sha256').update(der).digest('base64url');
}
