import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { onOneLine } from '../common/on-one-line.js';
import { pemBlocks, pemText } from './pem.js';

/** A private key, or why it can't be read. It never shows the key. */
export function readPrivateKey(pem: string, passphrase: string | undefined): KeyObject | string {
  try {
    return createPrivateKey(passphrase === undefined ? pem : { key: pem, passphrase });
  } catch (error) {
    const encrypted = passphrase === undefined && pem.includes('ENCRYPTED');
    const remedy = encrypted
      ? 'it is encrypted: give its passphrase'
      : 'give the PEM text of an unencrypted private key, or its passphrase';
    return `can't be read (${(error as Error).message}): ${remedy}`;
  }
}

/**
 * Says what keeps certificates from serving with a key: nothing but what every client would refuse.
 * @param certificates the server's own first, then those behind it, PEM
 * @returns a text that goes on from the name of the certificate's option or file; `undefined` when they can serve
 */
export function pairProblem(certificates: readonly string[], keys: readonly KeyObject[]): string | undefined {
  const [own, ...behind] = certificates.map((pem) => new X509Certificate(pem));
  if (own === undefined) return 'holds no PEM certificate';
  const belongs = (certificate: X509Certificate): boolean =>
    keys.some((key) => certificate.checkPrivateKey(key));
  if (belongs(own)) return expiryProblem(own);
  if (behind.some(belongs))
    return `has the server's certificate not in the first place: put it before its CAs`;
  return (
    `does not belong to the key (OpenSSL: key values mismatch): it is ${describe(own)}, for another public key. Give the key that it was issued for; ` +
    '"openssl x509 -noout -pubkey -in CERT" and "openssl pkey -pubout -in KEY" print the same for a pair'
  );
}

/** Says that a server's certificate has expired. @returns a text as that of {@link pairProblem} */
export function expiryProblem(certificate: X509Certificate, now = Date.now()): string | undefined {
  const until = Date.parse(certificate.validTo);
  if (now <= until) return undefined;
  return (
    `has expired: ${describe(certificate)} was valid until ${new Date(until).toISOString()}, and clients refuse it. ` +
    'Renew it; watchTls() puts renewed files in force without a restart'
  );
}

/** The first certificate of some PEM. @returns `undefined` for none, or one that can't be read */
export function firstCertificate(text: string): X509Certificate | undefined {
  try {
    const [first] = pemBlocks(text, 'CERTIFICATE');
    return first === undefined ? undefined : new X509Certificate(first);
  } catch {
    return undefined;
  }
}

/** A part of Node's option `cert` as text: of what is neither text nor bytes nothing is read. */
export function textOfPem(part: unknown): string {
  return typeof part === 'string' || ArrayBuffer.isView(part) ? pemText(part) : '';
}

function describe({ subject }: { readonly subject: string | undefined }): string {
  return JSON.stringify(onOneLine(subject));
}
