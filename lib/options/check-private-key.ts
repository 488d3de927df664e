import { KeyObject } from 'node:crypto';
import type { JwsAlgorithm, PrivateKeyJwtAuthentication } from '../cert-bound-auth.options.js';
import { messageOf } from '../common/message-of.js';
import { readPrivateKey } from '../introspection/client-authentication.js';
import { JWS_ALGORITHMS } from '../jose/jws-algorithms.js';
import type { JsonObject } from '../jose/json-object.js';
import { isFitRsaKey } from '../jose/key-fitness.js';
import { type ConfigurationProblem, problem } from './configuration-error.js';

/** Checks a key that something is to be signed with, by the algorithm beside it, which is checked itself. */
export function checkSigningKey(
  key: unknown,
  path: string,
  { algorithm }: JsonObject,
): readonly ConfigurationProblem[] {
  if (key === undefined || key === null) {
    return [problem(path, key, 'give the private key: PEM, JWK, KeyObject or CryptoKey')];
  }
  const known = JWS_ALGORITHMS.find((name) => name === algorithm);
  return known === undefined ? [] : checkPrivateKey({ key, algorithm: known }, path);
}

/** Checks that a private key is one, and fits its algorithm. */
export function checkPrivateKey(
  { key, algorithm }: Pick<PrivateKeyJwtAuthentication, 'key' | 'algorithm'>,
  path: string,
): readonly ConfigurationProblem[] {
  try {
    return fitsAlgorithm(readPrivateKey(key), algorithm)
      ? []
      : [
          problem(
            path,
            key,
            `it is not a key for ${algorithm} (RSA keys need 2048 to 8192 bits, an exponent from 65537, and no restriction to PSS)`,
          ),
        ];
  } catch (error) {
    return [problem(path, key, `it is no private key: ${messageOf(error)}`)];
  }
}

const CURVES: Readonly<Record<string, string>> = {
  ES256: 'prime256v1',
  ES384: 'secp384r1',
  ES512: 'secp521r1',
};

function fitsAlgorithm(key: ReturnType<typeof readPrivateKey>, algorithm: JwsAlgorithm): boolean {
  const keyObject = key instanceof KeyObject ? key : KeyObject.from(key);
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = keyObject;
  if (algorithm.startsWith('ES')) return type === 'ec' && details?.namedCurve === CURVES[algorithm];
  if (algorithm.startsWith('Ed')) return type === 'ed25519';
  // Not 'rsa-pss' (RFC 4055 §1.2), which jose cannot sign with: PS256 takes a plain RSA key too.
  return type === 'rsa' && isFitRsaKey(keyObject);
}
