import {
  type AuthorizationServerRules,
  authorizationServerRulesOf,
} from '../access-token/authorization-server-rules.js';
import type { KnownTokensSettings } from '../access-token/known-tokens.js';
import type { CertBoundAuthOptions, UnboundRequest } from '../cert-bound-auth.options.js';
import { isJsonObject } from '../jose/json-object.js';
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
import { checkDeclared } from './declared-options.js';
import { checkPublicUrl, checkReplayStore } from './dpop.settings.js';
import { checkProfile, withProfile } from './profile.js';

/** What an app is configured by: every default filled in, every check done. */
export interface ResolvedOptions extends Pick<
  CertBoundAuthSettings,
  | 'clientCertificate'
  | 'dpop'
  | 'bootstrap'
  | 'realm'
  | 'exposeToken'
  | 'validate'
  | 'streams'
  | 'messages'
  | 'publicPaths'
  | 'webSocketTickets'
  | 'protectedResource'
  | 'profile'
  | 'interactionId'
> {
  readonly authorizationServers: readonly AuthorizationServerRules[];
  /** The origins whose pages may call; `undefined` where all may. */
  readonly allowedOrigins: readonly string[] | undefined;
  /** Told of requests with unbound tokens. */
  readonly reportUnbound: ((request: UnboundRequest) => unknown) | undefined;
  /** `undefined` where no token is remembered. */
  readonly tokenCache: KnownTokensSettings | undefined;
}

/**
 * Checks the options and fills in the defaults.
 * @throws CertBoundAuthConfigurationError naming every wrong field
 */
export function resolveOptions(given: CertBoundAuthOptions): ResolvedOptions {
  const settings = checkedSettings(given);
  const { authorizationServers, reportUnbound, tokenCache } = settings;
  return {
    authorizationServers: authorizationServers.map((server) => authorizationServerRulesOf(server, settings)),
    clientCertificate: settings.clientCertificate,
    dpop: settings.dpop,
    reportUnbound: listenerOf(reportUnbound),
    tokenCache: tokenCache === false ? undefined : tokenCache,
    bootstrap: settings.bootstrap,
    streams: settings.streams,
    messages: settings.messages,
    publicPaths: settings.publicPaths,
    webSocketTickets: settings.webSocketTickets,
    protectedResource: settings.protectedResource,
    profile: settings.profile,
    interactionId: settings.interactionId,
    allowedOrigins: settings.allowedOrigins ?? originsOfProfile(settings),
    realm: settings.realm,
    exposeToken: settings.exposeToken,
    validate: settings.validate,
  };
}

/** A server of MCP must look at the origin (MCP transports). */
function originsOfProfile({
  profile,
  protectedResource,
}: CertBoundAuthSettings): readonly string[] | undefined {
  if (profile !== 'mcp' || protectedResource === undefined) return undefined;
  return [new URL(protectedResource.resource).origin];
}

function checkedSettings(given: unknown): CertBoundAuthSettings {
  if (!isJsonObject(given)) {
    throw new CertBoundAuthConfigurationError([
      problem('options', given, 'give { audience, authorizationServers }'),
    ]);
  }
  const { settings: checked, problems: shape } = checkDeclared(CheckedCertBoundAuthOptions, given, {
    besides: ['globalGuards'],
  });
  const settings: CertBoundAuthSettings = shape.length > 0 ? checked : withProfile(checked, given);
  const problems = shape.length > 0 ? shape : contradictionsOf(settings);
  if (problems.length > 0) throw new CertBoundAuthConfigurationError(problems);
  return settings;
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
