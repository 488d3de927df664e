import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { isJsonObject, type JsonObject } from '../jose/json-object.js';
import type { ForwardAuthOptions } from '../forward-auth/forward-auth.options.js';
import { resolveForwardAuth } from '../forward-auth/resolve-forward-auth.js';
import type { ResolvedForwardAuth } from '../forward-auth/resolved-forward-auth.js';
import { LOG_LEVELS, type LogLevelName } from '../common/log.js';
import { messageOf } from '../common/message-of.js';
import {
  CertBoundAuthConfigurationError,
  type ConfigurationProblem,
  problem,
} from '../options/configuration-error.js';
import { noSuchOption } from '../options/no-such-option.js';
import { listsProblem } from '../client-certificate/chain/lists-of-trust.js';
import type { ClientTrust } from '../tls/client-trust.js';
import { pemBlocks, pemText } from '../tls/pem.js';
import { mutualTls, type MutualTlsOptions, type MutualTlsServerOptions } from '../tls/mutual-tls.js';
import { parseConfig } from './parse-config.js';
import { dereference } from './references.js';
import { withServerPresets } from './server-presets.js';

/** Where a server listens. */
export type Listen = { readonly host: string; readonly port: number } | { readonly unix: string };

/** What `serve` needs. */
export interface ServeConfig {
  readonly listen: Listen;
  /** `undefined` for plain HTTP. */
  readonly tls: MutualTlsServerOptions | undefined;
  /** Lines that are less loud are not written. */
  readonly logLevel: LogLevelName;
  readonly forwardAuth: ResolvedForwardAuth;
}

/** Stops a command: what is wrong with the configuration, a line each. */
export class ConfigurationFault extends Error {
  override readonly name = 'ConfigurationFault';

  constructor(file: string, problems: readonly ConfigurationProblem[]) {
    const lines = problems.map(({ path, found, remedy }) => `  - ${path} (${found}): ${remedy}`);
    super([`${file} is wrong:`, ...lines].join('\n'));
  }
}

/**
 * Reads the configuration of `serve`: the options of `ForwardAuthModule`, `listen`, `tls` and `logLevel`.
 * @throws ConfigurationFault naming every wrong field; Error when it can't be read at all
 */
export function readServeConfig(file: string): ServeConfig {
  const { value: config, problems: missing } = dereference(
    parseConfig(readFileSync(file, 'utf8'), file),
    file,
  );
  if (!isJsonObject(config)) {
    throw new ConfigurationFault(file, [
      problem('(all)', config, 'give { listen, trustedProxies, policies }'),
    ]);
  }
  const { listen, tls, logLevel = 'debug', ...named } = config;
  const { value: options, problems: presets } = withServerPresets(named);
  const own = [
    ...missing,
    ...presets,
    ...checkCode(options, ''),
    ...checkListen(listen),
    ...checkTls(tls),
    ...checkLogLevel(logLevel),
  ];
  const { forwardAuth, problems: others } = resolveOptions(options);
  // What can't be read is missing for whoever looks at it afterwards, too.
  const rest = others.filter(({ path }) => !own.some((known) => path === known.path));
  const all = [...own, ...rest];
  if (forwardAuth === undefined || all.length > 0) throw new ConfigurationFault(file, all);
  return {
    listen: listenOf(listen),
    tls: tlsOf(tls),
    logLevel: logLevel as LogLevelName,
    forwardAuth,
  };
}

function resolveOptions(options: JsonObject): {
  readonly forwardAuth: ResolvedForwardAuth | undefined;
  readonly problems: readonly ConfigurationProblem[];
} {
  try {
    return {
      forwardAuth: resolveForwardAuth(options as unknown as ForwardAuthOptions, [
        'listen',
        'tls',
        'logLevel',
      ]),
      problems: [],
    };
  } catch (error) {
    if (!(error instanceof CertBoundAuthConfigurationError)) throw error;
    return { forwardAuth: undefined, problems: error.problems };
  }
}

/** What only code can give. */
const CODE = new Set(['validate', 'introspect', 'replayStore', 'shared', 'find', 'store']);
/** Whose names are the user's own. */
const FREE = new Set(['parameters', 'headers', 'credentialHeaders']);

function checkCode(fields: unknown, at: string): readonly ConfigurationProblem[] {
  if (Array.isArray(fields)) {
    return fields.flatMap((item: unknown, index) => checkCode(item, `${at}[${index}]`));
  }
  if (!isJsonObject(fields)) return [];
  return Object.entries(fields).flatMap(([name, value]) => {
    const path = at === '' ? name : `${at}.${name}`;
    if (CODE.has(name) && at !== 'policies') {
      return [problem(path, value, 'it is code: leave it out, or write a Nest app with ForwardAuthModule')];
    }
    return FREE.has(name) ? [] : checkCode(value, path);
  });
}

const LISTEN = 'give { host, port } or { unix: path }; host is 127.0.0.1 unless given';

function checkListen(listen: unknown): readonly ConfigurationProblem[] {
  if (!isJsonObject(listen)) return [problem('listen', listen, LISTEN)];
  const { host, port, unix, ...others } = listen;
  return [
    ...Object.entries(others).map(([name, value]) =>
      problem(`listen.${name}`, value, noSuchOption(name, ['host', 'port', 'unix'])),
    ),
    ...(unix === undefined ? checkPort(host, port) : checkUnix(unix, { host, port })),
  ];
}

function checkPort(host: unknown, port: unknown): readonly ConfigurationProblem[] {
  // Text, too: a variable of the environment is no number.
  const isOne = typeof port === 'number' || typeof port === 'string';
  const isPort = isOne && /^\d{1,5}$/.test(String(port)) && Number(port) <= 65_535;
  return [
    ...(host === undefined || (typeof host === 'string' && host !== '')
      ? []
      : [problem('listen.host', host, 'give an address of this machine')]),
    ...(isPort ? [] : [problem('listen.port', port, 'give a port, 0 to 65535')]),
  ];
}

function checkUnix(unix: unknown, others: object): readonly ConfigurationProblem[] {
  const isAlone = Object.values(others).every((value) => value === undefined);
  return [
    ...(typeof unix === 'string' && unix !== ''
      ? []
      : [problem('listen.unix', unix, 'give the path of a socket')]),
    ...(isAlone ? [] : [problem('listen', others, 'give either { host, port } or { unix: path }')]),
  ];
}

function listenOf(listen: unknown): Listen {
  const { host = '127.0.0.1', port, unix } = listen as { host?: string; port: number; unix?: string };
  return unix === undefined ? { host, port } : { unix };
}

function checkLogLevel(level: unknown): readonly ConfigurationProblem[] {
  return LOG_LEVELS.some((known) => known === level)
    ? []
    : [problem('logLevel', level, "use 'error', 'warn', 'log' or 'debug'")];
}

const TLS_FIELDS = new Set(['key', 'cert', 'ca', 'crl', 'clientAuth', 'minVersion']);

function checkTls(tls: unknown): readonly ConfigurationProblem[] {
  if (tls === undefined) return [];
  if (!isJsonObject(tls)) return [problem('tls', tls, 'give { key, cert, ca }')];
  const unknown = Object.keys(tls).filter((name) => !TLS_FIELDS.has(name));
  if (unknown.length > 0)
    return unknown.map((name) => problem(`tls.${name}`, tls[name], noSuchOption(name, [...TLS_FIELDS])));
  try {
    const options = mutualTls(tls as unknown as MutualTlsOptions);
    createSecureContext(options);
    const missing = listsProblem(trustOf(options));
    return missing === undefined ? [] : [problem('tls.crl', tls['crl'], missing)];
  } catch (error) {
    return [problem('tls', tls, messageOf(error))];
  }
}

function trustOf({ ca, crl = [] }: MutualTlsServerOptions): ClientTrust {
  return {
    ca: pemBlocks(pemText(ca), 'CERTIFICATE'),
    crl: pemBlocks(pemText(crl), 'X509 CRL'),
    partialChains: false,
  };
}

/** @throws TypeError for what would weaken it */
function tlsOf(tls: unknown): MutualTlsServerOptions | undefined {
  return tls === undefined ? undefined : mutualTls(tls as MutualTlsOptions);
}
