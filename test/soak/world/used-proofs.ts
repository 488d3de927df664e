import type { IssuedJwt } from './jwt.js';

/** A request by DPoP that was answered 200. */
export interface UsedProof {
  readonly request: Buffer;
  readonly jwt: IssuedJwt;
  /** Milliseconds since the epoch. */
  readonly usedAt: number;
}

const KEPT = 20;

/** The last requests by DPoP, for those who listen to them and send them again. */
export class UsedProofs {
  private used: readonly UsedProof[] = [];

  get last(): readonly UsedProof[] {
    return this.used;
  }

  add(request: Buffer, jwt: IssuedJwt): void {
    this.used = [...this.used, { request, jwt, usedAt: Date.now() }].slice(-KEPT);
  }
}
