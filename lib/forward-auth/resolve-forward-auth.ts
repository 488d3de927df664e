import { isJsonObject } from '../jose/json-object.js';
import type { CertBoundAuthOptions } from '../cert-bound-auth.options.js';
import {
  CertBoundAuthConfigurationError,
  type ConfigurationProblem,
} from '../options/configuration-error.js';
import type { ResolvedOptions } from '../options/resolved-options.js';
import { resolveOptions } from '../options/resolve-options.js';
import { checkForwardAuth } from './check-forward-auth.js';
import { checkPolicy } from './check-policy.js';
import type {
  AskingProxy,
  ForwardAuthCertificateOptions,
  ForwardAuthOptions,
  ForwardAuthPolicy,
} from './forward-auth.options.js';
import type { ResolvedForwardAuth, ResolvedPolicy } from './resolved-forward-auth.js';

/**
 * Checks the options and fills in the defaults.
 * @throws CertBoundAuthConfigurationError naming every wrong field
 */
export function resolveForwardAuth(given: ForwardAuthOptions): ResolvedForwardAuth {
  const problems = checkForwardAuth(given);
  const policies = policiesOf(given).map(([name, policy]) => resolvePolicy(name, policy, given));
  const customHeaders = policies.flatMap(({ resolved }) =>
    resolved === undefined ? [] : headersOf(resolved),
  );
  const all = [...problems, ...policies.flatMap((policy) => policy.problems)];
  if (all.length > 0) throw new CertBoundAuthConfigurationError(withoutRepeats(all), 'ForwardAuthModule');
  return {
    path: (given.path ?? '/auth').replace(/\/+$/, ''),
    trustedProxies: given.trustedProxies,
    proxy: given.proxy ?? 'nginx',
    policies: new Map(
      policies.flatMap(({ resolved }) =>
        resolved === undefined ? [] : [[resolved.name, withOthers(resolved, customHeaders)]],
      ),
    ),
  };
}

/** What a policy's answers have beside the usual headers. */
function headersOf({ credentialHeaders, phantomToken }: PolicyItself): readonly string[] {
  const { header = 'Authorization' } = phantomToken ?? {};
  return [...credentialHeaders.keys(), ...(header.toLowerCase() === 'authorization' ? [] : [header])];
}

/**
 * A client could otherwise send the headers of one policy where another one is asked: an API that takes requests by
 * both could not tell. @param all the headers of all policies
 */
function withOthers(policy: PolicyItself, all: readonly string[]): ResolvedPolicy {
  const own = new Set(headersOf(policy).map((name) => name.toLowerCase()));
  const others = new Map(all.map((name) => [name.toLowerCase(), name]));
  const otherHeaders = [...others].flatMap(([lower, name]) => (own.has(lower) ? [] : [name]));
  return { ...policy, otherHeaders };
}

type Given = Readonly<Record<string, unknown>>;

function policiesOf(given: ForwardAuthOptions): readonly (readonly [string, ForwardAuthPolicy])[] {
  const policies: unknown = isJsonObject(given) ? given['policies'] : undefined;
  if (!isJsonObject(policies)) return [];
  return Object.entries(policies).filter((entry): entry is [string, ForwardAuthPolicy] =>
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

function resolvePolicy(name: string, own: ForwardAuthPolicy, given: ForwardAuthOptions): PolicyOutcome {
  const policy = inherit(own, given);
  const { options, problems: core } = resolveCore(policy, given);
  const problems = [...checkPolicy(policy), ...core].map((problem) => placed(problem, name, own, given));
  if (options === undefined || problems.length > 0) return { problems, resolved: undefined };
  return {
    problems,
    resolved: {
      name,
      options,
      dpopOf: policy.dpop,
      route: {
        kind: 'protected',
        rules: [
          { kind: 'all', scopes: [...(policy.scopes ?? [])] },
          ...(policy.anyScope === undefined ? [] : [{ kind: 'any', scopes: [...policy.anyScope] } as const]),
        ],
        constraints: [policy.senderConstrained ?? []].flat(),
      },
      token: policy.token === undefined ? undefined : [policy.token].flat().map((place) => ({ ...place })),
      credentialHeaders: new Map(Object.entries(policy.credentialHeaders ?? {})),
      phantomToken: policy.phantomToken,
    },
  };
}

/** The fields that a policy may take over from what stands beside the policies. */
const INHERITED = [
  'audience',
  'authorizationServers',
  'binding',
  'introspectionOrder',
  'dpop',
  'reportUnbound',
  'clockTolerance',
  'tokenCache',
  'realm',
  'clientCertificate',
  'senderConstrained',
  'token',
  'credentialHeaders',
  'phantomToken',
] as const satisfies readonly (keyof ForwardAuthPolicy)[];

/** A policy with what it takes over; a field that is `undefined` says nothing. */
function inherit(own: ForwardAuthPolicy, given: ForwardAuthOptions): ForwardAuthPolicy {
  const inherited = Object.fromEntries(
    INHERITED.filter((name) => own[name] === undefined && given[name] !== undefined).map((name) => [
      name,
      given[name],
    ]),
  );
  const policy: ForwardAuthPolicy = { ...own, ...inherited };
  if (own.reportUnbound !== undefined || mayBeUnbound(policy)) return policy;
  // Of this policy there is nothing to report.
  const { reportUnbound: _none, ...others } = policy;
  return others;
}

function mayBeUnbound({ binding, authorizationServers }: ForwardAuthPolicy): boolean {
  const servers: unknown = authorizationServers;
  return (
    binding === 'if-bound' ||
    (Array.isArray(servers) &&
      servers.some((server: unknown) => isJsonObject(server) && server['binding'] === 'if-bound'))
  );
}

/** A problem of a field that a policy has taken over is one of the field that it comes from. */
function placed(
  problem: ConfigurationProblem,
  name: string,
  own: ForwardAuthPolicy,
  given: ForwardAuthOptions,
): ConfigurationProblem {
  const field = INHERITED.find((inherited) => problem.path.split(/[.[]/)[0] === inherited);
  const isInherited = field !== undefined && own[field] === undefined && given[field] !== undefined;
  return isInherited ? problem : { ...problem, path: `policies.${name}.${problem.path}` };
}

/** The options that the module itself has too, checked and resolved as there. */
function resolveCore(
  policy: ForwardAuthPolicy,
  { proxy = 'nginx', trustedProxies }: ForwardAuthOptions,
): { readonly options: ResolvedOptions | undefined; readonly problems: readonly ConfigurationProblem[] } {
  // `null`, as an empty field of YAML is, names no source: the usual one might believe more than was meant.
  const source =
    policy.clientCertificate === undefined ? USUAL_CERTIFICATES[proxy] : policy.clientCertificate;
  const core: Given = {
    audience: policy.audience,
    authorizationServers: policy.authorizationServers,
    clientCertificate: certificateOf(source, trustedProxies),
    ...definedOnly(policy, [
      'binding',
      'introspectionOrder',
      'dpop',
      'reportUnbound',
      'clockTolerance',
      'tokenCache',
      'realm',
    ]),
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

function definedOnly(policy: ForwardAuthPolicy, names: readonly (keyof ForwardAuthPolicy)[]): Given {
  return Object.fromEntries(
    names.flatMap((name) => (policy[name] === undefined ? [] : [[name, policy[name]]])),
  );
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
  return [...new Map(problems.map((problem) => [`${problem.path}\n${problem.remedy}`, problem])).values()];
}
