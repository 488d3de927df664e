import { X509Certificate } from 'node:crypto';
import { decodeBase64 } from './decode-base64.js';
import type { ForwardedCertificate } from './forwarded-certificate.js';
import { MalformedValue } from './malformed-value.js';

/** A certificate that was passed on whole. */
export type WholeCertificate = Extract<ForwardedCertificate, { readonly kind: 'certificate' }>;

/** Most certificates of a value, the leaf included. */
const MOST_CERTIFICATES = 10;

/**
 * Decodes a leaf and the certificates behind it.
 * @param texts each the base64 of a certificate's DER, the leaf first
 * @throws MalformedValue
 */
export function decodeCertificates(texts: readonly string[]): WholeCertificate {
  if (texts.length > MOST_CERTIFICATES) {
    throw new MalformedValue(`it has more than ${MOST_CERTIFICATES} certificates`);
  }
  const [leaf, ...chain] = texts.map(decodeCertificate);
  if (leaf === undefined) throw new MalformedValue('it has no certificate');
  return { kind: 'certificate', der: leaf, chain };
}

/** What has been parsed to be decoded: to read a certificate costs more than all else of a header that is new. */
const PARSED = new WeakMap<Uint8Array, X509Certificate>();

/** The certificate whose DER has been decoded: it is not read once more. @param der as it came from here */
export function certificateOf(der: Uint8Array): X509Certificate {
  return PARSED.get(der) ?? new X509Certificate(der);
}

/** Node takes PEM for DER as well, and ignores what follows a certificate: the bytes must be the certificate's alone. */
function decodeCertificate(text: string): Uint8Array {
  const bytes = decodeBase64(text);
  const certificate = parseCertificate(bytes);
  const { raw } = certificate;
  if (raw.equals(bytes)) {
    PARSED.set(raw, certificate);
    return raw;
  }
  throw new MalformedValue('its bytes are not the DER of one certificate');
}

function parseCertificate(bytes: Buffer): X509Certificate {
  try {
    return new X509Certificate(bytes);
  } catch {
    throw new MalformedValue('its bytes are not an X.509 certificate');
  }
}
