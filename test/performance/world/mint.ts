import { SignJWT } from 'jose';
import { randomUUID } from 'node:crypto';
import type { TestDpopClient } from 'nestjs-cert-bound-auth/testing';
import type { Credentials } from '../load/credentials-file.js';
import { PATH, PUBLIC_URL } from '../servers/server-settings.js';
import type { IssuerKey } from './issuer-key.js';

/** How many signatures are asked for at once: enough for every thread of the pool. */
const AT_ONCE = 64;

/** What a token says. */
export interface TokenContents {
  readonly issuer: string;
  readonly audience: string;
  /** The `cnf` claim. */
  readonly confirmation: object;
  readonly scope?: string;
}

/** Mints a JWT access token (RFC 9068) for the next two hours. */
export async function mintToken(
  { privateKey, jwk }: IssuerKey,
  { issuer, audience, confirmation, scope }: TokenContents,
): Promise<string> {
  return new SignJWT({ client_id: 'client-1', cnf: confirmation, ...(scope === undefined ? {} : { scope }) })
    .setProtectedHeader({ alg: String(jwk.alg), typ: 'at+jwt', kid: String(jwk.kid) })
    .setIssuer(issuer)
    .setAudience(audience)
    .setSubject('user-1')
    .setJti(randomUUID())
    .setIssuedAt()
    .setExpirationTime('2h')
    .sign(privateKey);
}

/** Mints tokens that differ in their `jti`. */
export async function mintTokens(
  key: IssuerKey,
  contents: TokenContents,
  count: number,
): Promise<readonly Credentials[]> {
  return manyOf(count, async () => ({ token: await mintToken(key, contents) }));
}

/** Signs proofs for one token. */
export async function signProofs(
  client: TestDpopClient,
  token: string,
  count: number,
): Promise<readonly Credentials[]> {
  return manyOf(count, async () => ({
    token,
    proof: await client.proof({ url: `${PUBLIC_URL}${PATH}`, token }),
  }));
}

async function manyOf<T>(count: number, make: () => Promise<T>): Promise<readonly T[]> {
  const made: T[] = [];
  while (made.length < count) {
    const length = Math.min(AT_ONCE, count - made.length);
    made.push(...(await Promise.all(Array.from({ length }, make))));
  }
  return made;
}
