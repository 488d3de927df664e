import { type CryptoKey, exportJWK, generateKeyPair, type JWK } from 'jose';

/** A key that tokens are signed with. */
export interface IssuerKey {
  readonly privateKey: CryptoKey;
  /** The public part, with `kid` and `alg`. */
  readonly jwk: JWK;
}

export type Algorithm = 'RS256' | 'PS256' | 'ES256';

/** Makes a key (RSA of 2048 bits, or P-256). */
export async function createIssuerKey(algorithm: Algorithm, kid: string): Promise<IssuerKey> {
  const { privateKey, publicKey } = await generateKeyPair(algorithm);
  const jwk = { ...(await exportJWK(publicKey)), kid, alg: algorithm, use: 'sig' };
  return { privateKey, jwk };
}
