import { hash } from 'node:crypto';
import type { JWK } from 'jose';

/** The members that a thumbprint is made of, in lexicographic order (RFC 7638 §3.2, RFC 8037 §2). */
const MEMBERS: Readonly<Record<string, readonly (keyof JWK)[]>> = {
  EC: ['crv', 'kty', 'x', 'y'],
  OKP: ['crv', 'kty', 'x'],
  RSA: ['e', 'kty', 'n'],
};

/**
 * The thumbprint of a public key: SHA-256, base64url. Here and not by jose, whose own is asynchronous and costs half as
 * much as a signature.
 * @returns `undefined` for a key of another type, and for one that lacks a member
 * @see RFC 7638
 */
export function jwkThumbprint(jwk: JWK): string | undefined {
  const { kty } = jwk;
  const names = typeof kty === 'string' && Object.hasOwn(MEMBERS, kty) ? MEMBERS[kty] : undefined;
  if (names === undefined) return undefined;
  const members = names.map((name) => [name, Object.hasOwn(jwk, name) ? jwk[name] : undefined] as const);
  if (!members.every(([, value]) => typeof value === 'string')) return undefined;
  return hash('sha256', JSON.stringify(Object.fromEntries(members)), 'base64url');
}
