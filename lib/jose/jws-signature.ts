import { constants, createHmac, type KeyObject, timingSafeEqual, verify } from 'node:crypto';
import type { JwsAlgorithm } from '../cert-bound-auth.options.js';
import { derOfEcdsa, type EcdsaAlgorithm } from './ecdsa-signature.js';
import { isFitRsaKey } from './key-fitness.js';

/** An algorithm that can be accepted; HMAC only with a secret that the configuration holds. */
export type SignatureAlgorithm = JwsAlgorithm | HmacAlgorithm;

/** HMAC with SHA-2 (RFC 7518 §3.2). */
export type HmacAlgorithm = 'HS256' | 'HS384' | 'HS512';

/** What a key must be for each algorithm: one key must not serve for another's (RFC 8725 §3.1). */
const KEYS: Readonly<Record<SignatureAlgorithm, (key: KeyObject) => boolean>> = {
  ES256: isOfCurve('prime256v1'),
  ES384: isOfCurve('secp384r1'),
  ES512: isOfCurve('secp521r1'),
  PS256: isFitRsaKey,
  PS384: isFitRsaKey,
  PS512: isFitRsaKey,
  RS256: isFitRsaKey,
  RS384: isFitRsaKey,
  RS512: isFitRsaKey,
  EdDSA: isEd25519,
  Ed25519: isEd25519,
  HS256: isSecret,
  HS384: isSecret,
  HS512: isSecret,
};

/** Whether a key is one for an algorithm: of its kind, of its curve, and where it is an RSA key, fit. */
export function fits(key: KeyObject, algorithm: SignatureAlgorithm): boolean {
  return KEYS[algorithm](key);
}

/** Says what is wrong with a key that {@link fits} not. */
export function describeMisfit(algorithm: SignatureAlgorithm): string {
  return `the key is none for ${algorithm}, or an RSA key that is unfit`;
}

function isOfCurve(name: string): (key: KeyObject) => boolean {
  return (key) => key.asymmetricKeyDetails?.namedCurve === name;
}

function isEd25519({ asymmetricKeyType }: KeyObject): boolean {
  return asymmetricKeyType === 'ed25519';
}

function isSecret({ type }: KeyObject): boolean {
  return type === 'secret';
}

/**
 * Whether a key has signed a JWS. By `node:crypto` at once: by Web Crypto and its threads it costs more, in Node 20 twice
 * as much.
 * @param jws compact serialization, in canonical base64url
 * @param key one that {@link fits} the algorithm
 * @throws Error where OpenSSL can't do it, whatever the signature
 * @see RFC 7515 §5.2, RFC 7518 §3, RFC 8037 §3.1
 */
export function isSigned(jws: string, key: KeyObject, algorithm: SignatureAlgorithm): boolean {
  const end = jws.lastIndexOf('.');
  const signature = Buffer.from(jws.slice(end + 1), 'base64url');
  // Stryker disable next-line StringLiteral: what has been read as base64url is ASCII, in any encoding the same
  const input = Buffer.from(jws.slice(0, end), 'latin1');
  const hash = hashOf(algorithm);
  if (isSecret(key)) return hasMac(input, key, hash, signature);
  if (isEcdsa(algorithm)) {
    const der = derOfEcdsa(signature, algorithm);
    return der !== undefined && verify(hash, input, key, der);
  }
  if (algorithm.startsWith('PS') && !hasLengthOf(key, signature)) return false;
  return verify(hash, input, paddedAs(algorithm, key), signature);
}

function isEcdsa(algorithm: SignatureAlgorithm): algorithm is EcdsaAlgorithm {
  return algorithm.startsWith('ES');
}

/** OpenSSL takes a signature by PSS for right without the zeros in front, which RFC 8017 §8.1.2 refuses. */
function hasLengthOf({ asymmetricKeyDetails }: KeyObject, signature: Buffer): boolean {
  return signature.length === Math.ceil((asymmetricKeyDetails?.modulusLength ?? 0) / 8);
}

/** Ed25519 hashes by itself; all others say by their name with what. */
function hashOf(algorithm: SignatureAlgorithm): string | null {
  return algorithm.startsWith('Ed') ? null : `sha${algorithm.slice(2)}`;
}

function hasMac(input: Buffer, key: KeyObject, hash: string | null, signature: Buffer): boolean {
  const mac = createHmac(String(hash), key).update(input).digest();
  return mac.length === signature.length && timingSafeEqual(mac, signature);
}

/** Where Node looks for how an RSA signature is padded. */
type PaddedKey = KeyObject & { padding?: number; saltLength?: number };

/**
 * The key itself, told how signatures of this algorithm are padded: in an object with it, Node 24 first throws twice in
 * finding out that the object is no key, which takes as long as the signature. Each call says it anew, for one key may be
 * tried with several algorithms. PSS has a salt as long as the hash (RFC 7518 §3.5); PKCS #1 has none to look at.
 */
function paddedAs(algorithm: SignatureAlgorithm, key: PaddedKey): KeyObject {
  if (algorithm.startsWith('Ed')) return key;
  key.padding = algorithm.startsWith('PS') ? constants.RSA_PKCS1_PSS_PADDING : constants.RSA_PKCS1_PADDING;
  key.saltLength = constants.RSA_PSS_SALTLEN_DIGEST;
  return key;
}
