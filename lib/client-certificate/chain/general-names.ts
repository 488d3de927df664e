import { type Extensions, SUBJECT_ALTERNATIVE_NAME } from './certificate-extensions.js';
import { childrenOf, contentOf, type DerElement, onlyElement, SEQUENCE } from './der.js';

/** A `GeneralName` (RFC 5280 §4.2.1.6). */
export interface GeneralName {
  /** Which kind of name it is: its tag. */
  readonly kind: number;
  /** The content of its element; of a directory name the DER of the name. */
  readonly value: Buffer;
}

export const OTHER_NAME = 0xa0;
export const EMAIL = 0x81;
export const DNS_NAME = 0x82;
export const DIRECTORY_NAME = 0xa4;
export const URI = 0x86;
export const IP_ADDRESS = 0x87;

export function generalNameOf(der: Buffer, element: DerElement): GeneralName {
  return { kind: element.tag, value: contentOf(der, element) };
}

/** The subject alternative names of a certificate. @throws RangeError when they can't be read */
export function subjectAltNamesOf(extensions: Extensions): readonly GeneralName[] {
  const value = extensions.get(SUBJECT_ALTERNATIVE_NAME)?.value;
  if (value === undefined) return [];
  return childrenOf(value, onlyElement(value, SEQUENCE)).map((element) => generalNameOf(value, element));
}
