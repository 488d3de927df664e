import type { X509Certificate } from 'node:crypto';
import { fieldsOf } from './certificate-fields.js';

/** Whether a certificate is its own issuer, by name and by signature: a root, or a client's that no CA has issued. */
export function isSelfSigned(certificate: X509Certificate): boolean {
  try {
    // Not by checkIssued: a client's own certificate may not issue others.
    const { issuer, subject } = fieldsOf(certificate);
    return issuer === subject && certificate.verify(certificate.publicKey);
  } catch {
    // There are keys that Node does not know, and what is no certificate.
    return false;
  }
}

/**
 * Whether a certificate that this app trusts is that of a CA: by its basic constraints, or, as OpenSSL has it too, as a
 * root from before there were any: of X.509 version 1, or with no more than a key usage that says so. Nothing but a
 * root may do without (RFC 5280 §6.1.4 (k)).
 */
export function isTrustedCa(certificate: X509Certificate): boolean {
  return certificate.ca || isOldRoot(certificate);
}

function isOldRoot(certificate: X509Certificate): boolean {
  const { hasBasicConstraints, isVersion1, keyCertSign } = fieldsOf(certificate);
  return !hasBasicConstraints && (isVersion1 || keyCertSign === true) && isSelfSigned(certificate);
}
