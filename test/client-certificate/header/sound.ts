import { X509Certificate } from 'node:crypto';
import { expect } from 'vitest';
import type { ForwardedCertificateResult } from '../../../lib/client-certificate/header/forwarded-certificate.js';
import { base64Of, thumbprintOf } from './certificates.js';

/**
 * What every parser owes to every value: an error that says nothing of the value, or a certificate that is in the value
 * and is nothing but a certificate.
 */
export function expectSound(value: string, result: ForwardedCertificateResult): void {
  switch (result.kind) {
    case 'absent':
      return expect(value.trim()).toMatch(/^:?"?(?:|-|\(null\)|\{[\w.-]+\})"?:?$/);
    case 'malformed':
      return expect(DETAILS).toContain(result.detail);
    case 'thumbprint': {
      const hex = Buffer.from(result.thumbprint, 'base64url').toString('hex');
      return expect(value.toLowerCase().includes(hex)).toBe(true);
    }
    case 'certificate':
      for (const der of [result.der, ...result.chain]) {
        expect(decoded(value).includes(base64Of(der).replaceAll('=', ''))).toBe(true);
        expect(thumbprintOf(new X509Certificate(der).raw)).toBe(thumbprintOf(der));
      }
  }
}

/** A value as one long line, percent-decoded. */
function decoded(value: string): string {
  return value
    .replaceAll(/%([\da-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
    .replaceAll(/[ \t\r\n]+/g, '');
}

/** Everything that can be said of a malformed value: constant texts. */
const DETAILS = [
  'it is longer than 65536 characters',
  'it has a comma: one certificate is expected',
  'it is not canonical base64',
  'its percent-encoding is broken',
  'it has more than 10 certificates',
  'its bytes are not the DER of one certificate',
  'its bytes are not an X.509 certificate',
  'it has no certificate',
  'it is not base64 between colons (RFC 9440)',
  'it is not PEM of certificates and nothing else',
  'it does not follow the grammar of X-Forwarded-Client-Cert',
  'it has no element of hop 0',
  'it has no element of hop 1',
  'the element has more than one hash',
  'the element has more than one cert',
  'the element has more than one chain',
  'the element has more than one subject',
  'its Hash is not that of its certificate',
  'its Hash is not a SHA-256 in hex',
  'its Cert is more than one certificate',
  'its Chain does not begin with its Cert',
  'its element has neither Cert, Chain nor Hash',
  'its element has Hash alone: have Envoy send Cert, or accept it (hashAlone)',
  'it has more than one element, and no hop says which one counts',
  'its URI comes without Cert: where the name ends cannot be told',
  'its DNS comes without Cert: where the name ends cannot be told',
  'its URI is not that of the certificate beside it',
  'its DNS is not that of the certificate beside it',
];
