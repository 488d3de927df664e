import * as fc from 'fast-check';
import type { PolicyName } from './edge-twin.js';
import { anyChangeOfRequest, anyPlan, type Focus } from './plan/arbitraries.js';
import type { Change, Plan } from './plan/plan.js';
import type { SetupPair } from './setups.js';

/** A new token, and then some that were accepted before: each is sent to one of the two policies. */
export interface Encounter {
  readonly plan: Plan;
  readonly policy: PolicyName;
  readonly again: readonly Echo[];
}

/** One more request with a token that is known. */
export interface Echo {
  readonly policy: PolicyName;
  /** How many accepted tokens ago the token came: 0 is the last one. */
  readonly ago: number;
  readonly change: Change | undefined;
}

const FOCUSES: readonly Focus[] = [
  'credentials',
  'jwt',
  'confirmation',
  'introspection',
  'proof',
  'certificate header',
];
const MOST_ECHOES = 10;
/** Tokens that are sent in turn. */
export const TURNS = 3;

const anyPolicy: fc.Arbitrary<PolicyName> = fc.constantFrom('one', 'other');

/** Of three requests with a known token, one is as the first was, one by another client or by none, one changed. */
const anyEchoChange: fc.Arbitrary<Change | undefined> = fc.oneof(
  fc.constant(undefined),
  fc
    .constantFrom('client2' as const, 'selfSigned', 'foreign', 'expired', 'none')
    .map((name): Change => ({ at: 'certificate', name })),
  anyChangeOfRequest,
);

export function anyEncounter({ one }: SetupPair): fc.Arbitrary<Encounter> {
  return fc.record({
    plan: fc.oneof(...FOCUSES.map((focus) => anyPlan(0, one, focus))),
    policy: anyPolicy,
    again: fc.array(fc.record({ policy: anyPolicy, ago: fc.nat(TURNS - 1), change: anyEchoChange }), {
      minLength: 2,
      maxLength: MOST_ECHOES,
    }),
  });
}

/** What is the same at any moment, and the same to a router and to a proxy, which asks before it reads a body. */
export function isSteadyBehindProxy({ plan, again }: Encounter): boolean {
  const changes = [...plan.variations, ...plan.faults, ...again.flatMap(({ change }) => change ?? [])];
  return plan.again === undefined && changes.every(isSteadyChange);
}

function isSteadyChange(change: Change): boolean {
  if ('edit' in change && 'value' in change.edit && change.edit.value.kind === 'offset') return false;
  return change.at !== 'body' && change.at !== 'target';
}
