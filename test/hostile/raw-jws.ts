import { constants, createHmac, type KeyObject, sign } from 'node:crypto';

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
