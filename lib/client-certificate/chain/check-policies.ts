import type { CertificateFields } from './certificate-fields.js';
import { isSelfIssued } from './may-issue.js';
import { type PolicyExtensions, policyExtensionsOf } from './policy-extensions.js';

const ANY_POLICY = '2.5.29.32.0';

/** How many certificates may still come before each of these holds (RFC 5280 §6.1.2 (d) to (f)). */
interface Counters {
  readonly explicitPolicy: number;
  readonly policyMapping: number;
  readonly inhibitAnyPolicy: number;
}

interface State extends Counters {
  /** Which policies the next certificate may name. */
  readonly expected: ReadonlySet<string>;
}

const NEVER: State = {
  explicitPolicy: Infinity,
  policyMapping: Infinity,
  inhibitAnyPolicy: Infinity,
  expected: new Set([ANY_POLICY]),
};

/**
 * Whether the policies of a path hold (RFC 5280 §6.1), for somebody who asks for none: a path without a policy fails only
 * where a CA demands one. As nobody asks which policy it is, the sets of each certificate are enough, and no tree is needed
 * (RFC 9618 §3).
 * @param path the client's certificate first, that of the trusted CA last
 * @throws RangeError when what they say can't be read
 */
export function policiesHold(path: readonly CertificateFields[]): boolean {
  const [anchor, ...below] = path.toReversed();
  if (anchor === undefined) return false;
  // What a trusted CA demands holds too.
  let state: State = { ...NEVER, ...constrained(NEVER, policyExtensionsOf(anchor.extensions)) };
  for (const [index, certificate] of below.entries()) {
    const isLeaf = index === below.length - 1;
    const says = policyExtensionsOf(certificate.extensions);
    const named = namedBy(says, state, !isLeaf && isSelfIssued(certificate));
    const isRequired = state.explicitPolicy <= 0 || (isLeaf && isRequiredAtEnd(state, says, certificate));
    if (named.size === 0 && isRequired) return false;
    const expected = isLeaf ? named : mapped(named, says, state);
    if (expected === undefined) return false;
    state = { ...constrained(isSelfIssued(certificate) ? state : counted(state), says), expected };
  }
  return true;
}

/** RFC 5280 §6.1.5 (a), (b) */
function isRequiredAtEnd(
  { explicitPolicy }: State,
  says: PolicyExtensions,
  leaf: CertificateFields,
): boolean {
  return (isSelfIssued(leaf) ? explicitPolicy : explicitPolicy - 1) <= 0 || says.requireExplicitPolicy === 0;
}

/** RFC 5280 §6.1.3 (d), (e) */
function namedBy(
  { policies }: PolicyExtensions,
  { expected, inhibitAnyPolicy }: State,
  isSelfIssuedCa: boolean,
): ReadonlySet<string> {
  if (policies === undefined) return new Set();
  const named = [...policies].filter(
    (policy) => policy !== ANY_POLICY && (expected.has(policy) || expected.has(ANY_POLICY)),
  );
  const isAny = policies.has(ANY_POLICY) && (inhibitAnyPolicy > 0 || isSelfIssuedCa);
  return new Set(isAny ? [...named, ...expected] : named);
}

/** RFC 5280 §6.1.4 (a), (b); `undefined` for a mapping of any policy, which is forbidden. */
function mapped(
  named: ReadonlySet<string>,
  { mappings }: PolicyExtensions,
  { policyMapping }: State,
): ReadonlySet<string> | undefined {
  if (mappings.flat().includes(ANY_POLICY)) return undefined;
  const above = new Set(mappings.map(([policy]) => policy));
  const others = [...named].filter((policy) => !above.has(policy));
  if (policyMapping <= 0) return new Set(others);
  const below = mappings
    .filter(([policy]) => named.has(policy) || named.has(ANY_POLICY))
    .map(([, policy]) => policy);
  return new Set([...others, ...below]);
}

/** RFC 5280 §6.1.4 (h) */
function counted(state: State): State {
  return {
    ...state,
    explicitPolicy: Math.max(0, state.explicitPolicy - 1),
    policyMapping: Math.max(0, state.policyMapping - 1),
    inhibitAnyPolicy: Math.max(0, state.inhibitAnyPolicy - 1),
  };
}

/** RFC 5280 §6.1.4 (i), (j) */
function constrained(state: Counters, says: PolicyExtensions): Counters {
  return {
    explicitPolicy: Math.min(state.explicitPolicy, says.requireExplicitPolicy ?? Infinity),
    policyMapping: Math.min(state.policyMapping, says.inhibitPolicyMapping ?? Infinity),
    inhibitAnyPolicy: Math.min(state.inhibitAnyPolicy, says.inhibitAnyPolicy ?? Infinity),
  };
}
