import { hash } from 'node:crypto';

// SHA-256 is 32 bytes: 43 characters of unpadded base64url, of which the last carries only four bits.
const THUMBPRINT = /^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/;

/**
 * The X.509 certificate SHA-256 thumbprint of a certificate: base64url, 43 characters, no padding.
 * @param der the certificate's DER encoding
 * @see RFC 8705 §3.1
 */
export function certificateThumbprint(der: Uint8Array): string {
  return hash('sha256', der, 'base64url');
}

/** Whether a value is a thumbprint at all: hex, padding, the other alphabet and other lengths are not. */
export function isThumbprint(value: unknown): value is string {
  return typeof value === 'string' && THUMBPRINT.test(value);
}
