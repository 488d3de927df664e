import type { X509Certificate } from 'node:crypto';
import type * as X509 from '@peculiar/x509';

/** What a path is validated by, beside what Node reads of a certificate (RFC 5280 §4.2.1). */
export interface CertificateExtensions {
  /** How many CAs may stand between this one and a leaf; `undefined` for any number. */
  readonly pathLength: number | undefined;
  /** Whether the key may sign; `undefined` where the certificate does not say. */
  readonly digitalSignature: boolean | undefined;
  /** Object identifiers of the critical extensions that nothing here understands. */
  readonly unsupported: readonly string[];
  /** Signature algorithm and hash, as WebCrypto names them; empty where they are unknown. */
  readonly signature: string;
}

const BASIC_CONSTRAINTS = '2.5.29.19';
const KEY_USAGE = '2.5.29.15';
const EXTENDED_KEY_USAGE = '2.5.29.37';
const SUBJECT_ALTERNATIVE_NAME = '2.5.29.17';
const NAME_CONSTRAINTS = '2.5.29.30';
const UNDERSTOOD = new Set([BASIC_CONSTRAINTS, KEY_USAGE, EXTENDED_KEY_USAGE, SUBJECT_ALTERNATIVE_NAME]);

/** Makes sure that the package that reads extensions is there. @throws Error */
export async function requireExtensionReader(): Promise<void> {
  await loadX509();
}

/**
 * Loaded when it is first needed, for most apps never need it. A bundler leaves an import alone that it cannot resolve only
 * where the failure is caught on the spot.
 */
async function loadX509(): Promise<typeof X509> {
  try {
    // Its dependency injection needs this polyfill before it is loaded.
    await import('reflect-metadata');
    return await import('@peculiar/x509');
  } catch (cause) {
    throw new Error('the package @peculiar/x509 could not be loaded: npm install @peculiar/x509', { cause });
  }
}

/**
 * Reads the extensions of a certificate. Name constraints are never understood, critical or not.
 * @throws Error when they can't be read
 */
export async function readExtensions(certificate: X509Certificate): Promise<CertificateExtensions> {
  const x509 = await loadX509();
  const parsed = new x509.X509Certificate(certificate.raw);
  const usages = parsed.getExtension(x509.KeyUsagesExtension)?.usages;
  return {
    pathLength: parsed.getExtension(x509.BasicConstraintsExtension)?.pathLength,
    digitalSignature: usages === undefined ? undefined : (usages & x509.KeyUsageFlags.digitalSignature) !== 0,
    unsupported: parsed.extensions
      .filter(({ type, critical }) => type === NAME_CONSTRAINTS || (critical && !UNDERSTOOD.has(type)))
      .map(({ type }) => type),
    signature: signatureOf(parsed.signatureAlgorithm),
  };
}

/** Only what is known to be strong is named: the package says nothing of a hash that it does not know. */
function signatureOf({
  name = '',
  hash,
}: {
  readonly name?: string;
  readonly hash?: { readonly name: string };
}): string {
  return `${name} ${hash?.name ?? ''}`.trim();
}
