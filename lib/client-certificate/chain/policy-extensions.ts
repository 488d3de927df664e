import {
  CERTIFICATE_POLICIES,
  type Extensions,
  INHIBIT_ANY_POLICY,
  POLICY_CONSTRAINTS,
  POLICY_MAPPINGS,
} from './certificate-extensions.js';
import {
  childrenOf,
  type DerElement,
  identifierOf,
  INTEGER,
  numberOf,
  onlyElement,
  SEQUENCE,
} from './der.js';

/** What a certificate says of policies (RFC 5280 §4.2.1.4, §4.2.1.5, §4.2.1.11, §4.2.1.14). */
export interface PolicyExtensions {
  /** Object identifiers; `undefined` where it names none. */
  readonly policies: ReadonlySet<string> | undefined;
  /** Which policies of those below stand for which of those above. */
  readonly mappings: readonly (readonly [above: string, below: string])[];
  /** After how many certificates a path needs a policy. */
  readonly requireExplicitPolicy: number | undefined;
  /** After how many no policy stands for another. */
  readonly inhibitPolicyMapping: number | undefined;
  /** After how many any policy is none. */
  readonly inhibitAnyPolicy: number | undefined;
}

/** @throws RangeError when they can't be read */
export function policyExtensionsOf(extensions: Extensions): PolicyExtensions {
  const inhibit = extensions.get(INHIBIT_ANY_POLICY)?.value;
  return {
    policies: policiesOf(extensions.get(CERTIFICATE_POLICIES)?.value),
    mappings: mappingsOf(extensions.get(POLICY_MAPPINGS)?.value),
    ...constraintsOf(extensions.get(POLICY_CONSTRAINTS)?.value),
    inhibitAnyPolicy: inhibit === undefined ? undefined : numberOf(inhibit, onlyElement(inhibit, INTEGER)),
  };
}

/** Their qualifiers are for people. */
function policiesOf(value: Buffer | undefined): ReadonlySet<string> | undefined {
  if (value === undefined) return undefined;
  const policies = identifiersIn(value).map(([policy = '']) => policy);
  if (policies.length === 0) throw new RangeError('its policies are malformed');
  return new Set(policies);
}

function mappingsOf(value: Buffer | undefined): PolicyExtensions['mappings'] {
  if (value === undefined) return [];
  return identifiersIn(value, 2).map(([above = '', below = '']) => [above, below]);
}

/** The identifiers at the beginning of each member. */
function identifiersIn(value: Buffer, count = 1): readonly (readonly string[])[] {
  return childrenOf(value, onlyElement(value, SEQUENCE)).map((member) => {
    const parts = childrenOf(value, member).slice(0, count);
    if (parts.length < count) throw new RangeError('its policies are malformed');
    return parts.map((part) => identifierOf(value, part));
  });
}

const EXPLICIT = 0x80;
const MAPPING = 0x81;

function constraintsOf(
  value: Buffer | undefined,
): Pick<PolicyExtensions, 'requireExplicitPolicy' | 'inhibitPolicyMapping'> {
  const members = value === undefined ? [] : childrenOf(value, onlyElement(value, SEQUENCE));
  if (value !== undefined && !ALLOWED.has(members.map(({ tag }) => tag).join())) {
    throw new RangeError('its policy constraints are malformed');
  }
  const at = (wanted: number): number | undefined => {
    const member: DerElement | undefined = members.find(({ tag }) => tag === wanted);
    if (member === undefined || value === undefined) return undefined;
    return numberOf(value, { ...member, tag: INTEGER });
  };
  return { requireExplicitPolicy: at(EXPLICIT), inhibitPolicyMapping: at(MAPPING) };
}

/** One of them at least, in this order. */
const ALLOWED = new Set([`${EXPLICIT}`, `${MAPPING}`, `${EXPLICIT},${MAPPING}`]);
