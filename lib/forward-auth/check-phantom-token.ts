import { isJsonObject, type JsonObject } from '../jose/json-object.js';
import type { AuthorizationServerOptions } from '../cert-bound-auth.options.js';
import { checkPrivateKey } from '../options/check-private-key.js';
import { type ConfigurationProblem, problem } from '../options/configuration-error.js';
import { JWS_ALGORITHMS } from '../jose/jws-algorithms.js';
import type { ForwardAuthPolicy } from './forward-auth.options.js';

const AT = 'phantomToken';
const FIELDS = {
  introspection: ['from', 'header'],
  key: ['from', 'header', 'key', 'algorithm', 'keyId', 'issuer', 'audience', 'lifetime', 'claims'],
} as const;

/** Checks the JWT that is to go on to the API behind the proxy. */
export function checkPhantomToken({
  phantomToken,
  authorizationServers,
  credentialHeaders,
}: ForwardAuthPolicy): readonly ConfigurationProblem[] {
  const phantom: unknown = phantomToken;
  if (phantom === undefined) return [];
  if (!isJsonObject(phantom) || (phantom['from'] !== 'introspection' && phantom['from'] !== 'key')) {
    return [problem(AT, phantom, "use { from: 'introspection' } or { from: 'key', key, algorithm, issuer }")];
  }
  const known: readonly string[] = FIELDS[phantom['from']];
  return [
    ...Object.entries(phantom)
      .filter(([name]) => !known.includes(name))
      .map(([name, value]) => problem(`${AT}.${name}`, value, 'there is no such option')),
    ...checkHeader(phantom['header'], Object.keys(credentialHeaders ?? {})),
    ...(phantom['from'] === 'key' ? checkMinted(phantom) : checkIntrospected(authorizationServers)),
  ];
}

/** No other header of an answer may be mistaken for it. @param taken headers of claims */
function checkHeader(header: unknown, taken: readonly string[]): readonly ConfigurationProblem[] {
  const isUsable =
    header === undefined ||
    (typeof header === 'string' &&
      /^(?:authorization|x-(?!credential-)[\w-]+)$/i.test(header) &&
      taken.every((name) => name.toLowerCase() !== header.toLowerCase()));
  return isUsable
    ? []
    : [
        problem(
          `${AT}.header`,
          header,
          "use 'Authorization', or a name that begins with 'X-' and is none of credentialHeaders",
        ),
      ];
}

function checkMinted(phantom: JsonObject): readonly ConfigurationProblem[] {
  const { algorithm, issuer, keyId, audience, lifetime, claims } = phantom;
  return [
    ...checkKey(phantom),
    ...checkField('issuer', issuer, isText(issuer), 'give the iss of the JWTs'),
    ...checkField('keyId', keyId, keyId === undefined || isText(keyId), 'give the key id as a string'),
    ...checkField(
      'audience',
      audience,
      audience === undefined || isTexts([audience].flat()),
      'give aud values',
    ),
    ...checkField('lifetime', lifetime, isLifetime(lifetime), 'give a number of seconds, 1 to 3600'),
    ...checkField(
      'claims',
      claims,
      claims === undefined || isTexts(claims),
      'give a list of names of claims',
    ),
    ...(JWS_ALGORITHMS.some((known) => known === algorithm)
      ? []
      : [problem(`${AT}.algorithm`, algorithm, `use one of ${JWS_ALGORITHMS.join(', ')}`)]),
  ];
}

function checkKey({ key, algorithm }: JsonObject): readonly ConfigurationProblem[] {
  const known = JWS_ALGORITHMS.find((name) => name === algorithm);
  if (key === undefined || key === null) {
    return [problem(`${AT}.key`, key, 'give the private key: PEM, JWK, KeyObject or CryptoKey')];
  }
  return known === undefined ? [] : checkPrivateKey({ key, algorithm: known }, `${AT}.key`);
}

function checkField(
  name: string,
  value: unknown,
  isRight: boolean,
  remedy: string,
): readonly ConfigurationProblem[] {
  return isRight ? [] : [problem(`${AT}.${name}`, value, remedy)];
}

function isText(value: unknown): boolean {
  return typeof value === 'string' && value !== '';
}

function isTexts(value: unknown): boolean {
  return Array.isArray(value) && value.length > 0 && value.every((item) => isText(item));
}

function isLifetime(value: unknown): boolean {
  return value === undefined || (typeof value === 'number' && value >= 1 && value <= 3600);
}

/** There must be a signed answer for every token. */
function checkIntrospected(
  servers: readonly AuthorizationServerOptions[] | undefined,
): readonly ConfigurationProblem[] {
  if (!Array.isArray(servers)) return [];
  const remedy =
    "every server needs introspection with responseFormat: 'jwt', and jwt: false or tokens: 'all': " +
    'without a signed answer there is nothing to hand on';
  return servers.every((server: unknown) => isJsonObject(server) && signsAlways(server))
    ? []
    : [problem(`${AT}.from`, 'introspection', remedy)];
}

function signsAlways({ jwt, introspection }: JsonObject): boolean {
  if (!isJsonObject(introspection) || introspection['responseFormat'] !== 'jwt') return false;
  return jwt === false || introspection['tokens'] === 'all';
}
