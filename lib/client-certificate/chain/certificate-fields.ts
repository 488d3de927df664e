import type { X509Certificate } from 'node:crypto';
import {
  type BasicConstraints,
  basicConstraintsOf,
  extendedKeyUsageOf,
  type Extensions,
  type KeyUsage,
  keyUsageOf,
  readExtensions,
  subjectKeyIdOf,
} from './certificate-extensions.js';
import {
  BIT_STRING,
  childrenOf,
  contentHex,
  type DerElement,
  INTEGER,
  onlyElement,
  SEQUENCE,
  timeOf,
} from './der.js';
import { nameKey } from './name-key.js';
import { type SignatureAlgorithm, signatureAlgorithmOf } from './signature-algorithm.js';

/** What a certificate says, read from its DER (RFC 5280 §4.1). */
export interface CertificateFields {
  /** Whether it is of X.509 version 1, which knows no extensions. */
  readonly isVersion1: boolean;
  /** Hex. */
  readonly serialNumber: string;
  readonly signature: SignatureAlgorithm;
  /** The name of its issuer, as {@link nameKey} has it. */
  readonly issuer: string;
  /** Its own name, likewise. */
  readonly subject: string;
  /** Its own name: the DER of a `Name`. */
  readonly subjectName: Buffer;
  /** Milliseconds since the epoch. */
  readonly notBefore: number;
  /** Milliseconds since the epoch. */
  readonly notAfter: number;
  readonly basicConstraints: BasicConstraints | undefined;
  /** `undefined` where it does not say. */
  readonly keyUsage: KeyUsage | undefined;
  /** `undefined` where it does not say. */
  readonly extendedKeyUsage: readonly string[] | undefined;
  /** The identifier of its key, hex. */
  readonly subjectKeyId: string | undefined;
  readonly extensions: Extensions;
}

const known = new WeakMap<X509Certificate, CertificateFields>();

/** Read once of each certificate. @throws RangeError for what is no certificate, and for one that is not written as DER */
export function fieldsOf(certificate: X509Certificate): CertificateFields {
  const fields = known.get(certificate) ?? readFields(certificate.raw);
  known.set(certificate, fields);
  return fields;
}

const VERSION = 0xa0;
const EXTENSIONS = 0xa3;

/** `SEQUENCE { tbsCertificate, signatureAlgorithm, signatureValue BIT STRING }` */
function readFields(raw: Buffer): CertificateFields {
  const [tbs, algorithm, signature, ...others] = childrenOf(raw, onlyElement(raw, SEQUENCE));
  if (tbs === undefined || algorithm === undefined || signature?.tag !== BIT_STRING || others.length > 0) {
    throw new RangeError('it is no certificate');
  }
  const all = childrenOf(raw, tbs);
  const isVersion1 = all[0]?.tag !== VERSION;
  const [serialNumber, , issuer, validity, subject, , ...optional] = isVersion1 ? all : all.slice(1);
  if (
    serialNumber?.tag !== INTEGER ||
    issuer === undefined ||
    validity === undefined ||
    subject === undefined
  )
    throw new RangeError('it is no certificate');
  const extensions = extensionsOf(raw, optional);
  return {
    isVersion1,
    serialNumber: contentHex(raw, serialNumber),
    signature: signatureAlgorithmOf(raw, algorithm),
    issuer: nameKey(raw, issuer),
    subject: nameKey(raw, subject),
    subjectName: raw.subarray(subject.start, subject.end),
    ...validityOf(raw, validity),
    basicConstraints: basicConstraintsOf(extensions),
    keyUsage: keyUsageOf(extensions),
    extendedKeyUsage: extendedKeyUsageOf(extensions),
    subjectKeyId: subjectKeyIdOf(extensions),
    extensions,
  };
}

function validityOf(raw: Buffer, validity: DerElement): Pick<CertificateFields, 'notBefore' | 'notAfter'> {
  const [from, to] = childrenOf(raw, validity);
  const notBefore = from === undefined ? NaN : timeOf(raw, from);
  const notAfter = to === undefined ? NaN : timeOf(raw, to);
  if (Number.isNaN(notBefore) || Number.isNaN(notAfter)) throw new RangeError('its validity is malformed');
  return { notBefore, notAfter };
}

/** Behind the key: unique identifiers, which nobody uses, and the extensions, which are last. */
function extensionsOf(raw: Buffer, optional: readonly DerElement[]): Extensions {
  const list = optional.at(-1);
  if (optional.slice(0, -1).some(({ tag }) => tag === EXTENSIONS))
    throw new RangeError('there are bytes behind its extensions');
  if (list?.tag !== EXTENSIONS) return new Map();
  const { content, end } = list;
  return readExtensions(raw, onlyElement(raw, SEQUENCE, content, end));
}
