import { type CertificateCheck, CertificateChecks } from './certificate-checks.js';
import type { CertificateSettings } from './certificate-settings.js';
import { certificatePolicyOf } from './policy/certificate-policy.js';
import { revocationCheckOf } from './revocation-check.js';

/** What makes the checks, in the order in which they are asked: those that cost nothing first. */
const CHECKS: readonly ((settings: CertificateSettings) => CertificateCheck | undefined)[] = [
  certificatePolicyOf,
  revocationCheckOf,
];

/** What must hold of a certificate beside its chain, as the settings say; `undefined` where that is nothing. */
export function certificateChecksOf(settings: CertificateSettings): CertificateChecks | undefined {
  const checks = CHECKS.map((make) => make(settings)).filter((check) => check !== undefined);
  return checks.length === 0 ? undefined : new CertificateChecks(checks);
}
