import { constants, type KeyObject, sign } from 'node:crypto';
import type { FuzzKey } from '../fuzz-kit.js';

/** A JWT access token that is right in form. @param difference members of its header that differ */
export function signedToken(key: FuzzKey, claims: object, difference: object = {}): string {
  const header = { alg: key.algorithm, typ: 'at+jwt', kid: key.kid, ...difference };
  return signed(Buffer.from(JSON.stringify(header)), Buffer.from(JSON.stringify(claims)), (input) =>
    signWith(key, input),
  );
}

/** A compact JWS of these bytes (RFC 7515 §3.1). */
export function signed(header: Buffer, payload: Buffer, signer: (input: Buffer) => Buffer): string {
  const input = `${header.toString('base64url')}.${payload.toString('base64url')}`;
  return `${input}.${signer(Buffer.from(input)).toString('base64url')}`;
}

/** A signature as RFC 7518 and RFC 8037 have it. */
export function signWith({ algorithm, privateKey }: FuzzKey, input: Buffer): Buffer {
  switch (algorithm) {
    case 'EdDSA':
      return sign(null, input, privateKey);
    case 'ES256':
      return sign('sha256', input, { key: privateKey, dsaEncoding: 'ieee-p1363' });
    case 'ES384':
      return sign('sha384', input, { key: privateKey, dsaEncoding: 'ieee-p1363' });
    case 'RS256':
      return sign('sha256', input, privateKey);
    case 'PS256':
      return signPss(input, privateKey);
  }
}

function signPss(input: Buffer, key: KeyObject): Buffer {
  const padding = constants.RSA_PKCS1_PSS_PADDING;
  return sign('sha256', input, { key, padding, saltLength: constants.RSA_PSS_SALTLEN_DIGEST });
}
