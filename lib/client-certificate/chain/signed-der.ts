import { constants, type KeyObject, verify } from 'node:crypto';
import { BIT_STRING, childrenOf, contentHex, type DerElement, elementAt, SEQUENCE } from './der.js';
import { hasStrongKey } from './certification-path.js';

/** Something that is signed: a certificate, a revocation list, an OCSP response. */
export interface SignedDer {
  /** The bytes that are signed. */
  readonly content: Buffer;
  readonly signature: Buffer;
  /** How it is verified; `undefined` for an algorithm that is weak or not known. */
  readonly algorithm: SignatureAlgorithm | undefined;
}

interface SignatureAlgorithm {
  readonly keyTypes: readonly string[];
  /** `null` where the key says it. */
  readonly hash: string | null;
  /** Of RSASSA-PSS. */
  readonly saltLength?: number;
}

const RSA = ['rsa'] as const;
const RSA_PSS_KEYS = ['rsa', 'rsa-pss'] as const;
const EC = ['ec'] as const;

/** By object identifier, hex; those alone that are strong. */
const ALGORITHMS: ReadonlyMap<string, SignatureAlgorithm> = new Map<string, SignatureAlgorithm>([
  ['2a864886f70d01010b', { keyTypes: RSA, hash: 'sha256' }],
  ['2a864886f70d01010c', { keyTypes: RSA, hash: 'sha384' }],
  ['2a864886f70d01010d', { keyTypes: RSA, hash: 'sha512' }],
  ['2a8648ce3d040302', { keyTypes: EC, hash: 'sha256' }],
  ['2a8648ce3d040303', { keyTypes: EC, hash: 'sha384' }],
  ['2a8648ce3d040304', { keyTypes: EC, hash: 'sha512' }],
  ['2b6570', { keyTypes: ['ed25519'], hash: null }],
  ['2b6571', { keyTypes: ['ed448'], hash: null }],
]);
const RSASSA_PSS = '2a864886f70d01010a';
const MGF1 = '2a864886f70d010108';
const HASHES: ReadonlyMap<string, string> = new Map([
  ['608648016503040201', 'sha256'],
  ['608648016503040202', 'sha384'],
  ['608648016503040203', 'sha512'],
]);

/**
 * Takes apart what is `SEQUENCE { content, algorithm, signature, … }`.
 * @throws RangeError for what is not
 */
export function signedDerOf(der: Buffer, start = 0): SignedDer {
  const [content, algorithm, signature] = childrenOf(der, elementAt(der, start));
  if (content === undefined || algorithm?.tag !== SEQUENCE || signature?.tag !== BIT_STRING)
    throw new RangeError('it is not signed');
  return {
    content: der.subarray(content.start, content.end),
    // Behind the octet that counts unused bits.
    signature: der.subarray(signature.content + 1, signature.end),
    algorithm: algorithmOf(der, algorithm),
  };
}

/** The algorithm of an `AlgorithmIdentifier`; `undefined` for one that is weak or not known. */
function algorithmOf(der: Buffer, element: DerElement): SignatureAlgorithm | undefined {
  const [identifier, parameters] = childrenOf(der, element);
  if (identifier === undefined) return undefined;
  const name = contentHex(der, identifier);
  if (name !== RSASSA_PSS) return ALGORITHMS.get(name);
  return parameters === undefined ? undefined : pssOf(der, parameters);
}

/** `SEQUENCE { [0] hash, [1] mask generation, [2] length of the salt }` (RFC 4055 §3.1), whose defaults are weak. */
function pssOf(der: Buffer, parameters: DerElement): SignatureAlgorithm | undefined {
  const parts = new Map(childrenOf(der, parameters).map((part) => [part.tag, part]));
  const [hash, mask, salt] = [0xa0, 0xa1, 0xa2].map((tag) => {
    const part = parts.get(tag);
    return part === undefined ? undefined : childrenOf(der, part)[0];
  });
  if (hash === undefined || mask === undefined || salt === undefined) return undefined;
  const name = hashOf(der, hash);
  const [generation, maskHash] = childrenOf(der, mask);
  if (name === undefined || generation === undefined || maskHash === undefined) return undefined;
  if (contentHex(der, generation) !== MGF1 || hashOf(der, maskHash) !== name) return undefined;
  return { keyTypes: RSA_PSS_KEYS, hash: name, saltLength: Number(`0x${contentHex(der, salt)}`) };
}

function hashOf(der: Buffer, identifier: DerElement): string | undefined {
  const [name] = childrenOf(der, identifier);
  return name === undefined ? undefined : HASHES.get(contentHex(der, name));
}

/** Why a signature is not one of this key; `undefined` where it is. It is verified off the main thread. */
export async function signatureProblem(
  { content, signature, algorithm }: SignedDer,
  publicKey: KeyObject,
): Promise<string | undefined> {
  if (algorithm === undefined) return 'its signature is weak or unknown';
  if (!hasStrongKey({ publicKey })) return 'it is signed by a weak or unusual key';
  const { keyTypes, hash, saltLength } = algorithm;
  if (!keyTypes.includes(publicKey.asymmetricKeyType ?? '')) return 'its signature is not of this key';
  const key =
    saltLength === undefined
      ? publicKey
      : { key: publicKey, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength };
  const isSigned = await new Promise<boolean>((resolve) => {
    verify(hash, content, key, signature, (error, result) => resolve(error === null && result));
  });
  return isSigned ? undefined : 'its signature is not of this key';
}
