import { constants, type KeyObject, verify } from 'node:crypto';
import { BIT_STRING, childrenOf, elementAt } from './der.js';
import { hasStrongKey } from './certification-path.js';
import { type SignatureAlgorithm, signatureAlgorithmOf } from './signature-algorithm.js';

/** Something that is signed: a certificate, a revocation list, an OCSP response. */
export interface SignedDer {
  /** The bytes that are signed. */
  readonly content: Buffer;
  readonly signature: Buffer;
  readonly algorithm: SignatureAlgorithm;
}

/**
 * Takes apart what is `SEQUENCE { content, algorithm, signature, … }`.
 * @throws RangeError for what is not
 */
export function signedDerOf(der: Buffer, start = 0): SignedDer {
  const [content, algorithm, signature] = childrenOf(der, elementAt(der, start));
  if (content === undefined || algorithm === undefined || signature?.tag !== BIT_STRING)
    throw new RangeError('it is not signed');
  return {
    content: der.subarray(content.start, content.end),
    // Behind the octet that counts unused bits.
    signature: der.subarray(signature.content + 1, signature.end),
    algorithm: signatureAlgorithmOf(der, algorithm),
  };
}

/** Why a signature is not one of this key; `undefined` where it is. It is verified off the main thread. */
export async function signatureProblem(
  { content, signature, algorithm }: SignedDer,
  publicKey: KeyObject,
): Promise<string | undefined> {
  if (!algorithm.isStrong) return 'its signature is weak or unknown';
  if (!hasStrongKey({ publicKey })) return 'it is signed by a weak or unusual key';
  const { keyTypes, digest, isPss } = algorithm;
  if (!keyTypes.some((type) => type === publicKey.asymmetricKeyType))
    return 'its signature is not of this key';
  // What the length of the salt is can be told from the signature.
  const key = isPss ? { key: publicKey, padding: constants.RSA_PKCS1_PSS_PADDING } : publicKey;
  const isSigned = await new Promise<boolean>((resolve) => {
    verify(digest, content, key, signature, (error, result) => resolve(error === null && result));
  });
  return isSigned ? undefined : 'its signature is not of this key';
}
