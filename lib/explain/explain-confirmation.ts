import type { AuthorizationServer } from '../access-token/authorization-server.js';
import { chainTrust } from '../client-certificate/certificate-settings.js';
import type { ClientCertificateFinding } from '../client-certificate/client-certificate.js';
import {
  checkMayBeUnbound,
  checkScheme,
  checkThumbprint,
  checkTrust,
  checkValidity,
  requireCertificate,
} from '../confirmation/check-confirmation.js';
import { readConfirmation } from '../confirmation/confirmation-claim.js';
import type { BindingMethod, Confirmation } from '../decision.js';
import type { JsonObject } from '../jose/json-object.js';
import { explainProof } from './explain-proof.js';
import type { Check } from './explanation.js';
import type { Presented, Situation } from './situation.js';
import type { Steps, Told } from './steps.js';

/**
 * Says of each key that a token is bound to whether the caller has proved it.
 * @returns by what it is proved, as far as that was checked
 */
export function explainConfirmation(
  steps: Steps,
  claims: JsonObject,
  server: AuthorizationServer,
  presented: Presented,
  situation: Situation,
): Promise<readonly BindingMethod[]> {
  const { dpop } = situation.rules;
  const expected = dpop === undefined ? 'cnf with x5t#S256' : 'cnf with x5t#S256, jkt, or both';
  const { binding } = server.settings;
  const read = steps.check(
    told('confirmation', binding === 'required' ? expected : `${expected}, or no cnf`, boundTo(claims)),
    () => {
      const found = readConfirmation(claims, dpop !== undefined);
      if (found === undefined) checkMayBeUnbound(binding);
      return found;
    },
  );
  return read.kind === 'failed' ? Promise.resolve([]) : explainKeys(steps, read.value, presented, situation);
}

async function explainKeys(
  steps: Steps,
  confirmation: Confirmation | undefined,
  presented: Presented,
  situation: Situation,
): Promise<readonly BindingMethod[]> {
  const needed = confirmation?.jwkThumbprint === undefined ? 'Bearer' : 'DPoP';
  steps.check(told('scheme', needed, presented.scheme), () => checkScheme(confirmation, presented.scheme));
  const { certificateThumbprint, jwkThumbprint } = confirmation ?? {};
  const proved: BindingMethod[] = [];
  if (certificateThumbprint !== undefined) {
    await explainCertificate(steps, certificateThumbprint, presented.certificate, situation);
    if (!steps.hasFailed(...CERTIFICATE_CHECKS)) proved.push('certificate');
  }
  const { dpop } = situation.rules;
  if (jwkThumbprint !== undefined && dpop !== undefined) {
    explainProof(steps, jwkThumbprint, dpop, presented, situation.knowsNonces);
    if (!steps.taken.some(({ check, result }) => check.startsWith('proof_') && result === 'failed'))
      proved.push('dpop');
  }
  return proved;
}

const CERTIFICATE_CHECKS = [
  'certificate',
  'certificate_validity',
  'certificate_thumbprint',
  'certificate_chain',
] as const;

async function explainCertificate(
  steps: Steps,
  thumbprint: string,
  finding: ClientCertificateFinding,
  { rules, seesChains, mayAsk }: Situation,
): Promise<void> {
  const found = steps.check(
    told('certificate', 'a certificate whose key the client has proved', whatWasFound(finding)),
    () => requireCertificate(finding),
  );
  if (found.kind === 'failed') return;
  const certificate = found.value;
  const trust = chainTrust(rules.options.clientCertificate);
  const certificateChecks = mayAsk ? rules.certificateChecks : undefined;
  const { notBefore, notAfter } = certificate;
  steps.check(
    told('certificate_validity', 'valid now', `from ${dateOf(notBefore)} to ${dateOf(notAfter)}`),
    () => checkValidity(certificate, Date.now()),
  );
  steps.check(told('certificate_thumbprint', thumbprint, certificate.thumbprint), () =>
    checkThumbprint(thumbprint, certificate, { trust, seenCertificates: rules.seenCertificates }),
  );
  const step = told('certificate_chain', 'a chain to a trusted CA', 'a chain');
  if (trust === 'any') steps.skip({ ...step, found: "not checked: trust is 'any'" });
  else if (!seesChains) steps.skip({ ...step, found: 'not checked: the connection, or the proxy, shows it' });
  else await steps.checkLater(step, () => checkTrust(certificate, { trust, certificateChecks }));
  if (rules.certificateChecks !== undefined && certificateChecks === undefined && trust !== 'any')
    steps.skip(
      told(
        'certificate_checks',
        'what else the options ask of it',
        'not checked: others may have to be asked',
      ),
    );
}

function whatWasFound(finding: ClientCertificateFinding): string {
  return finding.kind === 'found' ? `one with the thumbprint ${finding.certificate.thumbprint}` : 'none';
}

function dateOf(time: number): string {
  return Number.isNaN(time) ? 'a date that cannot be read' : new Date(time).toISOString();
}

/** Names of members alone. */
function boundTo(claims: JsonObject): string {
  if (!Object.hasOwn(claims, 'cnf')) return 'no cnf';
  const { cnf } = claims as { readonly cnf: unknown };
  if (typeof cnf !== 'object' || cnf === null) return 'a cnf that is no object';
  const names = Object.keys(cnf).slice(0, 5);
  return `cnf with ${names.map((name) => JSON.stringify(name.slice(0, 40))).join(', ') || 'nothing'}`;
}

function told(check: Check, expected: string, found: string): Told {
  return { stage: 'confirmation', check, expected, found };
}
