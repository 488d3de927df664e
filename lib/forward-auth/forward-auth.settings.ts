import { Allow, IsIn } from '../options/class-validator.js';
import type { SettingsOf } from '../common/settings-of.js';
import { isJsonObject } from '../jose/json-object.js';
import { trustedProxyProblems } from '../options/client-certificate.settings.js';
import { type ConfigurationProblem, problem } from '../options/configuration-error.js';
import { Declares, optionsOf } from '../options/declared-options.js';
import { noSuchOption } from '../options/no-such-option.js';
import { Given, HasNoProblems, IsGroup, Satisfies } from '../options/option-checks.js';
import { CheckedRevocationOptions } from '../options/revocations.settings.js';
import { CheckedSessionOptions } from '../options/session.settings.js';
import type { ForwardAuthOptions, ForwardAuthPolicy, ForwardAuthRules } from './forward-auth.options.js';
import { CheckedForwardAuthPolicy } from './policy.settings.js';

@Declares<ForwardAuthOptions>()
export class CheckedForwardAuthOptions implements SettingsOf<
  Omit<ForwardAuthOptions, keyof ForwardAuthRules>,
  never,
  {
    readonly revocations: CheckedRevocationOptions | undefined;
    readonly session: CheckedSessionOptions | undefined;
  }
> {
  @Given() @Satisfies('path', "give a path such as '/auth'", isPath) readonly path: string = '/auth';

  @HasNoProblems(checkTrustedProxies)
  readonly trustedProxies!: ForwardAuthOptions['trustedProxies'];

  @Given()
  @IsIn(['nginx', 'traefik', 'caddy', 'envoy'], { message: "use 'nginx', 'traefik', 'caddy' or 'envoy'" })
  readonly proxy: NonNullable<ForwardAuthOptions['proxy']> = 'nginx';

  @Given()
  @IsGroup('give { maxTokenLifetime?, maxEntries?, store? }', () => CheckedRevocationOptions)
  readonly revocations: CheckedRevocationOptions | undefined;

  @Given()
  @IsGroup('give { secrets, ... }', () => CheckedSessionOptions)
  readonly session: CheckedSessionOptions | undefined;

  @HasNoProblems(checkPolicies) readonly policies!: ForwardAuthOptions['policies'];
}

const POLICY_OPTIONS = optionsOf(CheckedForwardAuthPolicy) as readonly (keyof ForwardAuthPolicy)[];

/** What each policy says for itself, and what to do where it stands beside the policies. */
const OWN: Readonly<Partial<Record<keyof ForwardAuthPolicy, string>>> = {
  scopes: 'scopes are for each policy to say: put it there',
  anyScope: 'scopes are for each policy to say: put it there',
  psd2Roles: 'roles are for each policy to say: put it there',
  certificateIssuedBy: 'it is for each policy to say: put it there, or into clientCertificate.policy.issuers',
  allowAnonymous: 'it is for each policy to say: put it there',
  protectedResource: 'each policy tells of an API of its own: put it there',
};

/** The options that a policy may take over from what stands beside the policies. */
export const RULES = POLICY_OPTIONS.filter((name): name is keyof ForwardAuthRules => !(name in OWN));

// They are checked in each policy that takes them over.
for (const rule of RULES) Allow()(CheckedForwardAuthOptions.prototype, rule);

/** What to do about an option that there is not beside the policies. */
export function remedyBesidePolicies(name: string): string | undefined {
  return new Map(Object.entries(OWN)).get(name);
}

function isPath(path: unknown): boolean {
  return typeof path === 'string' && /^(?:\/[\w.~-]+)+\/?$/.test(path);
}

function checkTrustedProxies(proxies: unknown, path: string): readonly ConfigurationProblem[] {
  if (!Array.isArray(proxies) || proxies.length === 0) {
    const remedy = "name who may ask: ['10.0.0.0/8', 'loopback']; anyone could claim anything otherwise";
    return [problem(path, proxies, remedy)];
  }
  return trustedProxyProblems(proxies, path);
}

/** Whether each policy is one; what is in it is checked with what it takes over. */
function checkPolicies(policies: unknown, path: string): readonly ConfigurationProblem[] {
  if (!isJsonObject(policies) || Object.keys(policies).length === 0) {
    return [problem(path, policies, 'give at least one policy: { payments: { scopes: [...] } }')];
  }
  return Object.entries(policies).flatMap(([name, policy]) => checkNamed(name, policy, `${path}.${name}`));
}

const POLICY_NAME = /^[\w.~-]+$/;

function checkNamed(name: string, policy: unknown, path: string): readonly ConfigurationProblem[] {
  if (!POLICY_NAME.test(name) || name === '.' || name === '..') {
    return [problem(path, policy, 'a name is part of a path: use letters, digits, ".", "_", "~" and "-"')];
  }
  if (!isJsonObject(policy)) {
    const remedy = 'give an object, {} where nothing differs from what stands beside the policies';
    return [problem(path, policy, remedy)];
  }
  return Object.entries(policy)
    .filter(([option]) => !POLICY_OPTIONS.some((known) => known === option))
    .map(([option, value]) => problem(`${path}.${option}`, value, noSuchOption(option, POLICY_OPTIONS)));
}
