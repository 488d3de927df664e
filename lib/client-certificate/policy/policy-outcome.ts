import type { CertificateProblem } from '../certificate-checks.js';
import type { CertificatePolicyOutcome } from '../certificate-policy-outcome.js';

/** What was found of one field of a policy; `undefined` where it asks for nothing. */
export type PolicyStep = CertificatePolicyOutcome | CertificateProblem | undefined;

export function isOutcome(step: PolicyStep): step is CertificatePolicyOutcome {
  return step !== undefined && 'rule' in step;
}
