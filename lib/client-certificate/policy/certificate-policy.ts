import { X509Certificate } from 'node:crypto';
import type { CertificateCheck, CertificateProblem, VerifiedChain } from '../certificate-checks.js';
import type { CertificatePolicyOutcome } from '../certificate-policy-outcome.js';
import type { CertificatePolicySettings, CertificateSettings } from '../certificate-settings.js';
import type { ClientCertificate } from '../client-certificate.js';
import { type CertificateIdentity, identityOf } from '../identity/certificate-identity.js';
import { rfc4514 } from '../identity/distinguished-name.js';
import { type IssuerRule, issuerRule } from './issuers.js';
import { allowStep, denyStep, unusableList } from './list-steps.js';
import { isOutcome, type PolicyStep } from './policy-outcome.js';
import { NEEDS_USAGE, PROFILES } from './profiles.js';
import { type CurrentRules, ruleList } from './rule-list.js';

/** The policy of an app for certificates; `undefined` where it has none. */
export function certificatePolicyOf({ policy }: CertificateSettings): CertificatePolicy | undefined {
  return policy === undefined ? undefined : new CertificatePolicy(policy);
}

/** What was found of a certificate. */
interface Judgement {
  readonly problem: CertificateProblem | undefined;
  readonly outcomes: readonly CertificatePolicyOutcome[];
}

/** The same, and by what. */
interface Answer extends Judgement {
  readonly verdict: VerifiedChain;
  readonly allow: CurrentRules;
  readonly deny: CurrentRules;
}

const DIGEST_ONLY: CertificateProblem = {
  reason: 'certificate_digest_only',
  detail: 'the proxy passes on no more than a digest of it: there is nothing that a policy could be met by',
};

/** Judges a certificate once, and again only when its chain or the lists have changed. */
export class CertificatePolicy implements CertificateCheck {
  private readonly answers = new WeakMap<X509Certificate, Answer>();
  private readonly allow: () => CurrentRules;
  private readonly deny: () => CurrentRules;
  private readonly issuers: readonly IssuerRule[] | undefined;

  constructor(private readonly settings: CertificatePolicySettings) {
    this.allow = ruleList(settings.allow);
    this.deny = ruleList(settings.deny);
    this.issuers = settings.issuers?.map(issuerRule);
  }

  problemOf(
    { identity, thumbprint }: ClientCertificate,
    verdict: VerifiedChain,
  ): CertificateProblem | undefined {
    if (!(identity instanceof X509Certificate)) return DIGEST_ONLY;
    return this.answerOn(identity, thumbprint, verdict).problem;
  }

  outcomesOf(
    { identity, thumbprint }: ClientCertificate,
    verdict: VerifiedChain,
  ): readonly CertificatePolicyOutcome[] {
    if (!(identity instanceof X509Certificate)) return [];
    return this.answerOn(identity, thumbprint, verdict).outcomes.map((outcome) => ({ ...outcome }));
  }

  private answerOn(x509: X509Certificate, thumbprint: string, verdict: VerifiedChain): Answer {
    const allow = this.allow();
    const deny = this.deny();
    const before = this.answers.get(x509);
    if (before?.verdict === verdict && before.allow === allow && before.deny === deny) return before;
    const answer = { verdict, allow, deny, ...this.judge(x509, thumbprint, verdict, allow, deny) };
    this.answers.set(x509, answer);
    return answer;
  }

  /** In the order in which the fields are asked: the first one that is not met is the last one that is looked at. */
  private judge(
    x509: X509Certificate,
    thumbprint: string,
    verdict: VerifiedChain,
    allow: CurrentRules,
    deny: CurrentRules,
  ): Judgement {
    const identity = identityOf(x509);
    if ('fault' in identity)
      return { problem: { reason: 'certificate_unreadable', detail: identity.fault }, outcomes: [] };
    const subject = { identity, thumbprint };
    const outcomes: CertificatePolicyOutcome[] = [];
    const steps: readonly (() => PolicyStep)[] = [
      () => this.usageStep(identity),
      () => this.profileStep(identity),
      () => this.issuerStep(x509, identity, verdict),
      () => unusableList({ allow, deny }),
      () => denyStep(subject, deny),
      () => allowStep(subject, allow),
    ];
    for (const step of steps) {
      const found = step();
      if (isOutcome(found)) outcomes.push(found);
      else if (found !== undefined) return { problem: found, outcomes };
    }
    return { problem: undefined, outcomes };
  }

  private usageStep({ extendedKeyUsage }: CertificateIdentity): PolicyStep {
    const { extendedKeyUsage: needed, profile } = this.settings;
    const isRequired = needed === 'required' || (profile !== undefined && NEEDS_USAGE.has(profile));
    const detail = usageFault(extendedKeyUsage, isRequired);
    if (detail !== undefined) return { reason: 'certificate_usage_not_allowed', detail };
    const found = extendedKeyUsage === undefined ? 'the certificate does not say' : 'it is for clients';
    return { rule: 'extendedKeyUsage', found };
  }

  private profileStep(identity: CertificateIdentity): PolicyStep {
    const { profile } = this.settings;
    if (profile === undefined) return undefined;
    const detail = PROFILES[profile](identity);
    return detail === undefined
      ? { rule: 'profile', found: `it is one of ${profile}` }
      : { reason: 'certificate_profile_unmet', detail: `${profile}: ${detail}` };
  }

  private issuerStep(
    x509: X509Certificate,
    { issuer }: CertificateIdentity,
    verdict: VerifiedChain,
  ): PolicyStep {
    if (this.issuers === undefined) return undefined;
    const entry = this.issuers.findIndex((rule) => rule(x509, verdict));
    if (entry !== -1) return { rule: 'issuers', entry, found: `issuers[${entry}] stands above it` };
    return {
      reason: 'certificate_issuer_not_allowed',
      detail: `none of issuers stands above it (it was issued by ${rfc4514(issuer)})`,
    };
  }
}

const CLIENT_AUTHENTICATION = '1.3.6.1.5.5.7.3.2';
const ANY_USAGE = '2.5.29.37.0';

function usageFault(usages: readonly string[] | undefined, isRequired: boolean): string | undefined {
  if (usages?.includes(CLIENT_AUTHENTICATION) === true) return undefined;
  if (isRequired) return 'its extended key usage does not name clientAuth';
  return usages === undefined || usages.includes(ANY_USAGE)
    ? undefined
    : `its extended key usage is for something else than clients: ${usages.join()}`;
}
