import { randomUUID } from 'node:crypto';
import { INTROSPECTION_CACHE, UNDER_WAY } from '../timing.js';
import type { Exchange } from './key-ring.js';

/** An opaque token, and what has become of it. */
export interface OpaqueToken {
  readonly token: string;
  readonly subject: string;
  readonly thumbprint: string;
  /** Milliseconds since the epoch. */
  revokedAt: number | undefined;
}

/** Most tokens of one certificate, and most revoked ones that are still tried. */
const MOST_OF_ONE = 4;
const REVOKED_KEPT = 40;

/** The opaque tokens of one authority. */
export class OpaqueTokens {
  private readonly active = new Map<string, OpaqueToken>();
  private readonly byCertificate = new Map<string, OpaqueToken[]>();
  private revoked: readonly OpaqueToken[] = [];

  /** What introspection knows of it. */
  find(token: string): OpaqueToken | undefined {
    return this.active.get(token);
  }

  /** The tokens that are bound to a certificate. */
  of(thumbprint: string): readonly OpaqueToken[] {
    return this.byCertificate.get(thumbprint) ?? [];
  }

  /** Those that were revoked last. */
  get lastRevoked(): readonly OpaqueToken[] {
    return this.revoked;
  }

  /** Issues a token; of the same certificate's too many, the oldest is revoked. */
  issue(thumbprint: string): OpaqueToken {
    const id = randomUUID();
    const issued = { token: `opaque-${id}`, subject: `opaque ${id}`, thumbprint, revokedAt: undefined };
    this.active.set(issued.token, issued);
    const siblings = [...this.of(thumbprint), issued];
    this.byCertificate.set(thumbprint, siblings);
    if (siblings.length > MOST_OF_ONE && siblings[0] !== undefined) this.revoke(siblings[0]);
    return issued;
  }

  revoke(token: OpaqueToken): void {
    token.revokedAt = Date.now();
    this.active.delete(token.token);
    const left = this.of(token.thumbprint).filter((other) => other !== token);
    if (left.length === 0) this.byCertificate.delete(token.thumbprint);
    else this.byCertificate.set(token.thumbprint, left);
    this.revoked = [...this.revoked, token].slice(-REVOKED_KEPT);
  }

  /** Revokes all tokens of a certificate that is no longer used. */
  forget(thumbprint: string): void {
    for (const token of this.of(thumbprint)) this.revoke(token);
  }

  /** A token that is active, by lot. @param fraction from 0 up to 1 */
  anyActive(fraction: number): OpaqueToken | undefined {
    const all = [...this.active.values()];
    return all[Math.floor(fraction * all.length)];
  }
}

/** What may be answered to a token over its own certificate: an authority that fails is 503 at any time. */
export function statusesForOpaque({ revokedAt }: OpaqueToken, exchange: Exchange): readonly number[] {
  if (revokedAt === undefined || exchange.receivedAt < revokedAt) return [200, 503];
  const remembered = INTROSPECTION_CACHE.ttl * 1000 + UNDER_WAY;
  return exchange.sentAt > revokedAt + remembered ? [401, 503] : [200, 401, 503];
}
