import { IsIn } from './class-validator.js';
import type { CertificatePolicyOptions } from '../cert-bound-auth.options.js';
import type {
  CertificatePolicySettings,
  CertificateSettings,
} from '../client-certificate/certificate-settings.js';
import { issuerProblem } from '../client-certificate/policy/issuers.js';
import { ruleProblem } from '../client-certificate/policy/rules.js';
import { type ConfigurationProblem, problem } from './configuration-error.js';
import { Declares } from './declared-options.js';
import { Given, HasNoProblems, isFunction, IsText, Satisfies } from './option-checks.js';

const PRINCIPALS = ['subject', 'cn', 'san-dns', 'san-uri', 'san-email'];
const CLIENTS = ['subject-is-client-id', 'spiffe'];
const PROFILES = ['psd2-qwac', 'open-banking-brazil', 'spiffe'];

@Declares<CertificatePolicyOptions>()
export class CheckedCertificatePolicyOptions implements CertificatePolicySettings {
  @Given()
  @IsIn(['if-present', 'required'], { message: `use 'if-present' or 'required'` })
  readonly extendedKeyUsage: CertificatePolicySettings['extendedKeyUsage'] = 'if-present';

  @Given() @HasNoProblems(problemsOfIssuers) readonly issuers: CertificatePolicySettings['issuers'];

  @Given() @HasNoProblems(problemsOfRules) readonly allow: CertificatePolicySettings['allow'];

  @Given() @HasNoProblems(problemsOfRules) readonly deny: CertificatePolicySettings['deny'];

  @Given()
  @Satisfies(
    'principal',
    `use ${listed(PRINCIPALS)} or a function (certificate) => string`,
    isOneOf(PRINCIPALS),
  )
  readonly principal: CertificatePolicySettings['principal'] = 'subject';

  @Given()
  @IsText('name the principal of certificates that name none')
  readonly defaultPrincipal: CertificatePolicySettings['defaultPrincipal'];

  @Given()
  @Satisfies(
    'client',
    `use ${listed(CLIENTS)} or a function (certificate, token) => boolean`,
    isOneOf(CLIENTS),
  )
  readonly client: CertificatePolicySettings['client'];

  @Given()
  @IsIn(PROFILES, { message: `use ${listed(PROFILES)}` })
  readonly profile: CertificatePolicySettings['profile'];
}

function listed(names: readonly string[]): string {
  return names.map((name) => `'${name}'`).join(', ');
}

function isOneOf(names: readonly unknown[]): (value: unknown) => boolean {
  return (value) => names.includes(value) || isFunction(value);
}

function problemsOfIssuers(value: unknown, path: string): readonly ConfigurationProblem[] {
  if (!Array.isArray(value) || value.length === 0) {
    return [
      problem(
        path,
        value,
        'give a list of at least one CA, each { ca }, { caFile }, { spkiSha256 } or { dn }; leave it out for all',
      ),
    ];
  }
  return problemsOfEach(value, path, issuerProblem);
}

/** An empty list to allow would admit nobody; one to deny says nothing. */
function problemsOfRules(value: unknown, path: string): readonly ConfigurationProblem[] {
  if (isFunction(value)) return [];
  if (!Array.isArray(value) || value.length === 0) {
    return [
      problem(
        path,
        value,
        'give a list of at least one rule, as { cn } or { dn }, or a function that returns such a list',
      ),
    ];
  }
  return problemsOfEach(value, path, ruleProblem);
}

function problemsOfEach(
  list: readonly unknown[],
  path: string,
  problemOf: (value: unknown) => string | undefined,
): readonly ConfigurationProblem[] {
  return list.flatMap((value, index) => {
    const remedy = problemOf(value);
    return remedy === undefined ? [] : [problem(`${path}[${index}]`, value, remedy)];
  });
}

/** Checks what the policy says together with where certificates come from; each has the right type already. */
export function checkCertificatePolicy({
  policy,
  trust,
}: CertificateSettings): readonly ConfigurationProblem[] {
  if (policy === undefined) return [];
  return [...checkTrusted(policy, trust), ...checkProfile(policy), ...checkKeys(policy, trust)];
}

function checkTrusted(
  policy: CertificatePolicySettings,
  trust: CertificateSettings['trust'],
): readonly ConfigurationProblem[] {
  if (trust !== 'any') return [];
  const remedy =
    "leave it out, or let the chain be verified (trust): with 'any' a client makes its own certificate, and may write any name and any role into it";
  return [problem('clientCertificate.policy', policy, remedy)];
}

function checkProfile({ profile, issuers }: CertificatePolicySettings): readonly ConfigurationProblem[] {
  if (profile !== 'psd2-qwac' || issuers !== undefined) return [];
  const remedy = `name the qualified CAs whose word on roles counts: the profile 'psd2-qwac' needs them, because any CA can write roles into a certificate`;
  return [problem('clientCertificate.policy.issuers', issuers, remedy)];
}

/** A proxy says of a chain that it is good, and not which keys are in it. */
function checkKeys(
  { issuers }: CertificatePolicySettings,
  trust: CertificateSettings['trust'],
): readonly ConfigurationProblem[] {
  if (trust !== 'proxy') return [];
  return (issuers ?? []).flatMap((issuer, index) =>
    'spkiSha256' in issuer
      ? [
          problem(
            `clientCertificate.policy.issuers[${index}]`,
            issuer,
            `use { ca } or { dn }, or trust: { ca }: with trust 'proxy' the keys above a certificate are not known`,
          ),
        ]
      : [],
  );
}
