import { KeyObject, randomUUID } from 'node:crypto';
import { CompactSign, exportJWK, generateKeyPair, type JWK } from 'jose';
import type { TestCertificate } from './test-certificate-authority.js';
import type { TestDpopClient } from './test-dpop-client.js';

/** What a minted token says. Without any option it is valid, unbound, and has no scope. */
export interface TestTokenOptions {
  /** Binds the token to this certificate (`cnf["x5t#S256"]`). */
  readonly certificate?: TestCertificate;
  /** Binds the token to the key of this client (`cnf.jkt`). */
  readonly dpop?: TestDpopClient;
  /** Space-delimited scopes. */
  readonly scope?: string;
  /** @default 'user-1' */
  readonly subject?: string;
  /** @default 'client-1' */
  readonly clientId?: string;
  /** @default the server's */
  readonly audience?: string | readonly string[];
  /** Seconds until it expires. @default 300 */
  readonly lifetime?: number;
  /** Claims added or replaced; `undefined` removes one. */
  readonly claims?: Readonly<Record<string, unknown>>;
}

/** A signing key: the private one, and the public one as the JWK Set has it. */
export interface TestSigningKey {
  readonly privateKey: KeyObject;
  readonly jwk: JWK;
}

/** Who issues a token, and for whom unless it says otherwise. */
export interface Minting {
  readonly issuer: string;
  readonly audience: string;
}

/** The claims of a token, JWT or opaque. */
export function mintedClaims(
  { issuer, audience }: Minting,
  options: TestTokenOptions,
): Record<string, unknown> {
  const now = Math.floor(Date.now() / 1000);
  const claims = {
    iss: issuer,
    sub: options.subject ?? 'user-1',
    client_id: options.clientId ?? 'client-1',
    aud: options.audience ?? audience,
    iat: now,
    exp: now + (options.lifetime ?? 300),
    jti: randomUUID(),
    ...(options.scope === undefined ? {} : { scope: options.scope }),
    ...confirmationOf(options),
    ...options.claims,
  };
  return Object.fromEntries(Object.entries(claims).filter(([, value]) => value !== undefined));
}

/** Makes a key pair; its `kid` is random. */
export async function generateSigningKey(algorithm: string): Promise<TestSigningKey> {
  const { publicKey, privateKey } = await generateKeyPair(algorithm, { extractable: true });
  const jwk = await exportJWK(publicKey);
  return {
    privateKey: KeyObject.from(privateKey),
    jwk: { ...jwk, kid: randomUUID(), alg: algorithm, use: 'sig' },
  };
}

/** A JWS of these claims, compact. */
export async function signCompact(header: object, claims: object, key: KeyObject): Promise<string> {
  const payload = new TextEncoder().encode(JSON.stringify(claims));
  return new CompactSign(payload).setProtectedHeader(header as { alg: string }).sign(key);
}

function confirmationOf({ certificate, dpop }: TestTokenOptions): { readonly cnf?: object } {
  if (certificate === undefined && dpop === undefined) return {};
  return {
    cnf: {
      ...(certificate === undefined ? {} : { 'x5t#S256': certificate.thumbprint }),
      ...(dpop === undefined ? {} : { jkt: dpop.thumbprint }),
    },
  };
}
