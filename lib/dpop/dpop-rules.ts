import { randomBytes } from 'node:crypto';
import type { ResolvedDpop } from '../options/resolved-options.js';
import type { DpopRules } from './check-dpop-proof.js';
import { DpopNonces } from './dpop-nonces.js';
import { MemoryReplayStore } from './memory-replay-store.js';
import { ProofKeys } from './proof-keys.js';
import { log } from '../common/log.js';

/** What one app checks proofs by: its own nonces, keys and memory of used proofs. */
export function createDpopRules(dpop: ResolvedDpop): DpopRules {
  const { nonce, clockSkew, maxProofLength, algorithms, publicBasesOf, nonceLifetime } = dpop;
  return {
    publicBasesOf,
    algorithms,
    proofLifetime: nonce === 'instead-of-iat' ? undefined : dpop.proofLifetime,
    clockSkew,
    maxProofLength,
    nonces: nonce === 'off' ? undefined : new DpopNonces(secretOf(dpop), nonceLifetime),
    replayStore: dpop.replayStore ?? new MemoryReplayStore(),
    keys: new ProofKeys(),
  };
}

function secretOf({ nonceSecret }: ResolvedDpop): Uint8Array {
  if (nonceSecret !== undefined) return nonceSecret;
  log.warn('dpop.nonceSecret is not set: other instances of this API will not know the nonces of this one');
  return randomBytes(32);
}
