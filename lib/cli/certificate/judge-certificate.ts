import type { X509Certificate } from 'node:crypto';
import type { Demands, TokenCheck } from '../../authorization/demands.js';
import type { RefusalReason } from '../../challenge/reasons.js';
import type { CertificateProblem, VerifiedChain } from '../../client-certificate/certificate-checks.js';
import type { CertificateSettings } from '../../client-certificate/certificate-settings.js';
import { chainVerifier } from '../../client-certificate/chain/chain-verifier.js';
import type { ChainVerdict } from '../../client-certificate/chain/chain-verdict.js';
import { distributionPointsOf } from '../../client-certificate/chain/distribution-points.js';
import { type ClientCertificate, describeX509 } from '../../client-certificate/client-certificate.js';
import { certificatePolicyOf } from '../../client-certificate/policy/certificate-policy.js';
import { psd2RolesOf } from '../../client-certificate/policy/psd2-roles.js';
import { allowedUrl } from '../../client-certificate/revocation/allowed-url.js';
import { respondersOf } from '../../client-certificate/revocation/certificate-id.js';
import type { RevocationSettings } from '../../client-certificate/revocation/revocation-settings.js';
import { type RevocationCheck, revocationCheckOf } from '../../client-certificate/revocation-check.js';
import { quotedList } from '../../common/quoted.js';
import { isWithinValidity } from '../../confirmation/check-confirmation.js';
import { REMEDIES } from '../../explain/remedies.js';

/** One thing that a configuration asks of a certificate, and what came of it. */
export interface CertificateStep {
  readonly check: 'validity' | 'chain' | 'policy' | 'client' | 'revocation' | 'roles' | 'issuer';
  /** `not-checked`: it could not be, or was not to be; `found` says why. */
  readonly result: 'passed' | 'failed' | 'not-checked';
  readonly found: string;
  /** Of a check that failed: why the API would refuse the certificate. */
  readonly reason?: RefusalReason;
  readonly remedy?: string;
}

/** A certificate as it would come to an API. */
export interface Presented {
  readonly leaf: X509Certificate;
  readonly chain: readonly X509Certificate[];
}

/**
 * Holds a certificate against what a configuration asks of one, by the code that judges those of requests.
 * @param demands of which those that are about the certificate are looked at
 * @param mayFetch whether lists may be fetched and responders asked; files are read in any case
 */
export async function judgeCertificate(
  { leaf, chain }: Presented,
  settings: CertificateSettings,
  { checks }: Pick<Demands, 'checks'>,
  mayFetch: boolean,
): Promise<readonly CertificateStep[]> {
  const ders = chain.map(({ raw }) => raw);
  // Without the CAs it cannot be known here: the proxy vouches.
  const seesChain = typeof settings.trust === 'object';
  const verdict = chainVerifier(seesChain ? settings.trust : 'proxy')(leaf, ders);
  const certificate = describeX509(leaf, () => verdict);
  const steps = [validityStep(certificate), chainStep(verdict, settings, seesChain)];
  if (verdict.kind === 'unverified' || settings.trust === 'any') return steps;
  return [
    ...steps,
    ...policyStep(certificate, verdict, settings),
    ...clientStep(settings),
    ...(await revocationStep(certificate, verdict, settings, mayFetch)),
    ...checks.flatMap((check) => demandStep(check, certificate)),
  ];
}

function validityStep(certificate: ClientCertificate): CertificateStep {
  const now = Date.now();
  if (isWithinValidity(certificate, now))
    return { check: 'validity', result: 'passed', found: 'it is valid now' };
  const reason = now < certificate.notBefore ? 'certificate_not_yet_valid' : 'certificate_expired';
  return failed('validity', { reason, detail: 'it is not valid now' });
}

function chainStep(
  verdict: ChainVerdict,
  { trust }: CertificateSettings,
  seesChain: boolean,
): CertificateStep {
  if (trust === 'any') return skipped('chain', "trust is 'any': no chain is asked for");
  if (!seesChain) return skipped('chain', 'the proxy verifies it');
  if (verdict.kind === 'unverified')
    return failed('chain', { reason: verdict.reason, detail: verdict.error });
  const { path } = verdict;
  return { check: 'chain', result: 'passed', found: `a path of ${path.length} leads to a trusted CA` };
}

function policyStep(
  certificate: ClientCertificate,
  verdict: VerifiedChain,
  settings: CertificateSettings,
): readonly CertificateStep[] {
  const policy = certificatePolicyOf(settings);
  if (policy === undefined) return [];
  const problem = policy.problemOf(certificate, verdict);
  const found = policy.outcomesOf(certificate, verdict).map((outcome) => `${outcome.rule}: ${outcome.found}`);
  return [
    problem === undefined
      ? {
          check: 'policy',
          result: 'passed',
          found: `it meets the policy for certificates: ${found.join('; ')}`,
        }
      : failed('policy', problem),
  ];
}

/** What a policy demands of the certificate itself. Without the profile for PSD2, no configuration demands roles. */
function demandStep(check: TokenCheck, certificate: ClientCertificate): readonly CertificateStep[] {
  if (check.kind === 'psd2') {
    const roles = psd2RolesOf(certificate);
    const detail = `psd2Roles demands ${quotedList(check.roles)}, the certificate has ${quotedList(roles)}`;
    return check.roles.every((role) => roles.includes(role))
      ? [{ check: 'roles', result: 'passed', found: `it has ${quotedList(check.roles)}` }]
      : [failed('roles', { reason: 'certificate_role_missing', detail })];
  }
  if (check.kind !== 'issuer') return [];
  const wanted = check.issuers.join(' or ');
  return check.isMet(certificate)
    ? [{ check: 'issuer', result: 'passed', found: `it is below ${wanted}` }]
    : [
        failed('issuer', {
          reason: 'certificate_issuer_unmet',
          detail: `certificateIssuedBy demands one below ${wanted}`,
        }),
      ];
}

function clientStep({ policy }: CertificateSettings): readonly CertificateStep[] {
  return policy?.client === undefined
    ? []
    : [skipped('client', 'whether it is that of the client of a token, explain says of a token')];
}

async function revocationStep(
  certificate: ClientCertificate,
  verdict: VerifiedChain,
  settings: CertificateSettings,
  mayFetch: boolean,
): Promise<readonly CertificateStep[]> {
  const { revocation } = settings;
  const check = revocationCheckOf({
    ...settings,
    revocation: mayFetch || revocation === undefined ? revocation : withFilesAlone(revocation),
  });
  if (check === undefined || revocation === undefined) return [];
  const sources = mayFetch ? [] : sourcesOf(verdict, revocation);
  const problem = await problemBy(check, certificate, verdict);
  if (sources.length > 0 && problem?.reason !== 'certificate_revoked')
    return [skipped('revocation', `not asked without --fetch: ${sources.join(', ')}`)];
  if (problem !== undefined) return [failed('revocation', problem)];
  return [{ check: 'revocation', result: 'passed', found: 'nothing that was asked says that it is revoked' }];
}

async function problemBy(
  check: RevocationCheck,
  certificate: ClientCertificate,
  verdict: VerifiedChain,
): Promise<CertificateProblem | undefined> {
  try {
    await check.start();
    return await check.problemOf(certificate, verdict);
  } finally {
    await check.close();
  }
}

function withFilesAlone({ crl, ...others }: RevocationSettings): RevocationSettings {
  return { ...others, crl: crl === undefined ? undefined : { ...crl, hosts: [] }, ocsp: undefined };
}

/** Who would be asked about the certificates of a path. */
function sourcesOf({ path }: VerifiedChain, { crl, ocsp }: RevocationSettings): readonly string[] {
  const named = path.slice(0, -1).flatMap((certificate) => [
    ...permitted(
      distributionPointsOf(certificate).flatMap(({ uris }) => uris),
      crl?.hosts,
    ),
    ...(ocsp?.responder === undefined ? permitted(respondersOf(certificate), ocsp?.hosts) : [ocsp.responder]),
  ]);
  return [...new Set(named)];
}

function permitted(urls: readonly string[], hosts: readonly string[] = []): readonly string[] {
  return urls.flatMap((url) => allowedUrl(url, { hosts })?.href ?? []);
}

function skipped(check: CertificateStep['check'], found: string): CertificateStep {
  return { check, result: 'not-checked', found };
}

function failed(
  check: CertificateStep['check'],
  { reason, detail }: { readonly reason: RefusalReason; readonly detail: string },
): CertificateStep {
  return { check, result: 'failed', found: detail, reason, remedy: REMEDIES[reason] };
}
