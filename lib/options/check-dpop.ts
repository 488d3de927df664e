import type { CertBoundAuthOptions } from '../cert-bound-auth.options.js';
import { normalizeBase } from '../confirmation/target-uri.js';
import { type ConfigurationProblem, problem } from './configuration-error.js';

/** Checks the options of DPoP and of the report of unbound tokens; each has the right type already. */
export function checkDpop(options: CertBoundAuthOptions): readonly ConfigurationProblem[] {
  return [...checkPublicUrls(options), ...checkReport(options)];
}

function checkPublicUrls({ dpop }: CertBoundAuthOptions): readonly ConfigurationProblem[] {
  if (dpop === undefined || typeof dpop.publicUrl === 'function') return [];
  const remedy =
    'give the origin, and path prefix if any, that clients see: an https: URL without query, fragment and userinfo';
  return [dpop.publicUrl]
    .flat()
    .filter((url) => normalizeBase(url) === undefined)
    .map((url) => problem('dpop.publicUrl', url, remedy));
}

function checkReport({
  reportUnbound = false,
  binding,
  authorizationServers,
}: CertBoundAuthOptions): readonly ConfigurationProblem[] {
  if (reportUnbound === false) return [];
  if (authorizationServers.some((server) => (server.binding ?? binding) === 'if-bound')) return [];
  const remedy = "there is nothing to report: without binding: 'if-bound' unbound tokens are refused";
  return [problem('reportUnbound', reportUnbound, remedy)];
}
