import { type Demands, NO_DEMANDS } from '../../authorization/demands.js';
import type { AuthorizationServerOptions, CertBoundAuthOptions } from '../../cert-bound-auth.options.js';
import { nearestOf } from '../../common/did-you-mean.js';
import { messageOf } from '../../common/message-of.js';
import { SERVER_PRESETS } from '../../options/authorization-server-presets.js';
import { type ResolvedOptions, resolveOptions } from '../../options/resolve-options.js';
import { Misuse } from '../misuse.js';
import { readText } from '../read-file.js';
import { readServeConfig } from '../serve-config.js';

/** What a command looks at: the options of one API, and what it demands. */
export interface LookedAt {
  /** For people. */
  readonly name: string;
  readonly options: ResolvedOptions;
  readonly demands: Demands;
}

/** The options of a command line that say what is looked at. */
export const CONFIGURATION_OPTIONS = {
  config: { type: 'string' },
  policy: { type: 'string' },
  issuer: { type: 'string' },
  audience: { type: 'string' },
  preset: { type: 'string' },
  'public-url': { type: 'string' },
  ca: { type: 'string' },
} as const;

/** The same as they were given. */
export type ConfigurationGiven = { readonly [Name in keyof typeof CONFIGURATION_OPTIONS]?: string };

/**
 * The configuration that a command line means: a policy of a file, or what is given in its place.
 * @throws Misuse where it says neither, or both; ConfigurationFault where the file is wrong
 */
export function readConfiguration(given: ConfigurationGiven): LookedAt {
  const { config, issuer } = given;
  if (config !== undefined && issuer !== undefined) throw new Misuse('give --config or --issuer, not both');
  if (config !== undefined) return fromFile(config, given);
  if (issuer === undefined) throw new Misuse('give --config <file>, or --issuer <url> and --audience <aud>');
  if (given.policy !== undefined) throw new Misuse('--policy names a policy of --config');
  return fromCommandLine(issuer, given);
}

function fromFile(file: string, given: ConfigurationGiven): LookedAt {
  for (const name of ['audience', 'preset', 'public-url', 'ca'] as const) {
    if (given[name] !== undefined) throw new Misuse(`--${name} goes with --issuer: --config has its own`);
  }
  const { policies } = readServeConfig(file).forwardAuth;
  const [only, ...others] = policies.keys();
  const name = given.policy ?? (others.length === 0 ? only : undefined);
  const policy = name === undefined ? undefined : policies.get(name);
  if (policy === undefined) throw new Misuse(`name a policy by --policy: ${[...policies.keys()].join(', ')}`);
  return { name: `policy ${policy.name} of ${file}`, options: policy.options, demands: policy.demands };
}

/** What the commands need to know of an API that nobody has configured yet. */
function fromCommandLine(issuer: string, given: ConfigurationGiven): LookedAt {
  const { audience, preset, ca, 'public-url': publicUrl } = given;
  if (audience === undefined) throw new Misuse('give --audience: the aud that names this API');
  const server: AuthorizationServerOptions = {
    issuer,
    ...(ca === undefined ? {} : { tls: { ca: readText(ca) } }),
  };
  const options = {
    audience,
    authorizationServers: [preset === undefined ? server : presetNamed(preset)(server)],
    ...(publicUrl === undefined ? {} : { dpop: { publicUrl } }),
  } as CertBoundAuthOptions;
  return { name: `${issuer} for ${audience}`, options: resolved(options), demands: NO_DEMANDS };
}

function resolved(options: CertBoundAuthOptions): ResolvedOptions {
  try {
    return resolveOptions(options);
  } catch (error) {
    throw new Misuse(messageOf(error));
  }
}

function presetNamed(name: string): (server: AuthorizationServerOptions) => AuthorizationServerOptions {
  const names = Object.keys(SERVER_PRESETS);
  const known = names.includes(name) ? SERVER_PRESETS[name as keyof typeof SERVER_PRESETS] : undefined;
  if (known !== undefined) return (server) => known(server);
  const nearest = nearestOf(name, names);
  throw new Misuse(
    `there is no such preset${nearest === undefined ? `: there are ${names.join(', ')}` : `: did you mean ${nearest}?`}`,
  );
}
