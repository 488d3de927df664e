import { createHash, randomUUID } from 'node:crypto';
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';

/** The request that a proof is for. */
export interface ProvenRequest {
  readonly method: string;
  /** Without query and fragment. */
  readonly url: string;
  /** The access token that is sent with it; none at the token endpoint. */
  readonly token?: string | undefined;
  /** The nonce that the server has asked for. */
  readonly nonce?: string | undefined;
}

/** A key that a client proves to hold, by a signature on each request (DPoP, RFC 9449). */
export class DpopKey {
  private constructor(
    private readonly privateKey: CryptoKey,
    private readonly jwk: JWK,
  ) {}

  /** Makes a key that never leaves this process. */
  static async create(): Promise<DpopKey> {
    const { privateKey, publicKey } = await generateKeyPair('ES256');
    return new DpopKey(privateKey, await exportJWK(publicKey));
  }

  /** Signs what the request is: its method, its URL, its token, and when (RFC 9449 §4.2). */
  async proof({ method, url, token, nonce }: ProvenRequest): Promise<string> {
    const ath = token === undefined ? undefined : createHash('sha256').update(token).digest('base64url');
    return new SignJWT({ htm: method, htu: url, ath, nonce })
      .setProtectedHeader({ typ: 'dpop+jwt', alg: 'ES256', jwk: this.jwk })
      .setJti(randomUUID())
      .setIssuedAt()
      .sign(this.privateKey);
  }
}
