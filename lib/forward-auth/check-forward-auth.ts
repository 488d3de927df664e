import { isJsonObject } from '../jose/json-object.js';
import { type ConfigurationProblem, problem } from '../options/configuration-error.js';
import { trustedProxyProblem } from '../client-certificate/trusted-proxies.js';
import type { AskingProxy, ForwardAuthOptions, ForwardAuthPolicy } from './forward-auth.options.js';

const PROXIES: readonly unknown[] = ['nginx', 'traefik', 'caddy', 'envoy'] satisfies readonly AskingProxy[];

/** Every field of a policy; those beside the policies are the same, but for the scopes. */
const POLICY_FIELDS: Readonly<Record<keyof ForwardAuthPolicy, true>> = {
  audience: true,
  authorizationServers: true,
  binding: true,
  introspectionOrder: true,
  dpop: true,
  reportUnbound: true,
  clockTolerance: true,
  tokenCache: true,
  realm: true,
  clientCertificate: true,
  senderConstrained: true,
  token: true,
  credentialHeaders: true,
  phantomToken: true,
  scopes: true,
  anyScope: true,
};

const POLICY_ONLY = new Set(['scopes', 'anyScope']);
const OWN_FIELDS = new Set(['path', 'trustedProxies', 'proxy', 'policies']);

/** Checks what holds for all policies, and that each is one; what is in them is checked by itself. */
export function checkForwardAuth(given: ForwardAuthOptions): readonly ConfigurationProblem[] {
  const options: unknown = given;
  if (!isJsonObject(options)) return [problem('options', options, 'give { trustedProxies, policies }')];
  return [
    ...unknownFields(options, ''),
    ...checkPath(options['path']),
    ...checkTrustedProxies(options['trustedProxies']),
    ...checkProxy(options['proxy']),
    ...checkPolicies(options['policies']),
  ];
}

type Fields = Readonly<Record<string, unknown>>;

function unknownFields(options: Fields, at: string): readonly ConfigurationProblem[] {
  return Object.entries(options).flatMap(([name, value]) => {
    if (at === '' && POLICY_ONLY.has(name)) {
      return [problem(name, value, 'scopes are for each policy to say: put it there')];
    }
    const isKnown = Object.hasOwn(POLICY_FIELDS, name) || (at === '' && OWN_FIELDS.has(name));
    return isKnown ? [] : [problem(`${at}${name}`, value, 'there is no such option')];
  });
}

function checkPath(path: unknown): readonly ConfigurationProblem[] {
  if (path === undefined || (typeof path === 'string' && /^(?:\/[\w.~-]+)+\/?$/.test(path))) return [];
  return [problem('path', path, "give a path such as '/auth'")];
}

function checkTrustedProxies(proxies: unknown): readonly ConfigurationProblem[] {
  if (!Array.isArray(proxies) || proxies.length === 0) {
    const remedy = "name who may ask: ['10.0.0.0/8', 'loopback']; anyone could claim anything otherwise";
    return [problem('trustedProxies', proxies, remedy)];
  }
  return proxies.flatMap((proxy: unknown, index) => {
    const remedy = trustedProxyProblem(proxy);
    return remedy === undefined ? [] : [problem(`trustedProxies[${index}]`, proxy, remedy)];
  });
}

function checkProxy(proxy: unknown): readonly ConfigurationProblem[] {
  if (proxy === undefined || PROXIES.includes(proxy)) return [];
  return [problem('proxy', proxy, "use 'nginx', 'traefik', 'caddy' or 'envoy'")];
}

const POLICY_NAME = /^[\w.~-]+$/;

function checkPolicies(policies: unknown): readonly ConfigurationProblem[] {
  if (!isJsonObject(policies) || Object.keys(policies).length === 0) {
    return [problem('policies', policies, 'give at least one policy: { payments: { scopes: [...] } }')];
  }
  return Object.entries(policies).flatMap(([name, policy]) => {
    const at = `policies.${name}`;
    if (!POLICY_NAME.test(name) || name === '.' || name === '..') {
      return [problem(at, policy, 'a name is part of a path: use letters, digits, ".", "_", "~" and "-"')];
    }
    return isJsonObject(policy)
      ? unknownFields(policy, `${at}.`)
      : [
          problem(
            at,
            policy,
            'give an object, {} where nothing differs from what stands beside the policies',
          ),
        ];
  });
}
