import { constants, createHash, createPublicKey, type KeyObject, sign } from 'node:crypto';
import { ecdsa, eddsa, rsaPkcs1, rsaPss, type Signer } from './raw-jws.js';
import { newKeyPair } from '../support/key-pair.js';

/** A public JWK, as it stands in the header of a proof. */
export type PublicJwk = Readonly<Record<string, string>>;

/** A client's key, and how it signs by itself. */
export interface DpopKey {
  readonly alg: string;
  readonly privateKey: KeyObject;
  readonly jwk: PublicJwk;
  /** What `cnf.jkt` of a token holds that is bound to it (RFC 7638). */
  readonly jkt: string;
  readonly signer: Signer;
}

/** The keys of the table. */
export interface DpopKeys {
  /** The one that tokens are bound to unless told otherwise. */
  readonly client: DpopKey;
  /** Of another client. */
  readonly other: DpopKey;
  readonly p384: DpopKey;
  readonly p521: DpopKey;
  /** One RSA key: `rsa` signs RS256, the others as they are called. */
  readonly rsa: DpopKey;
  readonly ps256: DpopKey;
  readonly ps384: DpopKey;
  readonly ps512: DpopKey;
  /** One Ed25519 key under both names of its algorithm (RFC 8037, RFC 9864). */
  readonly eddsa: DpopKey;
  readonly ed25519: DpopKey;
  /** RSA of 1024 and of 2047 bits: too short (RFC 7518 §3.3). */
  readonly rsa1024: DpopKey;
  readonly rsa2047: DpopKey;
  /** ES256K is registered and asymmetric, but none of ours. */
  readonly secp256k1: DpopKey;
  /** P-256 with a first byte of x that is zero, which RFC 7518 §6.2.1.2 has be written. */
  readonly shortX: DpopKey;
}

/** Makes a new set of keys. */
export function generateDpopKeys(): DpopKeys {
  const { privateKey: rsa } = newKeyPair('rsa', { modulusLength: 2048 });
  const { privateKey: ed25519 } = newKeyPair('ed25519');
  return {
    client: ecKey(),
    other: ecKey(),
    p384: ecKey('P-384', 'ES384', 'sha384'),
    p521: ecKey('P-521', 'ES512', 'sha512'),
    rsa: dpopKey('RS256', rsa, rsaPkcs1(rsa)),
    ps256: dpopKey('PS256', rsa, rsaPss(rsa)),
    ps384: dpopKey('PS384', rsa, pss(rsa, 'sha384')),
    ps512: dpopKey('PS512', rsa, pss(rsa, 'sha512')),
    eddsa: dpopKey('EdDSA', ed25519, eddsa(ed25519)),
    ed25519: dpopKey('Ed25519', ed25519, eddsa(ed25519)),
    rsa1024: rsaKey(1024),
    rsa2047: rsaKey(2047),
    secp256k1: ecKey('secp256k1', 'ES256K'),
    shortX: shortXKey(),
  };
}

/** The members that a thumbprint is made of, in their order (RFC 7638 §3.2, RFC 8037 §2). */
const REQUIRED: Readonly<Record<string, readonly string[]>> = {
  EC: ['crv', 'kty', 'x', 'y'],
  OKP: ['crv', 'kty', 'x'],
  RSA: ['e', 'kty', 'n'],
  oct: ['k', 'kty'],
};

/** SHA-256 over the required members in their order (RFC 7638 §3), base64url, whatever their values are. */
export function thumbprintOf(jwk: Readonly<Record<string, unknown>>): string {
  const members = REQUIRED[String(jwk['kty'])] ?? ['crv', 'kty', 'x', 'y'];
  const canonical = Object.fromEntries(members.map((name) => [name, jwk[name]]));
  return createHash('sha256').update(JSON.stringify(canonical)).digest('base64url');
}

function dpopKey(alg: string, privateKey: KeyObject, signer: Signer): DpopKey {
  const jwk = createPublicKey(privateKey).export({ format: 'jwk' }) as PublicJwk;
  return { alg, privateKey, jwk, jkt: thumbprintOf(jwk), signer };
}

function ecKey(namedCurve = 'P-256', alg = 'ES256', hash = 'sha256'): DpopKey {
  const { privateKey } = newKeyPair('ec', { namedCurve });
  return dpopKey(alg, privateKey, ecdsa(privateKey, hash));
}

function rsaKey(modulusLength: number): DpopKey {
  const { privateKey } = newKeyPair('rsa', { modulusLength });
  return dpopKey('RS256', privateKey, rsaPkcs1(privateKey));
}

function pss(key: KeyObject, hash: string): Signer {
  const padding = constants.RSA_PKCS1_PSS_PADDING;
  return (input) => sign(hash, input, { key, padding, saltLength: constants.RSA_PSS_SALTLEN_DIGEST });
}

/** About one key in 256. */
function shortXKey(): DpopKey {
  for (;;) {
    const key = ecKey();
    if (Buffer.from(key.jwk['x'] ?? '', 'base64url').readUInt8(0) === 0) return key;
  }
}
