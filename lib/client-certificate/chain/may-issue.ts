import type { X509Certificate } from 'node:crypto';
import { type CertificateFields, fieldsOf } from './certificate-fields.js';

/** Whether a certificate is its own issuer, by name and by signature: a root, or a client's that no CA has issued. */
export function isSelfSigned(certificate: X509Certificate): boolean {
  try {
    // Not by checkIssued: a client's own certificate may not issue others.
    return isSelfIssued(fieldsOf(certificate)) && certificate.verify(certificate.publicKey);
  } catch {
    // There are keys that Node does not know, and what is no certificate.
    return false;
  }
}

/** Whether a certificate names itself as its issuer: that of a root, and of a CA with a new key (RFC 5280 §6.1). */
export function isSelfIssued({ issuer, subject }: CertificateFields): boolean {
  return issuer === subject;
}

/** Whether a certificate is that of a CA (RFC 5280 §6.1.4 (k), (n)). @throws RangeError for one that can't be read */
export function isCa(certificate: X509Certificate): boolean {
  const { basicConstraints, keyUsage } = fieldsOf(certificate);
  return basicConstraints?.isCa === true && keyUsage?.keyCertSign !== false;
}

/** Whether the key of a certificate is one for revocation lists, by its own word. @throws RangeError for one that can't be read */
export function isListSigner(certificate: X509Certificate): boolean {
  return fieldsOf(certificate).keyUsage?.cRLSign === true;
}

/**
 * Whether a certificate that this app trusts is that of a CA: by its basic constraints, or, as OpenSSL has it too, as a
 * root from before there were any: of X.509 version 1, or with no more than a key usage that says so. Nothing but a
 * root may do without (RFC 5280 §6.1.4 (k)).
 * @throws RangeError for one that can't be read
 */
export function isTrustedCa(certificate: X509Certificate): boolean {
  return isCa(certificate) || isOldRoot(certificate);
}

function isOldRoot(certificate: X509Certificate): boolean {
  const { basicConstraints, isVersion1, keyUsage } = fieldsOf(certificate);
  return (
    basicConstraints === undefined &&
    (isVersion1 || keyUsage?.keyCertSign === true) &&
    isSelfSigned(certificate)
  );
}
