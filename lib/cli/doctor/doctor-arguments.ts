import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { isLoopback } from '../../authorization-server/loopback.js';
import type { Api, ClientIdentity, ConfiguredApi } from '../../doctor/api.js';
import { algorithmOf } from '../../doctor/call-api.js';
import type { Patient } from '../../doctor/examine.js';
import type { RedisSubject } from '../../doctor/redis-look.js';
import type { LookRules } from '../../doctor/take-looks.js';
import { parseJsonObject } from '../../jose/json-object.js';
import type { ResolvedOptions } from '../../options/resolve-options.js';
import { CONFIGURATION_OPTIONS, readConfiguration } from '../explain/configuration.js';
import { type Given, Misuse } from '../misuse.js';
import { readText } from '../read-file.js';

/** The options of the command. */
export const DOCTOR_OPTIONS = {
  ...CONFIGURATION_OPTIONS,
  url: { type: 'string' },
  cert: { type: 'string' },
  key: { type: 'string' },
  'other-cert': { type: 'string' },
  'other-key': { type: 'string' },
  'token-file': { type: 'string' },
  'dpop-key': { type: 'string' },
  backend: { type: 'string' },
  redis: { type: 'string' },
  'redis-auth-file': { type: 'string' },
  timeout: { type: 'string' },
  json: { type: 'boolean' },
  help: { type: 'boolean' },
} as const;

/** The same as they were given. */
export type DoctorGiven = Given<typeof DOCTOR_OPTIONS>;

/** What a command line asks to be examined, and how. @throws Misuse, ConfigurationFault */
export function readDoctorArguments(given: DoctorGiven): {
  readonly patient: Patient;
  readonly rules: LookRules;
} {
  const options = optionsOf(given);
  const token = given['token-file'] === undefined ? undefined : readToken(given['token-file']);
  const redis = redisOf(given);
  const patient = { options, api: apiOf(given, options, token), redis, token };
  if (options === undefined && patient.api === undefined && redis === undefined)
    throw new Misuse('give --config <file>, --issuer <url>, --url <url> or --redis <url>: see doctor --help');
  return { patient, rules: { timeout: timeoutOf(given.timeout), secrets: secretsOf(options, token, redis) } };
}

/** Nobody's: what is looked at of an issuer does not depend on it. */
const NO_AUDIENCE = 'urn:nestjs-cert-bound-auth:doctor';

function optionsOf(given: DoctorGiven): ResolvedOptions | undefined {
  const { config, policy, issuer, audience = issuer && NO_AUDIENCE, preset, 'public-url': publicUrl } = given;
  if (config === undefined && issuer === undefined) {
    const alone = (['policy', 'audience', 'preset', 'public-url'] as const).find(
      (name) => given[name] !== undefined,
    );
    if (alone !== undefined) throw new Misuse(`--${alone} goes with --config or --issuer`);
    return undefined;
  }
  const ca = config === undefined ? given.ca : undefined;
  const all = { config, policy, issuer, audience, preset, 'public-url': publicUrl, ca };
  const named = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
  return readConfiguration(named).options;
}

function apiOf(
  given: DoctorGiven,
  options: ResolvedOptions | undefined,
  token: string | undefined,
): Api | undefined {
  const client = identityOf(given.cert, given.key, '');
  const other = identityOf(given['other-cert'], given['other-key'], 'other-');
  if (given.url === undefined) {
    const alone = (['cert', 'key', 'other-cert', 'other-key', 'dpop-key', 'backend'] as const).find(
      (name) => given[name] !== undefined,
    );
    if (alone !== undefined) throw new Misuse(`--${alone} goes with --url`);
    return undefined;
  }
  const url = urlOf('url', given.url);
  if (url.protocol === 'http:' && !isLoopback(url.hostname))
    throw new Misuse('--url needs https:, for a token would be sent to it');
  return {
    url,
    ca: given.ca === undefined ? undefined : readText(given.ca),
    client,
    other,
    token,
    dpopKey: given['dpop-key'] === undefined ? undefined : readKey(given['dpop-key']),
    backend: given.backend === undefined ? undefined : urlOf('backend', given.backend),
    configured: options === undefined ? undefined : configuredBy(options),
  };
}

function configuredBy({ authorizationServers, dpop, clientCertificate }: ResolvedOptions): ConfiguredApi {
  const urls = [dpop?.publicUrl].flat().filter((url) => typeof url === 'string');
  return {
    issuers: authorizationServers.map(({ issuer }) => issuer),
    publicUrls: dpop === undefined ? undefined : urls,
    header: clientCertificate.from === 'header' ? clientCertificate : undefined,
  };
}

function urlOf(name: string, text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol))
    throw new Misuse(`--${name} needs a URL, as https://api.example.com/payments`);
  if (url.username !== '' || url.password !== '') throw new Misuse(`--${name} takes no password`);
  return url;
}

function identityOf(
  cert: string | undefined,
  key: string | undefined,
  prefix: string,
): ClientIdentity | undefined {
  if (cert === undefined && key === undefined) return undefined;
  if (cert === undefined || key === undefined)
    throw new Misuse(`--${prefix}cert and --${prefix}key go together`);
  const identity = { cert: readText(cert), key: readText(key) };
  if (!belongTogether(identity))
    throw new Misuse(`${cert} and ${key} are no certificate and its private key, PEM`);
  return identity;
}

function belongTogether({ cert, key }: ClientIdentity): boolean {
  try {
    return new X509Certificate(cert).checkPrivateKey(createPrivateKey(key));
  } catch {
    return false;
  }
}

/** PEM, or a JWK. */
function readKey(file: string): KeyObject {
  const text = readText(file);
  const jwk = parseJsonObject(text);
  try {
    const key =
      jwk === undefined ? createPrivateKey(text) : createPrivateKey({ key: jwk as never, format: 'jwk' });
    algorithmOf(key);
    return key;
  } catch {
    throw new Misuse(`${file} holds no private key that signs proofs, PEM or JWK`);
  }
}

function readToken(file: string): string {
  const token = readText(file).trim();
  if (token === '' || /[^\x21-\x7e]/.test(token)) throw new Misuse(`there is no token in ${file}`);
  return token;
}

function redisOf(given: DoctorGiven): RedisSubject | undefined {
  const { redis, 'redis-auth-file': file, ca } = given;
  if (redis === undefined) {
    if (file !== undefined) throw new Misuse('--redis-auth-file goes with --redis');
    return undefined;
  }
  const url = URL.canParse(redis) ? new URL(redis) : undefined;
  if (url === undefined || !/^rediss?:$/.test(url.protocol))
    throw new Misuse('--redis needs a URL, as redis://localhost:6379');
  if (url.username !== '' || url.password !== '')
    throw new Misuse(
      'a password is never taken from the command line: put user:password into a file, and give --redis-auth-file',
    );
  const [user, password] = file === undefined ? [] : authIn(readText(file).trim());
  return { url, user, password, ca: ca === undefined ? undefined : readText(ca) };
}

function authIn(text: string): readonly [string | undefined, string] {
  const at = text.indexOf(':');
  return at === -1 ? [undefined, text] : [at === 0 ? undefined : text.slice(0, at), text.slice(at + 1)];
}

const DEFAULT_SECONDS = 10;
const MOST_SECONDS = 300;

function timeoutOf(text: string | undefined): number {
  const seconds = text === undefined ? DEFAULT_SECONDS : Number(text);
  if (!(seconds > 0 && seconds <= MOST_SECONDS))
    throw new Misuse(`--timeout needs seconds, up to ${MOST_SECONDS}`);
  return Math.ceil(seconds * 1000);
}

/** What no line may repeat, should a server send it back. */
function secretsOf(
  options: ResolvedOptions | undefined,
  token: string | undefined,
  redis: RedisSubject | undefined,
): readonly string[] {
  const clients = (options?.authorizationServers ?? []).flatMap(({ introspection }) =>
    introspection?.source.kind === 'remote' ? [introspection.source.clientAuthentication] : [],
  );
  const secrets = clients.flatMap((client) => ('clientSecret' in client ? [client.clientSecret] : []));
  return [token, redis?.password, ...secrets].filter(
    (secret) => secret !== undefined && secret !== '',
  ) as string[];
}
