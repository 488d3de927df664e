import type { CertBoundAuthOptions } from '../cert-bound-auth.options.js';
import { normalizeBase } from '../dpop/target-uri.js';
import { type ConfigurationProblem, problem } from './configuration-error.js';

/** Checks what the options of DPoP say; each has the right type already. */
export function checkDpop({ dpop }: CertBoundAuthOptions): readonly ConfigurationProblem[] {
  if (dpop === undefined || typeof dpop.publicUrl === 'function') return [];
  const remedy =
    'give the origin, and path prefix if any, that clients see: an https: URL without query, fragment and userinfo';
  return [dpop.publicUrl]
    .flat()
    .filter((url) => normalizeBase(url) === undefined)
    .map((url) => problem('dpop.publicUrl', url, remedy));
}
