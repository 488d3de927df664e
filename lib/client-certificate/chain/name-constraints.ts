import { type Extensions, NAME_CONSTRAINTS } from './certificate-extensions.js';
import { childrenOf, contentHex, type DerElement, onlyElement, SEQUENCE } from './der.js';
import {
  DIRECTORY_NAME,
  DNS_NAME,
  EMAIL,
  type GeneralName,
  generalNameOf,
  IP_ADDRESS,
  URI,
} from './general-names.js';

/** Which names those below a CA may have (RFC 5280 §4.2.1.10). */
export interface NameConstraints {
  readonly permitted: readonly GeneralName[];
  readonly excluded: readonly GeneralName[];
}

const PERMITTED = 0xa0;
const EXCLUDED = 0xa1;

/** @throws RangeError when they can't be read, or say what is not supported */
export function nameConstraintsOf(extensions: Extensions): NameConstraints | undefined {
  const value = extensions.get(NAME_CONSTRAINTS)?.value;
  if (value === undefined) return undefined;
  const members = childrenOf(value, onlyElement(value, SEQUENCE));
  const tags = members.map(({ tag }) => tag).join();
  if (!ALLOWED.has(tags)) throw new RangeError('the name constraints are malformed');
  return {
    permitted: subtreesOf(
      value,
      members.find(({ tag }) => tag === PERMITTED),
    ),
    excluded: subtreesOf(
      value,
      members.find(({ tag }) => tag === EXCLUDED),
    ),
  };
}

/** One of them at least, in this order. */
const ALLOWED = new Set([`${PERMITTED}`, `${EXCLUDED}`, `${PERMITTED},${EXCLUDED}`]);

function subtreesOf(der: Buffer, list: DerElement | undefined): readonly GeneralName[] {
  if (list === undefined) return [];
  const subtrees = childrenOf(der, list);
  if (subtrees.length === 0) throw new RangeError('the name constraints are malformed');
  return subtrees.map((subtree) => subtreeOf(der, subtree));
}

const SUPPORTED = new Set([EMAIL, DNS_NAME, DIRECTORY_NAME, URI, IP_ADDRESS]);
const MINIMUM = 0x80;

/** `SEQUENCE { base GeneralName, minimum [0] DEFAULT 0, maximum [1] OPTIONAL }`, of which nobody uses the numbers. */
function subtreeOf(der: Buffer, subtree: DerElement): GeneralName {
  const [base, minimum, ...others] = childrenOf(der, subtree);
  if (subtree.tag !== SEQUENCE || base === undefined)
    throw new RangeError('the name constraints are malformed');
  const isWithoutNumbers =
    minimum === undefined || (minimum.tag === MINIMUM && contentHex(der, minimum) === '00');
  if (!isWithoutNumbers || others.length > 0) {
    throw new RangeError('its name constraints have a minimum or a maximum, which is not supported');
  }
  if (!SUPPORTED.has(base.tag)) {
    throw new RangeError('its name constraints are of a kind that is not supported');
  }
  return generalNameOf(der, base);
}
