import type { CertBoundAuthOptions } from '../cert-bound-auth.options.js';
import { type ConfigurationProblem, problem } from './configuration-error.js';

/** Checks that there can be something to report. */
export function checkReportUnbound({
  reportUnbound = false,
  binding,
  authorizationServers,
}: CertBoundAuthOptions): readonly ConfigurationProblem[] {
  if (reportUnbound === false) return [];
  if (authorizationServers.some((server) => (server.binding ?? binding) === 'if-bound')) return [];
  const remedy = "there is nothing to report: without binding: 'if-bound' unbound tokens are refused";
  return [problem('reportUnbound', reportUnbound, remedy)];
}
