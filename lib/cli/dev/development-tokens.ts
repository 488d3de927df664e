import { createPrivateKey, createPublicKey, hash, type KeyObject, randomBytes } from 'node:crypto';
import { calculateJwkThumbprint, type JWK, jwtVerify } from 'jose';
import { LRUCache } from 'lru-cache';
import { mintedClaims, signCompact } from '../../testing/minted-token.js';

/** What is asked of the mint. */
export interface TokenOrder {
  readonly clientId: string;
  readonly subject?: string;
  readonly scope?: string;
  readonly audience: string;
  readonly format: 'jwt' | 'opaque';
  /** `cnf`: the keys that the token is bound to; `undefined` for a plain bearer token. */
  readonly confirmation: Readonly<Record<string, string>> | undefined;
  /** Seconds until it expires. */
  readonly lifetime: number;
}

/** Opaque tokens, and revoked ones, that are remembered at most. */
const MAX_TOKENS = 10_000;
/** Seconds. No token that is minted here lives longer. */
export const LONGEST_LIFETIME = 86_400;

const ALGORITHM = 'ES256';

/** The tokens of a development server: JWTs that it signs, and opaque ones that it remembers until it ends. */
export class DevelopmentTokens {
  private readonly opaque = new LRUCache<string, Readonly<Record<string, unknown>>>({ max: MAX_TOKENS });
  private readonly revoked = new LRUCache<string, true>({ max: MAX_TOKENS, ttl: LONGEST_LIFETIME * 1000 });

  private constructor(
    private readonly issuer: string,
    private readonly privateKey: KeyObject,
    /** The public key, as the JWK Set has it. */
    readonly jwk: JWK,
  ) {}

  /** @param signingKey PKCS #8 PEM of an EC key on P-256 */
  static async create(issuer: string, signingKey: string): Promise<DevelopmentTokens> {
    const privateKey = createPrivateKey(signingKey);
    const jwk = createPublicKey(privateKey).export({ format: 'jwk' }) as JWK;
    const kid = await calculateJwkThumbprint(jwk);
    return new DevelopmentTokens(issuer, privateKey, { ...jwk, kid, alg: ALGORITHM, use: 'sig' });
  }

  async mint({ confirmation, format, ...order }: TokenOrder): Promise<string> {
    const { issuer, jwk, privateKey } = this;
    const { clientId, audience, lifetime, scope, subject = clientId } = order;
    const claims = mintedClaims(
      { issuer, audience },
      {
        clientId,
        subject,
        lifetime,
        ...(scope === undefined ? {} : { scope }),
        claims: { cnf: confirmation },
      },
    );
    if (format === 'jwt') {
      return signCompact({ alg: ALGORITHM, typ: 'at+jwt', kid: jwk.kid }, claims, privateKey);
    }
    const token = `opaque-${randomBytes(32).toString('base64url')}`;
    this.opaque.set(digestOf(token), claims);
    return token;
  }

  /** What introspection answers (RFC 7662 §2.2). */
  async introspect(token: string): Promise<Readonly<Record<string, unknown>>> {
    const claims = await this.find(token);
    const isActive = claims !== undefined && Number(claims['exp']) > Date.now() / 1000;
    return isActive && !this.revoked.has(digestOf(token)) ? { active: true, ...claims } : { active: false };
  }

  /** Revokes a token of this client; another's stays as it is (RFC 7009 §2.1). */
  async revoke(token: string, clientId: string): Promise<void> {
    const claims = await this.find(token);
    if (claims?.['client_id'] === clientId) this.revoked.set(digestOf(token), true);
  }

  private async find(token: string): Promise<Readonly<Record<string, unknown>> | undefined> {
    const opaque = this.opaque.get(digestOf(token));
    if (opaque !== undefined) return opaque;
    return jwtVerify(token, this.jwk, { issuer: this.issuer, typ: 'at+jwt', algorithms: [ALGORITHM] }).then(
      ({ payload }) => payload,
      () => undefined,
    );
  }
}

function digestOf(token: string): string {
  return hash('sha256', token, 'base64url');
}
