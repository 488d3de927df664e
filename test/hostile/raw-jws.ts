import { constants, createHash, createHmac, type KeyObject, sign } from 'node:crypto';

/** Makes the signature of a JWS signing input. */
export type Signer = (input: Buffer) => Buffer;

/** JSON text that stands in an object as it is, so that `1e999` and repeated members can be said. */
export class RawJson {
  constructor(readonly text: string) {}
}

export function raw(text: string): RawJson {
  return new RawJson(text);
}

/** JSON of an object, one level of which may hold {@link RawJson}; members that are `undefined` are left out. */
export function jsonText(members: Readonly<Record<string, unknown>>): string {
  const texts = Object.entries(members)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${JSON.stringify(name)}:${valueText(value)}`);
  return `{${texts.join(',')}}`;
}

function valueText(value: unknown): string {
  return value instanceof RawJson ? value.text : JSON.stringify(value);
}

export function base64url(part: string | Buffer): string {
  return Buffer.from(part).toString('base64url');
}

/** A compact JWS of these exact bytes. */
export function compactJws(header: string | Buffer, payload: string | Buffer, signer: Signer): string {
  return signedText(`${base64url(header)}.${base64url(payload)}`, signer);
}

/** Any text as the signing input, however it was encoded, and its signature. */
export function signedText(input: string, signer: Signer): string {
  return `${input}.${signer(Buffer.from(input)).toString('base64url')}`;
}

/** ES256, ES384 or ES256K: r and s, each padded to the curve's length (RFC 7518 §3.4). */
export function ecdsa(key: KeyObject, hash = 'sha256'): Signer {
  return (input) => sign(hash, input, { key, dsaEncoding: 'ieee-p1363' });
}

/** ECDSA as X.509 and TLS write it, which JWS does not. */
export function ecdsaDer(key: KeyObject): Signer {
  return (input) => sign('sha256', input, { key, dsaEncoding: 'der' });
}

export function rsaPkcs1(key: KeyObject, hash = 'sha256'): Signer {
  return (input) => sign(hash, input, { key, padding: constants.RSA_PKCS1_PADDING });
}

export function rsaPss(key: KeyObject): Signer {
  const padding = constants.RSA_PKCS1_PSS_PADDING;
  return (input) => sign('sha256', input, { key, padding, saltLength: constants.RSA_PSS_SALTLEN_DIGEST });
}

export function eddsa(key: KeyObject): Signer {
  return (input) => sign(null, input, key);
}

export function hmac(secret: string | Buffer, hash = 'sha256'): Signer {
  return (input) => createHmac(hash, secret).update(input).digest();
}

/** The same bytes whatever is signed. */
export function fixed(signature: Buffer): Signer {
  return () => signature;
}

export const unsigned: Signer = fixed(Buffer.alloc(0));

/**
 * What a signature of RS256 by 2048 bits is before it is made (RFC 8017 §9.2). With an exponent of one it stays so: anybody
 * can make it.
 */
export const paddedDigest: Signer = (input) => {
  const info = Buffer.from('3031300d060960864801650304020105000420', 'hex');
  const digest = Buffer.concat([info, createHash('sha256').update(input).digest()]);
  const ones = Buffer.alloc(256 - 3 - digest.length, 0xff);
  return Buffer.concat([Buffer.of(0, 1), ones, Buffer.of(0), digest]);
};

/** A signature with one bit changed. */
export function flipped(signature: Buffer): Buffer {
  const changed = Buffer.from(signature);
  changed.writeUInt8(changed.readUInt8(10) ^ 1, 10);
  return changed;
}

/** The numbers of a signature of P-256 in the wrong order. */
export function swapped(signature: Buffer): Buffer {
  return Buffer.concat([signature.subarray(32), signature.subarray(0, 32)]);
}

/** Some parts of a compact JWS. */
export function partsOf(jws: string, from: number, to: number): string {
  return jws.split('.').slice(from, to).join('.');
}
