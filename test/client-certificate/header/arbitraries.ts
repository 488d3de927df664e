import * as fc from 'fast-check';
import { base64Of, createCertificates, hexDigestOf, pemOf } from './certificates.js';

export const CERTIFICATES = await createCertificates();

export const anyCertificate = fc.constantFrom(...CERTIFICATES.all);

/** Pieces that the formats are made of, and some that they are not. */
export const anyPiece = fc.oneof(
  fc.constantFrom('-----BEGIN CERTIFICATE-----', '-----END CERTIFICATE-----', ':', ',', ';', '=', '"', '\\'),
  fc.constantFrom('\\"', '%', '%0A', '%20', '%2C', ' ', '\t', '-', '(null)', 'é', '\0', '+', '/'),
  fc.constantFrom('By=', 'Hash=', 'Cert="', 'Chain="', 'Subject="', 'URI=', 'DNS='),
  anyCertificate.map(base64Of),
  anyCertificate.map((der) => encodeURIComponent(pemOf(der))),
  anyCertificate.map(hexDigestOf),
  fc.string({ unit: 'binary', maxLength: 5 }),
);
