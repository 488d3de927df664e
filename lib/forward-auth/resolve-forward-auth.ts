import { issuerCheck, psd2Check } from '../authorization/make-demands.js';
import type { CertBoundAuthOptions } from '../cert-bound-auth.options.js';
import { isJsonObject, type JsonObject } from '../jose/json-object.js';
import { CheckedCertBoundAuthOptions } from '../options/cert-bound-auth.settings.js';
import {
  CertBoundAuthConfigurationError,
  type ConfigurationProblem,
  problem,
} from '../options/configuration-error.js';
import { checkDeclared, optionsOf } from '../options/declared-options.js';
import { mayBeUnbound } from '../options/named-policies.js';
import { type ResolvedOptions, resolveOptions } from '../options/resolve-options.js';
import type {
  AskingProxy,
  ForwardAuthCertificateOptions,
  ForwardAuthOptions,
  ForwardAuthPolicy,
  ForwardAuthRules,
} from './forward-auth.options.js';
import { CheckedForwardAuthOptions, remedyBesidePolicies, RULES } from './forward-auth.settings.js';
import { checkDocuments } from './check-documents.js';
import { CheckedForwardAuthPolicy } from './policy.settings.js';
import { ownHeadersOf, type ResolvedForwardAuth, type ResolvedPolicy } from './resolved-forward-auth.js';

/**
 * Checks the options and fills in the defaults.
 * @param besides the names of what stands beside the options where they come from
 * @throws CertBoundAuthConfigurationError naming every wrong field
 */
export function resolveForwardAuth(
  given: ForwardAuthOptions,
  besides: readonly string[] = [],
): ResolvedForwardAuth {
  const options: unknown = given;
  if (!isJsonObject(options)) {
    throw refusalOf([problem('options', options, 'give { trustedProxies, policies }')]);
  }
  const { settings, problems } = checkDeclared(CheckedForwardAuthOptions, options, {
    remedyOf: remedyBesidePolicies,
    besides,
  });
  const policies = policiesOf(settings).map(([name, policy]) => resolvePolicy(name, policy, settings));
  const all = [...problems, ...policies.flatMap((policy) => policy.problems)];
  if (all.length > 0) throw refusalOf(withoutRepeats(all));
  const resolved = policies.flatMap((policy) => policy.resolved ?? []);
  const path = settings.path.replace(/\/+$/, '');
  const contradictions = [...checkDocuments(resolved, path), ...checkCookies(resolved, settings)];
  if (contradictions.length > 0) throw refusalOf(contradictions);
  const headers = resolved.flatMap((policy) => ownHeadersOf(policy));
  return {
    path,
    trustedProxies: settings.trustedProxies,
    proxy: settings.proxy,
    revocations: revocationsOf(settings, resolved),
    session: settings.session,
    policies: new Map(resolved.map((policy) => [policy.name, withOthers(policy, headers)])),
  };
}

/** What one takes for a token, the other would take for a session. */
function checkCookies(
  policies: readonly PolicyItself[],
  { session }: CheckedForwardAuthOptions,
): readonly ConfigurationProblem[] {
  const remedy = 'it is the cookie of sessions: give one of them another name';
  return policies
    .filter(({ token = [] }) =>
      token.some(({ cookie }) => cookie !== undefined && cookie === session?.cookie),
    )
    .map(({ name, token }) => problem(`policies.${name}.token`, token, remedy));
}

/** Clocks differ for what is revoked as they do for the tokens of any policy. */
function revocationsOf(
  { revocations }: CheckedForwardAuthOptions,
  policies: readonly PolicyItself[],
): ResolvedForwardAuth['revocations'] {
  if (revocations === undefined) return undefined;
  const tolerances = policies.map(({ options }) => options.clockTolerance);
  const { maxEntries, maxTokenLifetime, store } = revocations;
  return { maxEntries, maxTokenLifetime, clockTolerance: Math.max(...tolerances), store };
}

function refusalOf(problems: readonly ConfigurationProblem[]): CertBoundAuthConfigurationError {
  return new CertBoundAuthConfigurationError(problems, 'ForwardAuthModule');
}

/**
 * A client could otherwise send the headers of one policy where another one is asked: an API that takes requests by
 * both could not tell. @param all the headers of all policies
 */
function withOthers(policy: PolicyItself, all: readonly string[]): ResolvedPolicy {
  const own = new Set(ownHeadersOf(policy).map((name) => name.toLowerCase()));
  const others = new Map(all.map((name) => [name.toLowerCase(), name]));
  const otherHeaders = [...others].flatMap(([lower, name]) => (own.has(lower) ? [] : [name]));
  return { ...policy, otherHeaders };
}

/** The options as they were given, but for those that are checked and have their defaults. */
type Given = CheckedForwardAuthOptions & ForwardAuthRules;

function policiesOf({
  policies,
}: CheckedForwardAuthOptions): readonly (readonly [string, ForwardAuthPolicy])[] {
  const given: unknown = policies;
  if (!isJsonObject(given)) return [];
  return Object.entries(given).filter((entry): entry is [string, ForwardAuthPolicy] =>
    isJsonObject(entry[1]),
  );
}

/** A policy, whatever others there are. */
type PolicyItself = Omit<ResolvedPolicy, 'otherHeaders'>;

/** What is wrong with a policy, or what it is. */
interface PolicyOutcome {
  readonly problems: readonly ConfigurationProblem[];
  readonly resolved: PolicyItself | undefined;
}

function resolvePolicy(name: string, own: ForwardAuthPolicy, given: Given): PolicyOutcome {
  const { settings: policy, problems: rules } = checkDeclared(CheckedForwardAuthPolicy, inherit(own, given));
  const { options, problems: core } = resolveCore(policy, given);
  const problems = [...rules, ...core].map((wrong) => placed(wrong, name, own, given));
  if (options === undefined || problems.length > 0) return { problems, resolved: undefined };
  const { anyScope, psd2Roles, certificateIssuedBy: issuers } = policy;
  return {
    problems,
    resolved: {
      name,
      options,
      dpopOf: policy.dpop,
      demands: {
        rules: [
          { kind: 'all', scopes: policy.scopes },
          ...(anyScope === undefined ? [] : [{ kind: 'any', scopes: anyScope } as const]),
        ],
        constraints: [policy.senderConstrained ?? []].flat(),
        checks: [
          ...(psd2Roles === undefined ? [] : [psd2Check('psd2Roles', psd2Roles)]),
          ...(issuers === undefined ? [] : [issuerCheck('certificateIssuedBy', issuers)]),
        ],
      },
      token: policy.token === undefined ? undefined : [policy.token].flat().map((place) => ({ ...place })),
      credentialHeaders: new Map(Object.entries(policy.credentialHeaders)),
      phantomToken: policy.phantomToken,
      allowAnonymous: policy.allowAnonymous,
    },
  };
}

/** A policy with what it takes over; an option that is `undefined` says nothing. */
function inherit(own: ForwardAuthPolicy, given: Given): JsonObject {
  const { scopes, anyScope, psd2Roles, certificateIssuedBy, allowAnonymous, protectedResource } = own;
  const rules = RULES.map((name) => [name, own[name] === undefined ? given[name] : own[name]] as const);
  const policy = {
    ...Object.fromEntries(rules),
    scopes,
    anyScope,
    psd2Roles,
    certificateIssuedBy,
    allowAnonymous,
    protectedResource,
  } as JsonObject;
  // Of a policy that is bound there is nothing to report.
  return own.reportUnbound !== undefined || mayBeUnbound(policy)
    ? policy
    : { ...policy, reportUnbound: undefined };
}

/** A problem of a field that a policy has taken over is one of the field that it comes from. */
function placed(
  wrong: ConfigurationProblem,
  name: string,
  own: ForwardAuthPolicy,
  given: Given,
): ConfigurationProblem {
  const field = RULES.find((inherited) => wrong.path.split(/[.[]/)[0] === inherited);
  const isInherited = field !== undefined && own[field] === undefined && given[field] !== undefined;
  return isInherited ? wrong : { ...wrong, path: `policies.${name}.${wrong.path}` };
}

const MODULE_OPTIONS = optionsOf(CheckedCertBoundAuthOptions);

/** The options that the module itself has too, checked and resolved as there. */
function resolveCore(
  policy: CheckedForwardAuthPolicy,
  { proxy, trustedProxies }: Given,
): { readonly options: ResolvedOptions | undefined; readonly problems: readonly ConfigurationProblem[] } {
  // `null`, as an empty field of YAML is, names no source: the usual one might believe more than was meant.
  const source =
    policy.clientCertificate === undefined ? USUAL_CERTIFICATES[proxy] : policy.clientCertificate;
  const core: JsonObject = {
    ...Object.fromEntries(Object.entries(policy).filter(([name]) => MODULE_OPTIONS.includes(name))),
    clientCertificate: certificateOf(source, trustedProxies),
  };
  try {
    return { options: resolveOptions(core as unknown as CertBoundAuthOptions), problems: [] };
  } catch (error) {
    if (!(error instanceof CertBoundAuthConfigurationError)) throw error;
    // Who may ask has been checked already.
    const own = error.problems.filter(
      ({ path }) => !path.startsWith(TRUSTED_PROXIES) || hasTrustedProxies(policy.clientCertificate),
    );
    return { options: undefined, problems: own };
  }
}

const TRUSTED_PROXIES = 'clientCertificate.trustedProxies';

function hasTrustedProxies(source: unknown): boolean {
  return isJsonObject(source) && Object.hasOwn(source, 'trustedProxies');
}

/** A certificate in a header is believed from who may ask, unless others are named. */
function certificateOf(source: unknown, trustedProxies: unknown): unknown {
  return isJsonObject(source) && source['from'] === 'header' ? { trustedProxies, ...source } : source;
}

/** Where each proxy's configuration in docs/proxies puts the certificate. */
const USUAL_CERTIFICATES: Readonly<Record<AskingProxy, ForwardAuthCertificateOptions>> = {
  nginx: {
    from: 'header',
    header: 'x-ssl-client-cert',
    format: 'pem',
    trust: 'proxy',
    verifyHeader: 'x-ssl-client-verify',
  },
  caddy: { from: 'header', header: 'x-ssl-client-cert', format: 'der', trust: 'proxy' },
  traefik: { from: 'header', header: 'x-forwarded-tls-client-cert', format: 'der', trust: 'proxy' },
  envoy: { from: 'header', header: 'x-forwarded-client-cert', format: 'xfcc', trust: 'proxy' },
};

/** A wrong field that several policies take over is named once. */
function withoutRepeats(problems: readonly ConfigurationProblem[]): readonly ConfigurationProblem[] {
  return [...new Map(problems.map((wrong) => [`${wrong.path}\n${wrong.remedy}`, wrong])).values()];
}
