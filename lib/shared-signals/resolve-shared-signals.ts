import { tlsOf } from '../access-token/authorization-server-rules.js';
import { isAllowedUrl, remedyForHttp } from '../authorization-server/authorization-server-http.js';
import { isJsonObject } from '../jose/json-object.js';
import { checkProxy, checkTls } from '../options/check-authorization-servers.js';
import {
  CertBoundAuthConfigurationError,
  type ConfigurationProblem,
  problem,
} from '../options/configuration-error.js';
import { checkDeclared } from '../options/declared-options.js';
import type { SharedSignalsOptions } from './shared-signals.options.js';
import {
  type CheckedLogoutProvider,
  CheckedSharedSignalsOptions,
  type CheckedTransmitter,
} from './shared-signals.settings.js';
import type { LogoutProviderRules } from './logout-provider.js';
import type { Delivery, TransmitterRules } from './transmitter-rules.js';

/** What a receiver of events is configured by: every default filled in, every check done. */
export interface ResolvedSharedSignals {
  /** Where transmitters push to; `undefined` where none does. */
  readonly path: string | undefined;
  readonly transmitters: readonly TransmitterRules[];
  readonly onSignal: SharedSignalsOptions['onSignal'];
  /** `undefined` where no provider may end sessions. */
  readonly logout: LogoutSettings | undefined;
}

/** Where providers tell of sessions that have ended, and who may. */
export interface LogoutSettings {
  readonly path: string;
  readonly providers: readonly LogoutProviderRules[];
}

/** What the options are of, for messages. */
export const SHARED_SIGNALS = 'SharedSignalsModule';

/**
 * Checks the options and fills in the defaults.
 * @throws CertBoundAuthConfigurationError naming every wrong field
 */
export function resolveSharedSignals(given: SharedSignalsOptions): ResolvedSharedSignals {
  const options: unknown = given;
  if (!isJsonObject(options)) throw refusalOf([problem('options', options, 'give { path, transmitters }')]);
  const { settings, problems } = checkDeclared(CheckedSharedSignalsOptions, options);
  if (problems.length > 0) throw refusalOf(problems);
  const contradictions = contradictionsOf(settings);
  if (contradictions.length > 0) throw refusalOf(contradictions);
  const { path, onSignal, transmitters, backChannelLogout: logout } = settings;
  return {
    path: transmitters.some(({ delivery }) => delivery === 'push') ? path : undefined,
    onSignal,
    transmitters: transmitters.map((each) => rulesOf(each)),
    logout:
      logout === undefined
        ? undefined
        : { path: logout.path, providers: logout.providers.map((each) => providerOf(each)) },
  };
}

function contradictionsOf(settings: CheckedSharedSignalsOptions): readonly ConfigurationProblem[] {
  const { transmitters, backChannelLogout } = settings;
  const { providers = [] } = backChannelLogout ?? {};
  return [
    ...transmitters.flatMap((each, index) => checkTransmitter(each, `transmitters[${index}]`)),
    ...checkUnique(transmitters, 'transmitters'),
    ...providers.flatMap((each, index) => checkPeer(each, `backChannelLogout.providers[${index}]`)),
    ...checkUnique(providers, 'backChannelLogout.providers'),
    ...checkPaths(settings),
  ];
}

/** Says at boot what is wrong. */
export function refusalOf(problems: readonly ConfigurationProblem[]): CertBoundAuthConfigurationError {
  return new CertBoundAuthConfigurationError(problems, SHARED_SIGNALS);
}

function rulesOf(settings: CheckedTransmitter): TransmitterRules {
  const { issuer, audience, subjects, algorithms, jwksUri, onSilence, verifyState } = settings;
  const http: Omit<TransmitterRules['http'], 'tls'> = settings.http;
  return {
    issuer,
    audience: [audience].flat(),
    delivery: deliveryOf(settings),
    issuers: new Map(Object.entries(subjects.issuers ?? { [issuer]: issuer })),
    find: subjects.find,
    algorithms,
    jwksUri,
    maxSilence: maxSilenceOf(settings),
    onSilence,
    verifyState,
    http: { ...http, tls: tlsOf(settings.tls) },
  };
}

function deliveryOf(settings: CheckedTransmitter): Delivery {
  if (settings.delivery === 'push')
    return { kind: 'push', authorizationHeader: settings.authorizationHeader };
  const { endpoint, authorizationHeader, longPoll } = settings;
  return { kind: 'poll', endpoint, authorizationHeader, longPoll };
}

/** Whoever is asked all the time is heard all the time. */
function maxSilenceOf(settings: CheckedTransmitter): number | undefined {
  if (settings.maxSilence !== undefined || settings.delivery === 'push') return settings.maxSilence;
  return Math.max(300, 3 * settings.longPoll);
}

function providerOf(settings: CheckedLogoutProvider): LogoutProviderRules {
  const { issuer, clientId, typ, algorithms, jwksUri } = settings;
  const http: Omit<LogoutProviderRules['http'], 'tls'> = settings.http;
  return {
    issuer,
    audience: [clientId].flat(),
    typ,
    algorithms,
    jwksUri,
    http: { ...http, tls: tlsOf(settings.tls) },
  };
}

function checkTransmitter(settings: CheckedTransmitter, path: string): readonly ConfigurationProblem[] {
  return [
    ...checkPeer(settings, path),
    ...(settings.delivery === 'poll' ? checkUrl(`${path}.endpoint`, settings.endpoint, settings.http) : []),
  ];
}

function checkPeer(
  { issuer, jwksUri, http, tls }: CheckedTransmitter | CheckedLogoutProvider,
  path: string,
): readonly ConfigurationProblem[] {
  return [
    ...(jwksUri === undefined
      ? checkUrl(`${path}.issuer`, issuer, http)
      : checkUrl(`${path}.jwksUri`, jwksUri, http)),
    ...checkTls({ tls }, path),
    ...checkProxy({ http }, path),
  ];
}

function checkUrl(
  path: string,
  url: string,
  { allowLoopbackHttp }: CheckedTransmitter['http'],
): readonly ConfigurationProblem[] {
  const isIssuer = path.endsWith('issuer');
  if (isAllowedUrl(url, allowLoopbackHttp) && !(isIssuer ? /[?#]/ : /#/).test(url)) return [];
  const remedy = isIssuer ? 'give an https: URL without query and fragment' : 'give an https: URL';
  return [problem(path, url, remedyForHttp(url) ?? remedy)];
}

/** Which of two would be meant could not be told. */
function checkUnique(
  peers: readonly { readonly issuer: string }[],
  path: string,
): readonly ConfigurationProblem[] {
  const issuers = peers.map(({ issuer }) => issuer);
  return issuers.flatMap((issuer, index) =>
    issuers.indexOf(issuer) === index
      ? []
      : [problem(`${path}[${index}].issuer`, issuer, 'this issuer is in the list already')],
  );
}

function checkPaths({
  path,
  transmitters,
  backChannelLogout,
}: CheckedSharedSignalsOptions): readonly ConfigurationProblem[] {
  if (transmitters.length === 0 && backChannelLogout === undefined)
    return [problem('transmitters', transmitters, 'give at least one, or backChannelLogout')];
  if (path === undefined && transmitters.some(({ delivery }) => delivery === 'push'))
    return [problem('path', path, "say where transmitters push to, as '/signals'")];
  if (path === undefined || path !== backChannelLogout?.path) return [];
  return [problem('backChannelLogout.path', path, 'events are pushed there: give it a path of its own')];
}
