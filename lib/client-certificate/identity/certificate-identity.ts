import type { X509Certificate } from 'node:crypto';
import { messageOf } from '../../common/message-of.js';
import {
  childrenOf,
  contentHex,
  type DerElement,
  elementAt,
  INTEGER,
  objectIdentifier,
  SEQUENCE,
} from '../chain/der.js';
import { type AlternativeNames, NO_NAMES, readAlternativeNames } from './alternative-names.js';
import { ATTRIBUTE_TYPES } from './attribute-types.js';
import { type DistinguishedName, onlyValueOf, readName } from './distinguished-name.js';
import { NO_STATEMENTS, type QualifiedStatements, readQualifiedStatements } from './qualified-statements.js';
import { spiffeIdOf } from './spiffe-id.js';

/** Who a certificate says that its holder is, and what it is for. Read from its DER, and never from a text of it. */
export interface CertificateIdentity {
  /** Hex in upper case, without leading zeros. */
  readonly serialNumber: string;
  readonly subject: DistinguishedName;
  readonly issuer: DistinguishedName;
  readonly alternativeNames: AlternativeNames;
  /** As object identifiers; `undefined` where the certificate does not say. */
  readonly extendedKeyUsage: readonly string[] | undefined;
  /** `undefined` where the certificate does not say. */
  readonly keyUsage: KeyUsage | undefined;
  readonly isCa: boolean;
  readonly spiffeId: string | undefined;
  /** `undefined` where there is none, or several. */
  readonly organizationIdentifier: string | undefined;
  readonly qualified: QualifiedStatements;
}

/** What the key of a certificate may do (RFC 5280 §4.2.1.3). */
export interface KeyUsage {
  readonly critical: boolean;
  readonly digitalSignature: boolean;
  readonly keyEncipherment: boolean;
  readonly keyCertSign: boolean;
  readonly crlSign: boolean;
}

/** What was read of a certificate, or why it can't be read. */
export type ReadIdentity = CertificateIdentity | { readonly fault: string };

const known = new WeakMap<X509Certificate, ReadIdentity>();

/** The identity in a certificate, read once. */
export function identityOf(certificate: X509Certificate): ReadIdentity {
  const before = known.get(certificate);
  if (before !== undefined) return before;
  const identity = readIdentity(certificate.raw);
  known.set(certificate, identity);
  return identity;
}

/** Reads the identity in the DER of a certificate. It never throws. */
export function readIdentity(der: Buffer): ReadIdentity {
  try {
    return identityIn(der);
  } catch (error) {
    return { fault: messageOf(error) };
  }
}

const VERSION = 0xa0;
const EXTENSIONS = 0xa3;
const BOOLEAN_TAG = 0x01;

const SUBJECT_ALTERNATIVE_NAME = '2.5.29.17';
const KEY_USAGE = '2.5.29.15';
const EXTENDED_KEY_USAGE = '2.5.29.37';
const BASIC_CONSTRAINTS = '2.5.29.19';
const QUALIFIED_STATEMENTS = '1.3.6.1.5.5.7.1.3';

/** @throws RangeError for what is no certificate, or one whose names and purposes can't be read */
function identityIn(der: Buffer): CertificateIdentity {
  const [tbs] = childrenOf(der, elementAt(der, 0));
  const fields = tbs === undefined ? [] : childrenOf(der, tbs);
  const [serialNumber, , issuer, , subject] = fields[0]?.tag === VERSION ? fields.slice(1) : fields;
  if (serialNumber?.tag !== INTEGER || issuer === undefined || subject === undefined) {
    throw new RangeError('it is no certificate');
  }
  const extensions = extensionsIn(
    der,
    fields.find(({ tag }) => tag === EXTENSIONS),
  );
  const read = <Value>(type: string, reader: (value: Buffer) => Value): Value | undefined => {
    const extension = extensions.get(type);
    return extension === undefined ? undefined : reader(extension.value);
  };
  const alternativeNames = read(SUBJECT_ALTERNATIVE_NAME, readAlternativeNames) ?? NO_NAMES;
  const name = readName(der, subject);
  return {
    serialNumber: canonicalSerialNumber(contentHex(der, serialNumber)),
    subject: name,
    issuer: readName(der, issuer),
    alternativeNames,
    extendedKeyUsage: read(EXTENDED_KEY_USAGE, readPurposes),
    keyUsage: read(KEY_USAGE, (value) => readKeyUsage(value, extensions.get(KEY_USAGE)?.critical === true)),
    isCa: read(BASIC_CONSTRAINTS, readIsCa) ?? false,
    spiffeId: spiffeIdOf(alternativeNames.uri),
    organizationIdentifier: onlyValueOf(name, ATTRIBUTE_TYPES.organizationIdentifier),
    qualified: read(QUALIFIED_STATEMENTS, readQualifiedStatements) ?? NO_STATEMENTS,
  };
}

/** As certificates are told apart by it: whatever its case, separators and leading zeros. */
export function canonicalSerialNumber(hex: string): string {
  return hex
    .replaceAll(/[:\s]/g, '')
    .replace(/^0+(?=.)/, '')
    .toUpperCase();
}

interface Extension {
  readonly critical: boolean;
  readonly value: Buffer;
}

/** By their object identifiers. @throws RangeError where one is there twice: which of them counts could not be told */
function extensionsIn(der: Buffer, list: DerElement | undefined): ReadonlyMap<string, Extension> {
  const found = new Map<string, Extension>();
  const [sequence] = list === undefined ? [] : childrenOf(der, list);
  for (const element of sequence === undefined ? [] : childrenOf(der, sequence)) {
    const [type, ...rest] = childrenOf(der, element);
    const value = rest.at(-1);
    if (type === undefined || value === undefined) throw new RangeError('an extension is not whole');
    const identifier = objectIdentifier(der.subarray(type.content, type.end));
    if (found.has(identifier)) throw new RangeError(`the extension ${identifier} is there twice`);
    found.set(identifier, {
      critical: rest[0]?.tag === BOOLEAN_TAG && der[rest[0].content] !== 0,
      value: der.subarray(value.content, value.end),
    });
  }
  return found;
}

function readPurposes(der: Buffer): readonly string[] {
  return sequenceIn(der).map(({ content, end }) => objectIdentifier(der.subarray(content, end)));
}

/** A BIT STRING: the number of unused bits, and then the bits. */
function readKeyUsage(der: Buffer, critical: boolean): KeyUsage {
  const { content, end } = elementAt(der, 0);
  const bits = content + 1 < end ? (der[content + 1] ?? 0) : 0;
  const has = (bit: number): boolean => (bits & (0x80 >> bit)) !== 0;
  return {
    critical,
    digitalSignature: has(0),
    keyEncipherment: has(2),
    keyCertSign: has(5),
    crlSign: has(6),
  };
}

function readIsCa(der: Buffer): boolean {
  const [first] = sequenceIn(der);
  return first?.tag === BOOLEAN_TAG && der[first.content] !== 0;
}

function sequenceIn(der: Buffer): readonly DerElement[] {
  const element = elementAt(der, 0);
  if (element.tag !== SEQUENCE) throw new RangeError('an extension is not what it should be');
  return childrenOf(der, element);
}
