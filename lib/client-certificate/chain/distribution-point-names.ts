import { childrenOf, type DerElement } from './der.js';
import { nameKey, relativeNameKey } from './name-key.js';

const FULL_NAME = 0xa0;
const RELATIVE_NAME = 0xa1;

/**
 * The names of a distribution point (RFC 5280 §4.2.1.13).
 * @param issuer whose name a relative one is a part of, as {@link nameKey} has it
 * @throws RangeError for what are no names
 */
export function pointNamesOf(der: Buffer, point: DerElement, issuer: string): readonly string[] {
  const [name] = childrenOf(der, point);
  if (name?.tag === RELATIVE_NAME) return [relativeNameKey(der, issuer, name)];
  if (name?.tag !== FULL_NAME) throw new RangeError('a distribution point has another kind of name');
  return generalNameKeys(der, name);
}

/** Texts by which general names are compared: directory names as all names are, others by their bytes. */
export function generalNameKeys(der: Buffer, names: DerElement): readonly string[] {
  return childrenOf(der, names).map((name) => {
    const [inner] = name.tag === DIRECTORY_NAME ? childrenOf(der, name) : [];
    return inner === undefined ? der.toString('hex', name.start, name.end) : nameKey(der, inner);
  });
}

/** The directory names among them, likewise: certificates name their issuers by nothing else. */
export function directoryNameKeys(der: Buffer, names: DerElement): readonly string[] {
  return childrenOf(der, names)
    .filter(({ tag }) => tag === DIRECTORY_NAME)
    .map((name) => nameKey(der, childrenOf(der, name)[0] ?? name));
}

const DIRECTORY_NAME = 0xa4;

/** All reasons that a list can be about, from `keyCompromise` to `aACompromise` (RFC 5280 §4.2.1.13), a bit each. */
export const ALL_REASONS = 0x7f80;

/** `ReasonFlags`, a `BIT STRING` whatever its tag. */
export function reasonsOf(der: Buffer, { content, end }: DerElement): number {
  const [, first = 0, second = 0] = der.subarray(content, end);
  return ((first << 8) | second) & ALL_REASONS;
}
