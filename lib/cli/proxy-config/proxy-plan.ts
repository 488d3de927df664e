import type { HeaderClientCertificateOptions } from '../../cert-bound-auth.options.js';
import type {
  CertificateSettings,
  HeaderCertificateSettings,
} from '../../client-certificate/certificate-settings.js';
import { isAuthorization } from '../../forward-auth/authorization-header.js';
import { CREDENTIAL_HEADERS } from '../../forward-auth/credential-headers.js';
import type { AskingProxy } from '../../forward-auth/forward-auth.options.js';
import {
  ownHeadersOf,
  type ResolvedForwardAuth,
  type ResolvedPolicy,
} from '../../forward-auth/resolved-forward-auth.js';
import { type ConfigurationProblem, problem } from '../../options/configuration-error.js';
import { metadataTargetOf } from '../../protected-resource/metadata-url.js';
import type { SessionSettings } from '../../session/session-settings.js';
import type { Listen, ServeConfig } from '../serve-config.js';

/** What a proxy's configuration must do, whatever the proxy. */
export interface ProxyPlan {
  /** Where `serve` listens. */
  readonly auth: Listen;
  readonly policies: readonly PlannedPolicy[];
  /** Headers of every accepted answer that replace the client's. */
  readonly copied: readonly string[];
  /** Header with the certificate of the client. */
  readonly certificateHeader: string;
  /** Header with the verdict on it, where one is asked for. */
  readonly verifyHeader: string | undefined;
  /** How pages are called by sessions; `undefined` where they are not. */
  readonly session: SessionSettings | undefined;
  /** Where tokens come, beside `Authorization`: none of it reaches the API. */
  readonly places: TokenPlaces;
}

/** A policy, and the requests that are asked about there. */
export interface PlannedPolicy {
  readonly name: string;
  /** Path at which it is asked for. */
  readonly askAt: string;
  /** Paths that it protects: this one and all below it. */
  readonly prefix: string;
  /** Whether its answers have a phantom token in `Authorization`. */
  readonly phantom: boolean;
  /** Path of what everyone is told of its API (RFC 9728), where there is something. */
  readonly document: string | undefined;
}

/** Names of headers, cookies and query parameters. */
export interface TokenPlaces {
  readonly headers: readonly string[];
  readonly cookies: readonly string[];
  readonly parameters: readonly string[];
}

/** A plan, or why there is none. */
export interface Planned {
  readonly plan: ProxyPlan | undefined;
  readonly problems: readonly ConfigurationProblem[];
}

/** Finds out what a proxy must do for a configuration of `serve`. */
export function planProxy(proxy: AskingProxy, config: ServeConfig): Planned {
  const { forwardAuth } = config;
  const policies = [...forwardAuth.policies.values()];
  const plan: ProxyPlan = {
    auth: config.listen,
    policies: policies.map(({ name, phantomToken, options }) => ({
      name,
      askAt: `${forwardAuth.path}/${name}`,
      prefix: policies.length === 1 ? '/' : `/${name}`,
      phantom: phantomToken !== undefined && isAuthorization(phantomToken.header),
      document: documentPathOf(options),
    })),
    copied: copiedHeaders(policies),
    ...certificateHeaders(policies[0]?.options.clientCertificate),
    session: forwardAuth.session,
    places: tokenPlaces(policies, forwardAuth.session),
  };
  const problems = [
    ...checkServer(proxy, config),
    ...checkAddress(config),
    ...checkNames(plan),
    ...checkCertificates(proxy, forwardAuth),
  ];
  return { plan: problems.length === 0 ? plan : undefined, problems };
}

function copiedHeaders(policies: readonly ResolvedPolicy[]): readonly string[] {
  const all = [...Object.values(CREDENTIAL_HEADERS), ...policies.flatMap((policy) => ownHeadersOf(policy))];
  return [...new Map(all.map((name) => [name.toLowerCase(), name])).values()];
}

function documentPathOf({ protectedResource }: ResolvedPolicy['options']): string | undefined {
  return protectedResource === undefined ? undefined : metadataTargetOf(protectedResource.resource).path;
}

/** Paths of documents, which the proxy passes on to `serve` without asking about them. */
export function documentPaths({ policies }: ProxyPlan): readonly string[] {
  return policies.flatMap(({ document }) => document ?? []);
}

/** What `serve` needs not for a document: whatever a client may send of itself. */
export function credentialHeaders({ places, certificateHeader }: ProxyPlan): readonly string[] {
  return ['Authorization', 'DPoP', 'Cookie', ...places.headers, certificateHeader];
}

/** Headers of the answers that do not begin as the usual ones do. */
export function unusualHeaders({ copied }: ProxyPlan): readonly string[] {
  return copied.filter((name) => !name.toLowerCase().startsWith('x-credential-'));
}

function tokenPlaces(policies: readonly ResolvedPolicy[], session: SessionSettings | undefined): TokenPlaces {
  const places = policies.flatMap(({ token = [] }) => token);
  return {
    headers: named(places.map(({ header }) => header)).filter((name) => !isAuthorization(name)),
    cookies: named([session?.cookie, ...places.map(({ cookie }) => cookie)]),
    parameters: named(places.map(({ unsafeQuery }) => unsafeQuery)),
  };
}

function named(names: readonly (string | undefined)[]): readonly string[] {
  return [...new Set(names.filter((name) => name !== undefined))];
}

function certificateHeaders(
  source: CertificateSettings | undefined,
): Pick<ProxyPlan, 'certificateHeader' | 'verifyHeader'> {
  if (source?.from !== 'header') return { certificateHeader: '', verifyHeader: undefined };
  return { certificateHeader: inCapitals(source.header), verifyHeader: verdictOf(source) };
}

function verdictOf({ verifyHeader }: HeaderCertificateSettings): string | undefined {
  if (verifyHeader === undefined) return undefined;
  return inCapitals(typeof verifyHeader === 'string' ? verifyHeader : verifyHeader.name);
}

/** As headers are usually written: `X-SSL-Client-Cert`. */
function inCapitals(name: string): string {
  return name
    .replaceAll(/(?<![a-z0-9])[a-z]/gi, (letter) => letter.toUpperCase())
    .replaceAll(/\bssl\b/gi, 'SSL');
}

function checkServer(
  proxy: AskingProxy,
  { listen, tls, forwardAuth }: ServeConfig,
): readonly ConfigurationProblem[] {
  return [
    ...(forwardAuth.proxy === proxy
      ? []
      : [problem('proxy', forwardAuth.proxy, `set it to '${proxy}': serve must know who asks`)]),
    ...(tls === undefined
      ? []
      : [problem('tls', tls, 'leave it out, or write by hand how the proxy speaks TLS to serve')]),
    ...('port' in listen && /^0+$/.test(String(listen.port))
      ? [problem('listen.port', listen.port, 'name the port, so that the proxy finds it')]
      : []),
    ...('unix' in listen && proxy === 'traefik'
      ? [problem('listen.unix', listen.unix, 'give { host, port }: Traefik asks at no unix socket')]
      : []),
  ];
}

/** What is printed must not be read as more than an address, in any of the languages. */
function checkAddress({ listen }: ServeConfig): readonly ConfigurationProblem[] {
  if ('unix' in listen) {
    const remedy = "use a path of letters, digits, '.', '_', '-' and '/': proxies read others otherwise";
    return /^[\w./-]+$/.test(listen.unix) ? [] : [problem('listen.unix', listen.unix, remedy)];
  }
  const remedy = 'give an address or the name of a host';
  return /^[\w.:-]+$/.test(listen.host) ? [] : [problem('listen.host', listen.host, remedy)];
}

/** Of names with other characters a proxy may make something else. */
function checkNames(plan: ProxyPlan): readonly ConfigurationProblem[] {
  const { copied, places, policies, certificateHeader, verifyHeader = 'none' } = plan;
  const names = [
    ...copied.map((name) => [`credentialHeaders.${name}`, name] as const),
    ...places.headers.map((name) => ['token.header', name] as const),
    ['clientCertificate.header', certificateHeader] as const,
    ['clientCertificate.verifyHeader', verifyHeader] as const,
  ];
  return [
    ...names.flatMap(([path, name]) => checkName(path, name, /^[a-z][a-z\d-]*$/i, "letters, digits and '-'")),
    ...policies.flatMap(({ name, document = '' }) =>
      checkName(
        `policies.${name}.protectedResource.resource`,
        document,
        /^(?:\/[\w~.-]*[\w~-])*\/?$/,
        "segments of letters, digits, '.', '_', '~' and '-'",
      ),
    ),
    ...places.cookies.flatMap((name) =>
      checkName('token.cookie', name, /^[\w.-]+$/, "letters, digits, '.', '_' and '-'"),
    ),
    ...places.parameters.flatMap((name) =>
      checkName('token.unsafeQuery', name, /^[\w.~ -]+$/, "letters, digits, '.', '_', '~' and '-'"),
    ),
  ];
}

function checkName(
  path: string,
  name: string,
  allowed: RegExp,
  letters: string,
): readonly ConfigurationProblem[] {
  if (allowed.test(name)) return [];
  return [problem(path, name, `use ${letters} alone: of other names proxies may make something else`)];
}

type Format = Exclude<HeaderClientCertificateOptions['format'], object>;

/** How each proxy passes on a certificate, and the header where it is not ours to choose. */
const SENT: Readonly<Record<AskingProxy, { readonly format: Format; readonly header?: string }>> = {
  nginx: { format: 'pem' },
  caddy: { format: 'der' },
  traefik: { format: 'der', header: 'x-forwarded-tls-client-cert' },
  envoy: { format: 'xfcc', header: 'x-forwarded-client-cert' },
};

function checkCertificates(
  proxy: AskingProxy,
  { policies }: ResolvedForwardAuth,
): readonly ConfigurationProblem[] {
  const sources = [...policies].map(([name, { options }]) => [name, options.clientCertificate] as const);
  const [, first] = sources[0] ?? [];
  return sources.flatMap(([name, source]) => {
    const at = `policies.${name}.clientCertificate`;
    if (source.from !== 'header' || source.trust !== 'proxy')
      return [
        problem(
          at,
          source,
          "leave it out: in what is printed the proxy verifies certificates (trust: 'proxy')",
        ),
      ];
    const { format, header = source.header } = SENT[proxy];
    const hasVerdict = source.verifyHeader !== undefined;
    if (source.format !== format || source.header !== header || (hasVerdict && proxy !== 'nginx'))
      return [problem(at, source, `leave it out, or take what ${proxy} sends: ${format} in ${header}`)];
    return first?.from === 'header' &&
      first.header === source.header &&
      verdictOf(first) === verdictOf(source)
      ? []
      : [problem(at, source, 'take the same headers for all policies: the proxy is one')];
  });
}
