import {
  type AuthorizationServerRules,
  authorizationServerRulesOf,
} from '../access-token/authorization-server-rules.js';
import type { KnownTokensSettings } from '../access-token/known-tokens.js';
import type { ServerResolver } from '../access-token/resolved-servers.js';
import type { CertBoundAuthOptions, UnboundRequest } from '../cert-bound-auth.options.js';
import type { RevocationListSettings } from '../revocation/revocation-list.js';
import { isJsonObject, type JsonObject } from '../jose/json-object.js';
import {
  CheckedCertBoundAuthOptions,
  type CertBoundAuthSettings,
  checkReportUnbound,
} from './cert-bound-auth.settings.js';
import { checkAuthorizationServers } from './check-authorization-servers.js';
import { checkCertificateSource } from './client-certificate.settings.js';
import {
  CertBoundAuthConfigurationError,
  type ConfigurationProblem,
  problem,
} from './configuration-error.js';
import { checkDeclared, optionsOf } from './declared-options.js';
import { checkPublicUrl, checkReplayStore } from './dpop.settings.js';
import { ownedBy, policiesIn, withTakenOver } from './named-policies.js';
import { checkProfile, withProfile } from './profile.js';

/** What an app is configured by: every default filled in, every check done. */
export interface ResolvedOptions extends Pick<
  CertBoundAuthSettings,
  | 'clientCertificate'
  | 'dpop'
  | 'bootstrap'
  | 'clockTolerance'
  | 'realm'
  | 'exposeToken'
  | 'validate'
  | 'streams'
  | 'session'
  | 'messages'
  | 'publicPaths'
  | 'webSocketTickets'
  | 'protectedResource'
  | 'profile'
  | 'interactionId'
> {
  readonly authorizationServers: readonly AuthorizationServerRules[];
  /** What finds the servers that are not listed; `undefined` where there are none. */
  readonly resolver: ServerResolver | undefined;
  /** The origins whose pages may call; `undefined` where all may. */
  readonly allowedOrigins: readonly string[] | undefined;
  /** Told of requests with unbound tokens. */
  readonly reportUnbound: ((request: UnboundRequest) => unknown) | undefined;
  /** `undefined` where no token is remembered. */
  readonly tokenCache: KnownTokensSettings | undefined;
  /** `undefined` where nothing can be revoked. */
  readonly revocations: RevocationListSettings | undefined;
  /** Those of other APIs in the same app, by name. */
  readonly policies: ReadonlyMap<string, ResolvedPolicy>;
}

/** A policy of the app: decided by nothing but this. */
export interface ResolvedPolicy {
  /** Without policies of its own. */
  readonly options: ResolvedOptions;
  /** Whether it has the options of DPoP of the app itself. */
  readonly takesOverDpop: boolean;
}

/**
 * Checks the options and fills in the defaults.
 * @throws CertBoundAuthConfigurationError naming every wrong field
 */
export function resolveOptions(given: CertBoundAuthOptions): ResolvedOptions {
  const options = readOnce(given);
  const own = checkSettings(options);
  const policies = policiesIn(own.settings.policies).map(([name, policy]) =>
    checkPolicy(name, policy, options, own.problems),
  );
  const problems = [...own.problems, ...policies.flatMap((policy) => policy.problems)];
  if (problems.length > 0) throw new CertBoundAuthConfigurationError(problems);
  const resolved = policies.map(({ name, settings, takesOverDpop }): [string, ResolvedPolicy] => [
    name,
    { options: resolvedFrom(settings, new Map()), takesOverDpop },
  ]);
  return resolvedFrom(own.settings, new Map(resolved));
}

/** Each option is asked for once, though policies take it over: an object of a class may answer by accessors. */
function readOnce(given: unknown): JsonObject {
  if (!isJsonObject(given)) {
    throw new CertBoundAuthConfigurationError([
      problem('options', given, 'give { audience, authorizationServers }'),
    ]);
  }
  const declared = optionsOf(CheckedCertBoundAuthOptions).filter((name) => name in given);
  const names = new Set([...Object.keys(given), ...declared]);
  return Object.fromEntries([...names].map((name) => [name, ownedBy(given, given[name])]));
}

function resolvedFrom(
  settings: CertBoundAuthSettings,
  policies: ResolvedOptions['policies'],
): ResolvedOptions {
  const { authorizationServers, reportUnbound, tokenCache } = settings;
  return {
    authorizationServers: authorizationServers.map((server) => authorizationServerRulesOf(server, settings)),
    resolver: resolverOf(settings),
    clientCertificate: settings.clientCertificate,
    dpop: settings.dpop,
    reportUnbound: listenerOf(reportUnbound),
    tokenCache: tokenCache === false ? undefined : tokenCache,
    revocations: revocationsOf(settings),
    bootstrap: settings.bootstrap,
    clockTolerance: settings.clockTolerance,
    streams: settings.streams,
    session: settings.session,
    messages: settings.messages,
    publicPaths: settings.publicPaths,
    webSocketTickets: settings.webSocketTickets,
    protectedResource: settings.protectedResource,
    profile: settings.profile,
    interactionId: settings.interactionId,
    allowedOrigins: settings.allowedOrigins ?? originsOfProfile(settings, policies),
    realm: settings.realm,
    exposeToken: settings.exposeToken,
    validate: settings.validate,
    policies,
  };
}

/** Clocks differ for what is revoked as they do for tokens. */
function revocationsOf({
  revocations,
  clockTolerance,
}: CertBoundAuthSettings): RevocationListSettings | undefined {
  if (revocations === undefined) return undefined;
  const { maxEntries, maxTokenLifetime, store } = revocations;
  return { maxEntries, maxTokenLifetime, clockTolerance, store };
}

/** Whether a token may be accepted that is bound to nothing, of servers that are known and of those that come later. */
export function acceptsUnbound({
  authorizationServers,
  resolver,
}: Pick<ResolvedOptions, 'authorizationServers' | 'resolver'>): boolean {
  const all = resolver === undefined ? authorizationServers : [...authorizationServers, resolver];
  return all.some(({ binding }) => binding !== 'required');
}

function resolverOf(settings: CertBoundAuthSettings): ServerResolver | undefined {
  const { resolveAuthorizationServer: resolve, binding } = settings;
  if (resolve === undefined) return undefined;
  return { resolve, rulesOf: (options) => rulesOf(options, settings), binding };
}

/** Checks the options of a server that the app names as if they stood in the list, and fills in their defaults. */
function rulesOf(options: unknown, besides: CertBoundAuthSettings): AuthorizationServerRules {
  const { audience, binding, clockTolerance, scopeImplies, profile, protectedResource } = besides;
  const { settings, problems } = checkSettings({
    audience,
    binding,
    clockTolerance,
    scopeImplies,
    profile,
    protectedResource,
    authorizationServers: [options],
  });
  const all = [...problems, ...(problems.length > 0 ? [] : checkNotLoosened(settings))];
  if (all.length > 0) throw new Error(all.map(lineOf).join('; '));
  const [server] = settings.authorizationServers.map((each) => authorizationServerRulesOf(each, settings));
  if (server === undefined) throw new Error('there is no server');
  return server;
}

/** What is told and enforced at boot of unbound tokens must hold for servers that come later. */
function checkNotLoosened({
  binding,
  authorizationServers,
}: CertBoundAuthSettings): readonly ConfigurationProblem[] {
  if (binding !== 'required') return [];
  const remedy = "a server that is named later cannot loosen the option binding, which is 'required'";
  return authorizationServers
    .filter((server) => (server.binding ?? binding) !== 'required')
    .map((server) => problem('authorizationServers[0].binding', server.binding, remedy));
}

function lineOf({ path, found, remedy }: ConfigurationProblem): string {
  return `${path.replace(/^authorizationServers\[0\]\.?/, '')} (${found}): ${remedy}`;
}

/** A server of MCP must look at the origin (MCP transports). */
function originsOfProfile(
  { profile, protectedResource }: CertBoundAuthSettings,
  policies: ResolvedOptions['policies'],
): readonly string[] | undefined {
  if (profile !== 'mcp') return undefined;
  const told = [protectedResource, ...[...policies.values()].map(({ options }) => options.protectedResource)];
  const resources = told.flatMap((each) => (each === undefined ? [] : [each.resource]));
  return [...new Set(resources.map((resource) => new URL(resource).origin))];
}

interface CheckedSettings {
  /** Only to be used without problems. */
  readonly settings: CertBoundAuthSettings;
  readonly problems: readonly ConfigurationProblem[];
}

function checkSettings(given: JsonObject): CheckedSettings {
  const { settings: checked, problems: shape } = checkDeclared(CheckedCertBoundAuthOptions, given, {
    besides: ['globalGuards'],
  });
  if (shape.length > 0) return { settings: checked, problems: shape };
  const settings = withProfile(checked, given);
  return { settings, problems: contradictionsOf(settings) };
}

interface CheckedPolicy extends CheckedSettings {
  readonly name: string;
  readonly takesOverDpop: boolean;
}

/** @param known what is wrong with the options beside the policies: of what is taken over, it is said once */
function checkPolicy(
  name: string,
  policy: JsonObject,
  module: JsonObject,
  known: readonly ConfigurationProblem[],
): CheckedPolicy {
  const { settings, problems } = checkSettings(withTakenOver(policy, module));
  const own = problems.filter(
    ({ path, remedy }) =>
      policy[path.split(/[.[]/, 1)[0] ?? ''] !== undefined ||
      !known.some((each) => each.path === path && each.remedy === remedy),
  );
  return {
    name,
    settings,
    problems: own.map((wrong) => ({ ...wrong, path: `policies.${name}.${wrong.path}` })),
    takesOverDpop: policy['dpop'] === undefined && settings.dpop !== undefined,
  };
}

/** What is wrong with options of which each is right by itself. */
function contradictionsOf(settings: CertBoundAuthSettings): readonly ConfigurationProblem[] {
  return [
    ...checkAuthorizationServers(settings),
    ...checkCertificateSource(settings.clientCertificate),
    ...(settings.dpop === undefined
      ? []
      : [...checkPublicUrl(settings.dpop), ...checkReplayStore(settings.dpop)]),
    ...checkReportUnbound(settings),
    ...checkProfile(settings),
  ];
}

function listenerOf(report: CertBoundAuthSettings['reportUnbound']): ResolvedOptions['reportUnbound'] {
  if (report === false) return undefined;
  return report === true ? () => undefined : report;
}
