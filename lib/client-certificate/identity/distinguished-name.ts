import { childrenOf, type DerElement, objectIdentifier, SEQUENCE, SET } from '../chain/der.js';
import { ATTRIBUTE_NAMES } from './attribute-types.js';
import { textOf } from './text-of.js';

/** One attribute of a name. */
export interface NameAttribute {
  /** Its object identifier. */
  readonly type: string;
  /** `undefined` where its value is no text. */
  readonly text: string | undefined;
  /** The DER of its value, hex. */
  readonly der: string;
}

/** A name, as the certificate has it: the root of the tree first. Each part has one attribute, or several. */
export type DistinguishedName = readonly (readonly NameAttribute[])[];

/** @throws RangeError for what is no name */
export function readName(der: Buffer, name: DerElement): DistinguishedName {
  requireTag(name, SEQUENCE);
  return childrenOf(der, name).map((part) => {
    requireTag(part, SET);
    return childrenOf(der, part).map((attribute) => readAttribute(der, attribute));
  });
}

function readAttribute(der: Buffer, attribute: DerElement): NameAttribute {
  requireTag(attribute, SEQUENCE);
  const [type, value, ...others] = childrenOf(der, attribute);
  if (type === undefined || value === undefined || others.length > 0) throw new RangeError('it is no name');
  return {
    type: objectIdentifier(der.subarray(type.content, type.end)),
    text: textOf(der, value),
    der: der.toString('hex', value.start, value.end),
  };
}

function requireTag({ tag }: DerElement, expected: number): void {
  if (tag !== expected) throw new RangeError('it is no name');
}

/** Every value of an attribute in a name, where it is text. @param type its object identifier */
export function valuesOf(name: DistinguishedName, type: string): readonly string[] {
  return name.flat().flatMap((attribute) => (attribute.type === type ? (attribute.text ?? []) : []));
}

/** How often an attribute is in a name, whatever its values are. */
export function countOf(name: DistinguishedName, type: string): number {
  return name.flat().filter((attribute) => attribute.type === type).length;
}

/** The value of an attribute that is there just once, as text; `undefined` where it is not. */
export function onlyValueOf(name: DistinguishedName, type: string): string | undefined {
  return countOf(name, type) === 1 ? valuesOf(name, type)[0] : undefined;
}

/** A text that is the same for names that are equal in every character, whatever kind of string these are in. */
export function exactKey(name: DistinguishedName): string {
  return JSON.stringify(
    name.map((part) =>
      part
        .map(({ type, text, der }) => JSON.stringify([type, text ?? null, text === undefined ? der : '']))
        .toSorted(),
    ),
  );
}

/** A name as RFC 4514 writes it, the leaf of the tree first. Nothing in a value can pass for another attribute. */
export function rfc4514(name: DistinguishedName): string {
  return name
    .toReversed()
    .map((part) => part.map(attributeText).join('+'))
    .join(',');
}

/** Of a type without a name, and of a value that is no text, the DER (RFC 4514 §2.4). */
function attributeText({ type, text, der }: NameAttribute): string {
  const name = ATTRIBUTE_NAMES.get(type);
  return name === undefined || text === undefined ? `${name ?? type}=#${der}` : `${name}=${escaped(text)}`;
}

function escaped(text: string): string {
  return text
    .replaceAll(/[\\"+,;<>]/g, String.raw`\$&`)
    .replace(/^[ #]/, String.raw`\$&`)
    .replace(/ $/, String.raw`\ `)
    .replaceAll(/\p{Cc}/gu, hexPairs);
}

function hexPairs(character: string): string {
  return [...Buffer.from(character)].map((byte) => `\\${byte.toString(16).padStart(2, '0')}`).join('');
}
