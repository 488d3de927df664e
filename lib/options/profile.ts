import type { JsonObject } from '../jose/json-object.js';
import type { CertBoundAuthSettings } from './cert-bound-auth.settings.js';
import { type ConfigurationProblem, problem } from './configuration-error.js';
import { DPOP_ALGORITHMS } from './dpop.settings.js';

/** The algorithms of FAPI 2.0 Security Profile §5.4.1; `Ed25519` is the name of RFC 9864 for that of `EdDSA`. */
const FAPI2_ALGORITHMS = ['PS256', 'ES256', 'EdDSA', 'Ed25519'] as const;

/** What may be in the future: up to 10 seconds must pass, above 60 must not (FAPI 2.0 §5.3.2.1). */
const [LEAST_SKEW, MOST_SKEW] = [10, 60];

/**
 * Fills in what a profile asks for where an option is not given.
 * @param given the options as they were given
 */
export function withProfile(settings: CertBoundAuthSettings, given: JsonObject): CertBoundAuthSettings {
  if (settings.profile !== 'fapi2') return settings;
  const { dpop, authorizationServers } = settings;
  return changed(settings, {
    clockTolerance: given['clockTolerance'] === undefined ? LEAST_SKEW : settings.clockTolerance,
    dpop: dpop?.algorithms === DPOP_ALGORITHMS ? changed(dpop, { algorithms: FAPI2_ALGORITHMS }) : dpop,
    authorizationServers: authorizationServers.map((server) => {
      const { jwt } = server;
      if (jwt === false || jwt.algorithms !== undefined || jwt.secret !== undefined) return server;
      return changed(server, { jwt: changed(jwt, { algorithms: FAPI2_ALGORITHMS }) });
    }),
  });
}

/** Settings of the same class, but for these. */
function changed<Settings extends object>(settings: Settings, changes: Partial<Settings>): Settings {
  const copy = Object.create(Object.getPrototypeOf(settings) as object) as Settings;
  return Object.assign(copy, settings, changes);
}

/** What of the options breaks the profile that they name. */
export function checkProfile(settings: CertBoundAuthSettings): readonly ConfigurationProblem[] {
  switch (settings.profile) {
    case 'fapi2':
      return checkFapi2(settings);
    case 'mcp':
      return checkMcp(settings);
    case undefined:
      return [];
  }
}

/** FAPI 2.0 Security Profile §5.3.4 and §5.4, what an API can get wrong. */
function checkFapi2(settings: CertBoundAuthSettings): readonly ConfigurationProblem[] {
  const { binding, clockTolerance, dpop } = settings;
  return [
    ...(binding === 'required' ? [] : [problem('binding', binding, MUST_BE_BOUND)]),
    ...checkSkew('clockTolerance', clockTolerance),
    ...(dpop === undefined
      ? []
      : [
          ...checkSkew('dpop.clockSkew', dpop.clockSkew),
          ...checkAlgorithms('dpop.algorithms', dpop.algorithms),
        ]),
    ...settings.authorizationServers.flatMap((server, index) =>
      checkFapi2Server(server, `authorizationServers[${index}]`),
    ),
  ];
}

const MUST_BE_BOUND = "profile 'fapi2' wants every token to be bound: leave it out";

function checkFapi2Server(
  {
    binding = 'required',
    jwt,
    introspection,
    http,
    statusList,
  }: CertBoundAuthSettings['authorizationServers'][number],
  path: string,
): readonly ConfigurationProblem[] {
  const isAskedOfAll = introspection !== undefined && (jwt === false || introspection.tokens === 'all');
  const secret = jwt === false ? undefined : jwt.secret;
  return [
    ...(binding === 'required' ? [] : [problem(`${path}.binding`, binding, MUST_BE_BOUND)]),
    ...(jwt === false ? [] : checkAlgorithms(`${path}.jwt.algorithms`, jwt.algorithms ?? [])),
    ...(secret === undefined
      ? []
      : [
          problem(
            `${path}.jwt.secret`,
            secret,
            "profile 'fapi2' knows no shared secrets: use the server's keys",
          ),
        ]),
    ...(isAskedOfAll
      ? []
      : [
          problem(
            `${path}.introspection`,
            introspection,
            "profile 'fapi2' wants to know of every token whether it has been revoked: give introspection with tokens: 'all', or with jwt: false",
          ),
        ]),
    ...(statusList === false
      ? [
          problem(
            `${path}.statusList`,
            statusList,
            "profile 'fapi2' wants the status of every token: leave it out",
          ),
        ]
      : []),
    ...(http.allowLoopbackHttp
      ? [problem(`${path}.http.allowLoopbackHttp`, true, "profile 'fapi2' wants TLS: leave it out")]
      : []),
  ];
}

function checkSkew(path: string, seconds: number): readonly ConfigurationProblem[] {
  if (seconds >= LEAST_SKEW && seconds <= MOST_SKEW) return [];
  return [problem(path, seconds, `profile 'fapi2' wants ${LEAST_SKEW} to ${MOST_SKEW} seconds`)];
}

function checkAlgorithms(path: string, algorithms: readonly string[]): readonly ConfigurationProblem[] {
  const known: readonly string[] = FAPI2_ALGORITHMS;
  if (algorithms.every((algorithm) => known.includes(algorithm))) return [];
  return [problem(path, algorithms, `profile 'fapi2' knows ${FAPI2_ALGORITHMS.join(', ')}: leave it out`)];
}

/** MCP authorization, what a server of MCP can get wrong. */
function checkMcp({
  protectedResource,
  audience,
  authorizationServers,
}: CertBoundAuthSettings): readonly ConfigurationProblem[] {
  if (protectedResource === undefined) {
    const remedy = "profile 'mcp' needs the URL of the endpoint: { resource: 'https://mcp.example.com/mcp' }";
    return [problem('protectedResource', protectedResource, remedy)];
  }
  const { resource } = protectedResource;
  const places = [
    ['audience', audience] as const,
    ...authorizationServers.map(
      (server, index) => [`authorizationServers[${index}].audience`, server.audience ?? audience] as const,
    ),
  ];
  const wrong = places.find(([, values]) => ![values].flat().includes(resource));
  return [
    ...(wrong === undefined
      ? []
      : [problem(wrong[0], wrong[1], `profile 'mcp' wants tokens for ${resource}: name it here (RFC 8707)`)]),
    ...(/[^/]\/$/.test(resource.replace(/^https?:\/\//, ''))
      ? [
          problem(
            'protectedResource.resource',
            resource,
            "profile 'mcp' wants no slash at the end: clients leave it out",
          ),
        ]
      : []),
  ];
}
