import {
  BIT_STRING,
  BOOLEAN,
  booleanOf,
  childrenOf,
  contentHex,
  contentOf,
  type DerElement,
  identifierOf,
  numberOf,
  OCTET_STRING,
  onlyElement,
  SEQUENCE,
} from './der.js';

/** An extension of a certificate, a list, or an entry of a list (RFC 5280 §4.2). */
export interface Extension {
  readonly critical: boolean;
  /** The DER of what it says. */
  readonly value: Buffer;
}

/** By their object identifiers, with dots. */
export type Extensions = ReadonlyMap<string, Extension>;

export const BASIC_CONSTRAINTS = '2.5.29.19';
export const KEY_USAGE = '2.5.29.15';
export const EXTENDED_KEY_USAGE = '2.5.29.37';
export const SUBJECT_ALTERNATIVE_NAME = '2.5.29.17';
const SUBJECT_KEY_IDENTIFIER = '2.5.29.14';
export const NAME_CONSTRAINTS = '2.5.29.30';
export const CERTIFICATE_POLICIES = '2.5.29.32';
export const POLICY_CONSTRAINTS = '2.5.29.36';
export const POLICY_MAPPINGS = '2.5.29.33';
export const INHIBIT_ANY_POLICY = '2.5.29.54';

const UNDERSTOOD = new Set([
  BASIC_CONSTRAINTS,
  KEY_USAGE,
  EXTENDED_KEY_USAGE,
  SUBJECT_ALTERNATIVE_NAME,
  NAME_CONSTRAINTS,
  CERTIFICATE_POLICIES,
  POLICY_CONSTRAINTS,
  POLICY_MAPPINGS,
  INHIBIT_ANY_POLICY,
]);

/**
 * Reads a list of extensions. None may come twice: which of them counts would be a matter of taste.
 * @param list a `SEQUENCE OF Extension`
 * @throws RangeError when it can't be read
 */
export function readExtensions(der: Buffer, list: DerElement): Extensions {
  const extensions = new Map<string, Extension>();
  for (const element of childrenOf(der, list)) {
    const [identifier, extension] = readExtension(der, element);
    if (extensions.has(identifier)) throw new RangeError(`the extension ${identifier} comes twice`);
    extensions.set(identifier, extension);
  }
  return extensions;
}

/** `SEQUENCE { extnID OBJECT IDENTIFIER, critical BOOLEAN DEFAULT FALSE, extnValue OCTET STRING }` */
function readExtension(der: Buffer, element: DerElement): readonly [string, Extension] {
  const [identifier, ...rest] = childrenOf(der, element);
  const [critical, value] = rest[0]?.tag === BOOLEAN ? rest : [undefined, ...rest];
  const isWhole = rest.length === (critical === undefined ? 1 : 2) && value?.tag === OCTET_STRING;
  if (identifier === undefined || value === undefined || !isWhole)
    throw new RangeError('an extension is malformed');
  const isCritical = critical !== undefined && booleanOf(der, critical);
  return [identifierOf(der, identifier), { critical: isCritical, value: contentOf(der, value) }];
}

/** The critical ones that nothing here understands: object identifiers. */
export function unsupportedOf(extensions: Extensions): readonly string[] {
  return [...extensions].filter(([id, { critical }]) => critical && !UNDERSTOOD.has(id)).map(([id]) => id);
}

/** What a certificate says of its standing as a CA (RFC 5280 §4.2.1.9). */
export interface BasicConstraints {
  readonly isCa: boolean;
  /** How many CAs may stand between this one and a leaf; `undefined` for any number. */
  readonly pathLength: number | undefined;
}

/** `SEQUENCE { cA BOOLEAN DEFAULT FALSE, pathLenConstraint INTEGER OPTIONAL }` @throws RangeError when it can't be read */
export function basicConstraintsOf(extensions: Extensions): BasicConstraints | undefined {
  const value = extensions.get(BASIC_CONSTRAINTS)?.value;
  if (value === undefined) return undefined;
  const members = childrenOf(value, onlyElement(value, SEQUENCE));
  const [ca, ...rest] = members[0]?.tag === BOOLEAN ? members : [undefined, ...members];
  const [length, ...others] = rest;
  if (others.length > 0) throw new RangeError('the basic constraints are malformed');
  return {
    isCa: ca !== undefined && booleanOf(value, ca),
    pathLength: length === undefined ? undefined : numberOf(value, length),
  };
}

/** What a key may do (RFC 5280 §4.2.1.3). */
export interface KeyUsage {
  readonly digitalSignature: boolean;
  readonly keyCertSign: boolean;
  readonly cRLSign: boolean;
}

/** @throws RangeError when it can't be read */
export function keyUsageOf(extensions: Extensions): KeyUsage | undefined {
  const value = extensions.get(KEY_USAGE)?.value;
  if (value === undefined) return undefined;
  // The number of unused bits comes first.
  const [unused = 8, bits] = contentOf(value, onlyElement(value, BIT_STRING));
  if (unused > 7 || bits === undefined) throw new RangeError('the key usage is malformed');
  return {
    digitalSignature: (bits & 0x80) !== 0,
    keyCertSign: (bits & 0x04) !== 0,
    cRLSign: (bits & 0x02) !== 0,
  };
}

/** Object identifiers (RFC 5280 §4.2.1.12). @throws RangeError when they can't be read */
export function extendedKeyUsageOf(extensions: Extensions): readonly string[] | undefined {
  const value = extensions.get(EXTENDED_KEY_USAGE)?.value;
  if (value === undefined) return undefined;
  const usages = childrenOf(value, onlyElement(value, SEQUENCE)).map((usage) => identifierOf(value, usage));
  if (usages.length === 0) throw new RangeError('the extended key usage is empty');
  return usages;
}

/** The identifier of its key, hex (RFC 5280 §4.2.1.2). @throws RangeError when it can't be read */
export function subjectKeyIdOf(extensions: Extensions): string | undefined {
  const value = extensions.get(SUBJECT_KEY_IDENTIFIER)?.value;
  return value === undefined ? undefined : contentHex(value, onlyElement(value, OCTET_STRING));
}
