import { TestDpopClient } from 'nestjs-cert-bound-auth/testing';
import type { Random } from '../random.js';
import type { Platform } from '../settings.js';
import type { Authority } from './authority.js';
import type { Clients } from './clients.js';
import { JwtPool } from './jwt-pool.js';
import { RevokedJwts, type Revoke } from './revoked-jwts.js';
import { UsedProofs } from './used-proofs.js';

/** One API, its authority, and what clients hold for it. */
export interface Realm {
  readonly name: Platform;
  readonly authority: Authority;
  readonly clients: Clients;
  readonly jwts: JwtPool;
  readonly revoked: RevokedJwts;
  readonly dpop: TestDpopClient;
  readonly proofs: UsedProofs;
  readonly random: Random;
}

export async function createRealm(
  name: Platform,
  authority: Authority,
  clients: Clients,
  random: Random,
  revoke: Revoke,
): Promise<Realm> {
  return {
    name,
    authority,
    clients,
    jwts: new JwtPool(authority, random),
    revoked: new RevokedJwts(authority, random, revoke),
    dpop: await TestDpopClient.create(),
    proofs: new UsedProofs(),
    random,
  };
}
