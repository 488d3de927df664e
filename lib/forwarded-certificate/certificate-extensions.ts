import type { X509Certificate } from 'node:crypto';

/** What a path is validated by, beside what Node reads of a certificate (RFC 5280 §4.2.1). */
export interface CertificateExtensions {
  /** How many CAs may stand between this one and a leaf; `undefined` for any number. */
  readonly pathLength: number | undefined;
  /** Whether the key may sign; `undefined` where the certificate does not say. */
  readonly digitalSignature: boolean | undefined;
  /** Object identifiers of the critical extensions that nothing here understands. */
  readonly unsupported: readonly string[];
  /** The hash that it is signed over, as WebCrypto names it; `undefined` where the signature has one of its own. */
  readonly signatureHash: string | undefined;
}

const BASIC_CONSTRAINTS = '2.5.29.19';
const KEY_USAGE = '2.5.29.15';
const EXTENDED_KEY_USAGE = '2.5.29.37';
const SUBJECT_ALTERNATIVE_NAME = '2.5.29.17';
const NAME_CONSTRAINTS = '2.5.29.30';
const UNDERSTOOD = new Set([BASIC_CONSTRAINTS, KEY_USAGE, EXTENDED_KEY_USAGE, SUBJECT_ALTERNATIVE_NAME]);

/**
 * Reads the extensions of a certificate, by the package `@peculiar/x509`, which is loaded when it is first needed.
 * Name constraints are never understood, critical or not.
 * @throws Error when they can't be read
 */
export async function readExtensions(certificate: X509Certificate): Promise<CertificateExtensions> {
  // The package's dependency injection needs this polyfill before it is loaded.
  await import('reflect-metadata');
  const x509 = await import('@peculiar/x509');
  const parsed = new x509.X509Certificate(certificate.raw);
  const usages = parsed.getExtension(x509.KeyUsagesExtension)?.usages;
  const { hash } = parsed.signatureAlgorithm as { readonly hash?: { readonly name: string } };
  return {
    pathLength: parsed.getExtension(x509.BasicConstraintsExtension)?.pathLength,
    digitalSignature: usages === undefined ? undefined : (usages & x509.KeyUsageFlags.digitalSignature) !== 0,
    unsupported: parsed.extensions
      .filter(({ type, critical }) => type === NAME_CONSTRAINTS || (critical && !UNDERSTOOD.has(type)))
      .map(({ type }) => type),
    signatureHash: hash?.name,
  };
}
