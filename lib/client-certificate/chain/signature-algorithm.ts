import { childrenOf, contentHex, type DerElement, identifierOf, SEQUENCE } from './der.js';

/** What a certificate was signed by. */
export interface SignatureAlgorithm {
  /** As WebCrypto names algorithm and hash; an object identifier where it is not known. */
  readonly name: string;
  readonly isStrong: boolean;
}

const RSA_PSS = '1.2.840.113549.1.1.10';

const STRONG: Readonly<Record<string, string>> = {
  '1.2.840.113549.1.1.11': 'RSASSA-PKCS1-v1_5 SHA-256',
  '1.2.840.113549.1.1.12': 'RSASSA-PKCS1-v1_5 SHA-384',
  '1.2.840.113549.1.1.13': 'RSASSA-PKCS1-v1_5 SHA-512',
  '1.2.840.10045.4.3.2': 'ECDSA SHA-256',
  '1.2.840.10045.4.3.3': 'ECDSA SHA-384',
  '1.2.840.10045.4.3.4': 'ECDSA SHA-512',
  '1.3.101.112': 'Ed25519',
  '1.3.101.113': 'Ed448',
  '2.16.840.1.101.3.4.3.17': 'ML-DSA-44',
  '2.16.840.1.101.3.4.3.18': 'ML-DSA-65',
  '2.16.840.1.101.3.4.3.19': 'ML-DSA-87',
};

const WEAK: Readonly<Record<string, string>> = {
  '1.2.840.113549.1.1.4': 'RSASSA-PKCS1-v1_5 MD5',
  '1.2.840.113549.1.1.5': 'RSASSA-PKCS1-v1_5 SHA-1',
  '1.2.840.10040.4.3': 'DSA SHA-1',
  '1.2.840.10045.4.1': 'ECDSA SHA-1',
};

const STRONG_HASHES: Readonly<Record<string, string>> = {
  '2.16.840.1.101.3.4.2.1': 'SHA-256',
  '2.16.840.1.101.3.4.2.2': 'SHA-384',
  '2.16.840.1.101.3.4.2.3': 'SHA-512',
};

/** @param element an `AlgorithmIdentifier` @throws RangeError for what is none */
export function signatureAlgorithmOf(der: Buffer, element: DerElement): SignatureAlgorithm {
  const [identifier, parameters] = childrenOf(der, element);
  if (element.tag !== SEQUENCE || identifier === undefined) throw new RangeError('it names no algorithm');
  const algorithm = identifierOf(der, identifier);
  if (algorithm === RSA_PSS) return pssOf(der, parameters);
  const strong = STRONG[algorithm];
  return { name: strong ?? WEAK[algorithm] ?? algorithm, isStrong: strong !== undefined };
}

const HASH = 0xa0;
const MASK = 0xa1;

/** Its hash and that of its mask are parameters, and SHA-1 where they are left out (RFC 4055 §3.1). */
function pssOf(der: Buffer, parameters: DerElement | undefined): SignatureAlgorithm {
  const members = parameters === undefined ? [] : childrenOf(der, parameters);
  const [hash] = insideOf(der, members, HASH);
  const [, ofMask] = insideOf(der, members, MASK);
  const [maskHash] = ofMask === undefined ? [] : childrenOf(der, ofMask);
  if (hash === undefined || maskHash === undefined) return { name: 'RSA-PSS SHA-1', isStrong: false };
  const name = STRONG_HASHES[identifierOf(der, hash)];
  const isStrong = name !== undefined && contentHex(der, hash) === contentHex(der, maskHash);
  return { name: `RSA-PSS ${name ?? identifierOf(der, hash)}`, isStrong };
}

/** What the `AlgorithmIdentifier` holds that is at a tag. */
function insideOf(der: Buffer, members: readonly DerElement[], at: number): readonly DerElement[] {
  const member = members.find(({ tag }) => tag === at);
  const [algorithm] = member === undefined ? [] : childrenOf(der, member);
  return algorithm === undefined ? [] : childrenOf(der, algorithm);
}
