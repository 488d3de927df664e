import { createHash, createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto';
import { type Members, must } from './verdict.js';

const SECRETS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'];

/** Imports a public key. @throws MustRefuse for one that is private, symmetric, or no key */
export function importPublic(jwk: Members): KeyObject {
  must(
    SECRETS.every((name) => isEmpty(jwk.get(name))),
    'RFC 9449 §4.3: the jwk has private members',
  );
  const key = importOrNothing(Object.fromEntries(jwk));
  must(key !== undefined, 'RFC 7517 §4: the jwk is no public key');
  return key;
}

/** A member that is empty says nothing (invariant 15). */
function isEmpty(value: unknown): boolean {
  return (
    value === undefined || value === null || value === '' || (Array.isArray(value) && value.length === 0)
  );
}

function importOrNothing(jwk: object): KeyObject | undefined {
  try {
    return createPublicKey({ key: jwk as JsonWebKey, format: 'jwk' });
  } catch {
    return undefined;
  }
}

/** The thumbprint of a key, of the members that Node writes for it, whatever a JWK has said (RFC 7638 §3). */
export function thumbprintOf(key: KeyObject): string {
  return rfc7638Thumbprint(key.export({ format: 'jwk' }));
}

/** RFC 7638 §3: the required members, in lexicographic order, without spaces. */
export function rfc7638Thumbprint(jwk: object): string {
  const { kty, crv, x, y, e, n } = jwk as Readonly<Record<string, string>>;
  const text =
    kty === 'RSA'
      ? `{"e":"${e}","kty":"RSA","n":"${n}"}`
      : kty === 'EC'
        ? `{"crv":"${crv}","kty":"EC","x":"${x}","y":"${y}"}`
        : `{"crv":"${crv}","kty":"${kty}","x":"${x}"}`;
  return createHash('sha256').update(text).digest('base64url');
}
