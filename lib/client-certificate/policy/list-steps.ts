import { messageOf } from '../../common/message-of.js';
import type { CertificateProblem } from '../certificate-checks.js';
import { rfc4514 } from '../identity/distinguished-name.js';
import type { PolicyStep } from './policy-outcome.js';
import type { CurrentRules } from './rule-list.js';
import type { Rule, Subject } from './rules.js';

/** Why the lists cannot be used at present; `undefined` where they can. */
export function unusableList(lists: {
  readonly allow: CurrentRules;
  readonly deny: CurrentRules;
}): CertificateProblem | undefined {
  for (const [name, rules] of Object.entries(lists)) {
    if (rules !== undefined && 'fault' in rules) return unusable(`${name}: ${rules.fault}`);
  }
  return undefined;
}

/** @param deny rules that can be used */
export function denyStep(subject: Subject, deny: CurrentRules): PolicyStep {
  if (deny === undefined) return undefined;
  return attempt(() =>
    (deny as readonly Rule[]).some((rule) => rule(subject, 'deny'))
      ? { reason: 'certificate_denied', detail: `deny has a rule for it (${nameOf(subject)})` }
      : { rule: 'deny', found: 'no rule is for it' },
  );
}

/** @param allow rules that can be used */
export function allowStep(subject: Subject, allow: CurrentRules): PolicyStep {
  if (allow === undefined) return undefined;
  return attempt(() => {
    const entry = (allow as readonly Rule[]).findIndex((rule) => rule(subject, 'allow'));
    return entry === -1
      ? { reason: 'certificate_not_allowed', detail: `allow has no rule for it (${nameOf(subject)})` }
      : { rule: 'allow', entry, found: `allow[${entry}] is for it` };
  });
}

function attempt(step: () => PolicyStep): PolicyStep {
  try {
    return step();
  } catch (error) {
    return unusable(`a function among its rules threw ${messageOf(error)}`);
  }
}

function nameOf({ identity: { subject } }: Subject): string {
  return rfc4514(subject);
}

function unusable(detail: string): CertificateProblem {
  return { reason: 'certificate_policy_unusable', detail };
}
