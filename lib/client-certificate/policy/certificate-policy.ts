import { X509Certificate } from 'node:crypto';
import { messageOf } from '../../common/message-of.js';
import type { CertificateCheck, CertificateProblem, VerifiedChain } from '../certificate-checks.js';
import type { CertificatePolicySettings, CertificateSettings } from '../certificate-settings.js';
import type { ClientCertificate } from '../client-certificate.js';
import { type CertificateIdentity, identityOf } from '../identity/certificate-identity.js';
import { rfc4514 } from '../identity/distinguished-name.js';
import { type IssuerRule, issuerRule } from './issuers.js';
import { NEEDS_USAGE, PROFILES } from './profiles.js';
import { type CurrentRules, ruleList } from './rule-list.js';
import type { Rule, Subject } from './rules.js';

/** The policy of an app for certificates; `undefined` where it has none. */
export function certificatePolicyOf({ policy }: CertificateSettings): CertificateCheck | undefined {
  return policy === undefined ? undefined : new CertificatePolicy(policy);
}

/** What was found of a certificate, and by what. */
interface Answer {
  readonly verdict: VerifiedChain;
  readonly allow: CurrentRules;
  readonly deny: CurrentRules;
  readonly problem: CertificateProblem | undefined;
}

const DIGEST_ONLY: CertificateProblem = {
  reason: 'certificate_digest_only',
  detail: 'the proxy passes on no more than a digest of it: there is nothing that a policy could be met by',
};

/** Judges a certificate once, and again only when its chain or the lists have changed. */
class CertificatePolicy implements CertificateCheck {
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
    const allow = this.allow();
    const deny = this.deny();
    const before = this.answers.get(identity);
    if (before?.verdict === verdict && before.allow === allow && before.deny === deny) return before.problem;
    const problem = this.judge(identity, thumbprint, verdict, allow, deny);
    this.answers.set(identity, { verdict, allow, deny, problem });
    return problem;
  }

  private judge(
    x509: X509Certificate,
    thumbprint: string,
    verdict: VerifiedChain,
    allow: CurrentRules,
    deny: CurrentRules,
  ): CertificateProblem | undefined {
    const identity = identityOf(x509);
    if ('fault' in identity) return { reason: 'certificate_unreadable', detail: identity.fault };
    return (
      this.usageProblem(identity) ??
      this.profileProblem(identity) ??
      this.issuerProblem(x509, identity, verdict) ??
      listProblem({ identity, thumbprint }, allow, deny)
    );
  }

  private usageProblem({ extendedKeyUsage }: CertificateIdentity): CertificateProblem | undefined {
    const { extendedKeyUsage: needed, profile } = this.settings;
    const isRequired = needed === 'required' || (profile !== undefined && NEEDS_USAGE.has(profile));
    const detail = usageFault(extendedKeyUsage, isRequired);
    return detail === undefined ? undefined : { reason: 'certificate_usage_not_allowed', detail };
  }

  private profileProblem(identity: CertificateIdentity): CertificateProblem | undefined {
    const { profile } = this.settings;
    const detail = profile === undefined ? undefined : PROFILES[profile](identity);
    return detail === undefined
      ? undefined
      : { reason: 'certificate_profile_unmet', detail: `${profile}: ${detail}` };
  }

  private issuerProblem(
    x509: X509Certificate,
    { issuer }: CertificateIdentity,
    verdict: VerifiedChain,
  ): CertificateProblem | undefined {
    if (this.issuers === undefined || this.issuers.some((rule) => rule(x509, verdict))) return undefined;
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

function listProblem(
  subject: Subject,
  allow: CurrentRules,
  deny: CurrentRules,
): CertificateProblem | undefined {
  for (const [name, rules] of Object.entries({ allow, deny })) {
    if (rules !== undefined && 'fault' in rules) return unusable(`${name}: ${rules.fault}`);
  }
  try {
    return ruleProblem(subject, allow as readonly Rule[] | undefined, deny as readonly Rule[] | undefined);
  } catch (error) {
    return unusable(`a function among its rules threw ${messageOf(error)}`);
  }
}

function ruleProblem(
  subject: Subject,
  allow: readonly Rule[] | undefined,
  deny: readonly Rule[] | undefined,
): CertificateProblem | undefined {
  const name = rfc4514(subject.identity.subject);
  if (deny?.some((rule) => rule(subject, 'deny')) === true) {
    return { reason: 'certificate_denied', detail: `deny has a rule for it (${name})` };
  }
  return allow === undefined || allow.some((rule) => rule(subject, 'allow'))
    ? undefined
    : { reason: 'certificate_not_allowed', detail: `allow has no rule for it (${name})` };
}

function unusable(detail: string): CertificateProblem {
  return { reason: 'certificate_policy_unusable', detail };
}
