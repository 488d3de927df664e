import type { X509Certificate } from 'node:crypto';
import { childrenOf, contentHex, type DerElement, elementAt, INTEGER } from './der.js';
import { nameKey } from './name-key.js';

/** What a certificate says that Node does not show as it is written (RFC 5280 §4.1). */
export interface CertificateFields {
  /** Whether it is of X.509 version 1, which knows no extensions. */
  readonly isVersion1: boolean;
  /** Hex. */
  readonly serialNumber: string;
  /** The name of its issuer, as {@link nameKey} has it. */
  readonly issuer: string;
  /** Its own name, likewise. */
  readonly subject: string;
  readonly hasBasicConstraints: boolean;
  /** How many CAs may stand between this one and a leaf; `undefined` for any number. */
  readonly pathLength: number | undefined;
  /** Whether its key may sign certificates; `undefined` where it does not say. */
  readonly keyCertSign: boolean | undefined;
  /** Whether its key may sign revocation lists, likewise. */
  readonly crlSign: boolean | undefined;
  /** The identifier of its key, hex. */
  readonly subjectKeyId: string | undefined;
}

const VERSION = 0xa0;
const EXTENSIONS = 0xa3;
const BASIC_CONSTRAINTS = '551d13';
const KEY_USAGE = '551d0f';
/** Bit 5 of the key usage, behind the octet that counts unused bits. */
const KEY_CERT_SIGN = 0x04;
/** Bit 6. */
const CRL_SIGN = 0x02;
const SUBJECT_KEY_IDENTIFIER = '551d0e';

/** @throws RangeError for what is no certificate */
export function fieldsOf({ raw }: X509Certificate): CertificateFields {
  const [tbs] = childrenOf(raw, elementAt(raw, 0));
  const fields = tbs === undefined ? [] : childrenOf(raw, tbs);
  const isVersion1 = fields[0]?.tag !== VERSION;
  const [serialNumber, , issuer, , subject] = isVersion1 ? fields : fields.slice(1);
  if (serialNumber?.tag !== INTEGER || issuer === undefined || subject === undefined)
    throw new RangeError('it is no certificate');
  const extensions = extensionsOf(raw, fields);
  const constraints = extensions.get(BASIC_CONSTRAINTS);
  const usage = extensions.get(KEY_USAGE);
  const keyId = extensions.get(SUBJECT_KEY_IDENTIFIER);
  // A BIT STRING: tag, length, the number of unused bits, and then the first eight bits.
  const usages = usage === undefined ? undefined : (usage[3] ?? 0);
  return {
    isVersion1,
    serialNumber: contentHex(raw, serialNumber),
    issuer: nameKey(raw, issuer),
    subject: nameKey(raw, subject),
    hasBasicConstraints: constraints !== undefined,
    pathLength: constraints === undefined ? undefined : pathLengthOf(constraints),
    keyCertSign: usages === undefined ? undefined : (usages & KEY_CERT_SIGN) !== 0,
    crlSign: usages === undefined ? undefined : (usages & CRL_SIGN) !== 0,
    subjectKeyId: keyId === undefined ? undefined : contentHex(keyId, elementAt(keyId, 0)),
  };
}

/** What the extensions of a certificate hold, DER, by their object identifiers in hex. @throws RangeError for what is none */
export function extensionValuesOf({ raw }: X509Certificate): ReadonlyMap<string, Buffer> {
  const [tbs] = childrenOf(raw, elementAt(raw, 0));
  return extensionsOf(raw, tbs === undefined ? [] : childrenOf(raw, tbs));
}

/** The values of the extensions, by their object identifiers in hex. */
function extensionsOf(raw: Buffer, fields: readonly DerElement[]): ReadonlyMap<string, Buffer> {
  const list = fields.find(({ tag }) => tag === EXTENSIONS);
  const [sequence] = list === undefined ? [] : childrenOf(raw, list);
  const elements = sequence === undefined ? [] : childrenOf(raw, sequence);
  return new Map(
    elements.flatMap((element) => {
      const [identifier, ...rest] = childrenOf(raw, element);
      const value = rest.at(-1);
      if (identifier === undefined || value === undefined) return [];
      return [[contentHex(raw, identifier), raw.subarray(value.content, value.end)] as const];
    }),
  );
}

/** `SEQUENCE { cA BOOLEAN DEFAULT FALSE, pathLenConstraint INTEGER OPTIONAL }` */
function pathLengthOf(der: Buffer): number | undefined {
  const length = childrenOf(der, elementAt(der, 0)).find(({ tag }) => tag === INTEGER);
  return length === undefined ? undefined : Number(`0x${contentHex(der, length)}`);
}
