import { childrenOf, contentHex, type DerElement, identifierOf, SEQUENCE } from './der.js';

/** What a certificate, a revocation list or an OCSP response is signed by. */
export type SignatureAlgorithm = StrongAlgorithm | WeakAlgorithm;

export interface StrongAlgorithm {
  readonly isStrong: true;
  /** As WebCrypto names algorithm and hash. */
  readonly name: string;
  /** Of the keys that sign by it, as Node names them. */
  readonly keyTypes: readonly string[];
  /** The hash, as Node names it; `null` where the key says it. */
  readonly digest: string | null;
  readonly isPss: boolean;
}

export interface WeakAlgorithm {
  readonly isStrong: false;
  /** An object identifier where it is not known. */
  readonly name: string;
}

const RSA_PSS = '1.2.840.113549.1.1.10';
const RSA_KEYS = ['rsa'] as const;
const PSS_KEYS = ['rsa', 'rsa-pss'] as const;
const EC_KEYS = ['ec'] as const;

const STRONG: Readonly<Record<string, StrongAlgorithm>> = {
  '1.2.840.113549.1.1.11': strong('RSASSA-PKCS1-v1_5 SHA-256', RSA_KEYS, 'sha256'),
  '1.2.840.113549.1.1.12': strong('RSASSA-PKCS1-v1_5 SHA-384', RSA_KEYS, 'sha384'),
  '1.2.840.113549.1.1.13': strong('RSASSA-PKCS1-v1_5 SHA-512', RSA_KEYS, 'sha512'),
  '1.2.840.10045.4.3.2': strong('ECDSA SHA-256', EC_KEYS, 'sha256'),
  '1.2.840.10045.4.3.3': strong('ECDSA SHA-384', EC_KEYS, 'sha384'),
  '1.2.840.10045.4.3.4': strong('ECDSA SHA-512', EC_KEYS, 'sha512'),
  '1.3.101.112': strong('Ed25519', ['ed25519'], null),
  '1.3.101.113': strong('Ed448', ['ed448'], null),
  '2.16.840.1.101.3.4.3.17': strong('ML-DSA-44', ['ml-dsa-44'], null),
  '2.16.840.1.101.3.4.3.18': strong('ML-DSA-65', ['ml-dsa-65'], null),
  '2.16.840.1.101.3.4.3.19': strong('ML-DSA-87', ['ml-dsa-87'], null),
};

/** By the hash that is a parameter of RSASSA-PSS. */
const STRONG_PSS: Readonly<Record<string, StrongAlgorithm>> = {
  '2.16.840.1.101.3.4.2.1': { ...strong('RSA-PSS SHA-256', PSS_KEYS, 'sha256'), isPss: true },
  '2.16.840.1.101.3.4.2.2': { ...strong('RSA-PSS SHA-384', PSS_KEYS, 'sha384'), isPss: true },
  '2.16.840.1.101.3.4.2.3': { ...strong('RSA-PSS SHA-512', PSS_KEYS, 'sha512'), isPss: true },
};

const WEAK: Readonly<Record<string, string>> = {
  '1.2.840.113549.1.1.4': 'RSASSA-PKCS1-v1_5 MD5',
  '1.2.840.113549.1.1.5': 'RSASSA-PKCS1-v1_5 SHA-1',
  '1.2.840.10040.4.3': 'DSA SHA-1',
  '1.2.840.10045.4.1': 'ECDSA SHA-1',
};

function strong(name: string, keyTypes: readonly string[], digest: string | null): StrongAlgorithm {
  return { isStrong: true, name, keyTypes, digest, isPss: false };
}

/** @param element an `AlgorithmIdentifier` @throws RangeError for what is none */
export function signatureAlgorithmOf(der: Buffer, element: DerElement): SignatureAlgorithm {
  const [identifier, parameters] = childrenOf(der, element);
  if (element.tag !== SEQUENCE || identifier === undefined) throw new RangeError('it names no algorithm');
  const algorithm = identifierOf(der, identifier);
  if (algorithm === RSA_PSS) return pssOf(der, parameters);
  return STRONG[algorithm] ?? { isStrong: false, name: WEAK[algorithm] ?? algorithm };
}

const HASH = 0xa0;
const MASK = 0xa1;

/** Its hash and that of its mask are parameters, and SHA-1 where they are left out (RFC 4055 §3.1). */
function pssOf(der: Buffer, parameters: DerElement | undefined): SignatureAlgorithm {
  const members = parameters === undefined ? [] : childrenOf(der, parameters);
  const [hash] = insideOf(der, members, HASH);
  const [, ofMask] = insideOf(der, members, MASK);
  const [maskHash] = ofMask === undefined ? [] : childrenOf(der, ofMask);
  if (hash === undefined || maskHash === undefined) return { isStrong: false, name: 'RSA-PSS SHA-1' };
  const name = identifierOf(der, hash);
  const isSameHash = contentHex(der, hash) === contentHex(der, maskHash);
  return (isSameHash && STRONG_PSS[name]) || { isStrong: false, name: `RSA-PSS ${name}` };
}

/** What the `AlgorithmIdentifier` holds that is at a tag. */
function insideOf(der: Buffer, members: readonly DerElement[], at: number): readonly DerElement[] {
  const member = members.find(({ tag }) => tag === at);
  const [algorithm] = member === undefined ? [] : childrenOf(der, member);
  return algorithm === undefined ? [] : childrenOf(der, algorithm);
}
