import type { JWK } from 'jose';
import type { AuthorizationServerRules } from '../access-token/authorization-server-rules.js';
import type { AuthorizationServerHttp } from '../authorization-server/authorization-server-http.js';
import { isPublicSigningKey, PublishedKeys } from '../authorization-server/key-set.js';
import { fetchKeyMembers } from '../authorization-server/signing-keys.js';
import type { ServerMetadataSource } from '../authorization-server/server-metadata.js';
import { quoted } from '../common/quoted.js';
import { REMEDIES } from '../explain/remedies.js';
import { isJsonObject, type JsonObject } from '../jose/json-object.js';
import { JWS_ALGORITHMS } from '../jose/jws-algorithms.js';
import type { SignatureAlgorithm } from '../jose/jws-signature.js';
import { fitnessOf, hasSecretMember } from '../jose/key-fitness.js';
import { note, notChecked, ok, problem, type Seen } from './finding.js';

/** Whether the keys of a server are fit, and which algorithms there are keys for. */
export async function seeKeys(
  { jwt, keys }: AuthorizationServerRules,
  http: AuthorizationServerHttp,
  metadata: ServerMetadataSource,
): Promise<readonly Seen[]> {
  if (jwt === undefined) return [notChecked('JWTs are not verified here')];
  switch (keys.kind) {
    case 'secret':
      return [ok('a shared secret, in the configuration')];
    case 'fixed':
      return judge(keys.jwks.keys, 'in the configuration', jwt.algorithms);
    case 'jwks-uri':
      return judge(await fetchKeyMembers(http, keys.url), `at ${keys.url}`, jwt.algorithms);
    case 'discovered': {
      const url = await metadata.find('jwksUri');
      return judge(await fetchKeyMembers(http, url), `at ${url}`, jwt.algorithms);
    }
  }
}

/** Findings about single keys: no more than these are told. */
const MOST_KEYS_TOLD = 5;

function judge(
  members: readonly JWK[],
  where: string,
  accepted: readonly SignatureAlgorithm[],
): readonly Seen[] {
  const published = PublishedKeys.from(members);
  const all = published.groupFor(undefined);
  const [usable, missing] = [true, false].map((wanted) =>
    accepted.filter((algorithm) => (all?.keysFor(algorithm).kind === 'found') === wanted),
  ) as [SignatureAlgorithm[], SignatureAlgorithm[]];
  return [
    seeAlgorithms(members, where, usable, accepted),
    ...members.flatMap((key) => seeKey(key)).slice(0, MOST_KEYS_TOLD),
    ...(usable.length > 0 && accepted.length < JWS_ALGORITHMS.length && missing.length > 0
      ? [
          note(
            `jwt.algorithms has ${missing.join(', ')}, for which there is no key`,
            'Leave out what is not used.',
          ),
        ]
      : []),
  ];
}

function seeAlgorithms(
  members: readonly JWK[],
  where: string,
  usable: readonly SignatureAlgorithm[],
  accepted: readonly SignatureAlgorithm[],
): Seen {
  const count = `${members.length} ${members.length === 1 ? 'key' : 'keys'} ${where}`;
  if (usable.length > 0) return ok(`${count}, for ${usable.join(', ')}`);
  return problem(
    `${count}, and none that is fit for an accepted algorithm (${accepted.join(', ')})`,
    'Set jwt.algorithms to what the server signs with, or have it use a fit key: RSA from 2048 to 8192 bits, P-256, P-384, P-521 or Ed25519.',
  );
}

function seeKey(key: unknown): readonly Seen[] {
  if (!isJsonObject(key))
    return [note('a member of its JWK Set is no object', 'Have the server leave it out.')];
  const name = `the key ${quoted(key['kid'])}`;
  if (hasSecretMember(key)) return [seeSecret(key, name)];
  if (!isPublicSigningKey(key)) return [note(`${name} is of a kind that signs no token, and is left out`)];
  const fitness = fitnessOf(key, 'lenient');
  return fitness.kind === 'fit'
    ? []
    : [note(`${name} is not used: ${fitness.problem}`, REMEDIES.key_unusable)];
}

function seeSecret({ kty }: JsonObject, name: string): Seen {
  return problem(
    `${name} (kty ${quoted(kty)}) is published with its secret part: whoever reads it can sign as the server does`,
    'Take it out of the published set, and replace it: it is known now.',
  );
}
