import { hash, type X509Certificate } from 'node:crypto';
import { fieldsOf } from '../chain/certificate-fields.js';
import { childrenOf, contentHex, type DerElement, elementAt } from '../chain/der.js';

/** What an answer must name in full (RFC 6960 §4.1.1). */
export interface CertificateId {
  /** Digests of the name and of the key of its CA, hex, by the name of the hash. */
  readonly issuerNameHash: (algorithm: string) => string;
  readonly issuerKeyHash: (algorithm: string) => string;
  /** Hex, as it stands in the certificate. */
  readonly serialNumber: string;
}

/** @throws RangeError for what is no certificate */
export function certificateIdOf(certificate: X509Certificate, ca: X509Certificate): CertificateId {
  const [serialNumber, , issuer] = fieldsIn(certificate.raw);
  const [, , , , , key] = fieldsIn(ca.raw);
  const [, bits] = key === undefined ? [] : childrenOf(ca.raw, key);
  if (serialNumber === undefined || issuer === undefined || bits === undefined)
    throw new RangeError('it is no certificate');
  const name = certificate.raw.subarray(issuer.start, issuer.end);
  // Behind the octet that counts unused bits.
  const publicKey = ca.raw.subarray(bits.content + 1, bits.end);
  return {
    issuerNameHash: (algorithm) => hash(algorithm, name, 'hex'),
    issuerKeyHash: (algorithm) => hash(algorithm, publicKey, 'hex'),
    serialNumber: contentHex(certificate.raw, serialNumber),
  };
}

const VERSION = 0xa0;

/** serialNumber, signature, issuer, validity, subject, subjectPublicKeyInfo, … */
function fieldsIn(raw: Buffer): readonly DerElement[] {
  const [tbs] = childrenOf(raw, elementAt(raw, 0));
  const fields = tbs === undefined ? [] : childrenOf(raw, tbs);
  return fields[0]?.tag === VERSION ? fields.slice(1) : fields;
}

const AUTHORITY_INFORMATION_ACCESS = '1.3.6.1.5.5.7.1.1';
const OCSP = '2b06010505073001';
const URI = 0x86;

/** The responders that a certificate names (RFC 5280 §4.2.2.1). @throws RangeError where they can't be read */
export function respondersOf(certificate: X509Certificate): readonly string[] {
  const der = fieldsOf(certificate).extensions.get(AUTHORITY_INFORMATION_ACCESS)?.value;
  if (der === undefined) return [];
  return childrenOf(der, elementAt(der, 0)).flatMap((access) => {
    const [method, location] = childrenOf(der, access);
    const isResponder = method !== undefined && contentHex(der, method) === OCSP && location?.tag === URI;
    return isResponder ? [der.toString('latin1', location.content, location.end)] : [];
  });
}
