import type { RefusalReason } from '../challenge/reasons.js';

/** Where in the way of a request a check belongs. */
export type ExplainedStage = 'request' | 'access-token' | 'confirmation' | 'authorization';

/** The checks of a request, in the order in which they are made. */
export const CHECKS = [
  'credentials',
  'session_origin',
  'session',
  'token_form',
  'issuer',
  'type',
  'algorithm',
  'critical_header',
  'signature',
  'issuer_claim',
  'audience',
  'times',
  'claims',
  'kind',
  'introspection',
  'confirmation',
  'scheme',
  'certificate',
  'certificate_validity',
  'certificate_thumbprint',
  'certificate_chain',
  'certificate_checks',
  'proof_form',
  'proof_method',
  'proof_target',
  'proof_token',
  'proof_time',
  'proof_nonce',
  'proof_key',
  'proof_signature',
  'proof_replay',
  'status_list',
  'status',
  'user',
  'demands',
  'decision',
] as const;

/** What is checked: stable names. */
export type Check = (typeof CHECKS)[number];

/** One check, and what came of it. None of its texts holds a token, a proof or a secret. */
export interface ExplainedStep {
  readonly stage: ExplainedStage;
  readonly check: Check;
  /** `not-checked`: it could not be, or was not to be; `found` says why. */
  readonly result: 'passed' | 'failed' | 'not-checked';
  readonly expected: string;
  readonly found: string;
  /** Of a check that failed. */
  readonly reason?: RefusalReason;
  /** What to do about it. */
  readonly remedy?: string;
}

/** Which presets accept the header and the claims of a JWT, by the names that the library exports them under. */
export interface FittingPresets {
  readonly fitting: readonly string[];
  /** The one whose server has made the token, as far as its issuer or its claims tell. */
  readonly likely?: string;
}

/** What a configuration decides about a request, and why. */
export interface Explanation {
  /** `accepted`: by every check that was made; what was not checked, `notChecked` names. */
  readonly outcome: 'accepted' | 'refused' | 'unavailable';
  /** Why it is not accepted. */
  readonly reason?: RefusalReason;
  /** What the caller is told: status, and OAuth error code where there is one. */
  readonly status?: number;
  readonly error?: string;
  readonly steps: readonly ExplainedStep[];
  readonly notChecked: readonly Check[];
  /** Of a JWT whose issuer is trusted. */
  readonly presets?: FittingPresets;
}
