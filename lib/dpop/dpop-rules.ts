import { randomBytes } from 'node:crypto';
import type { DpopOptions, ReplayStore } from '../cert-bound-auth.options.js';
import type { SettingsOf } from '../common/settings-of.js';
import { bytesOf } from '../jose/shared-secret.js';
import type { DpopRules } from './check-dpop-proof.js';
import { DpopNonces } from './dpop-nonces.js';
import { MemoryReplayStore } from './memory-replay-store.js';
import { ProofKeys } from './proof-keys.js';
import { log } from '../common/log.js';
import { normalizeBase } from './target-uri.js';

/** How DPoP proofs are checked, as configured. */
export type DpopSettings = SettingsOf<DpopOptions, 'nonceSecret' | 'replayStore'>;

/**
 * What one app checks proofs by: its own nonces, keys and memory of used proofs.
 * @param used a memory of used proofs, where the settings have none
 */
export function createDpopRules(dpop: DpopSettings, used?: ReplayStore): DpopRules {
  const { nonce, clockSkew, maxProofLength, algorithms, publicUrl, nonceLifetime } = dpop;
  return {
    publicBasesOf: publicBasesOf(publicUrl),
    algorithms,
    proofLifetime: nonce === 'instead-of-iat' ? undefined : dpop.proofLifetime,
    clockSkew,
    maxProofLength,
    nonces: nonce === 'off' ? undefined : new DpopNonces(secretOf(dpop), nonceLifetime),
    replayStore: dpop.replayStore ?? used ?? memoryOfThisProcess(),
    keys: new ProofKeys(),
  };
}

function secretOf({ nonceSecret }: DpopSettings): Uint8Array {
  if (nonceSecret !== undefined) return bytesOf(nonceSecret);
  log.warn('dpop.nonceSecret is not set: other instances of this API will not know the nonces of this one');
  return randomBytes(32);
}

function memoryOfThisProcess(): MemoryReplayStore {
  log.warn(
    'dpop.replayStore is not set: each instance of this API would accept a proof once. Give several a RedisReplayStore, and a single one new MemoryReplayStore()',
  );
  return new MemoryReplayStore();
}

/** What is known at boot is normalised at boot. */
function publicBasesOf(publicUrl: DpopSettings['publicUrl']): DpopRules['publicBasesOf'] {
  if (typeof publicUrl === 'function') return (request) => basesOf(publicUrl(request));
  const bases = basesOf(publicUrl);
  return () => bases;
}

function basesOf(urls: string | readonly string[]): readonly string[] {
  return [urls].flat().map((url) => {
    if (typeof url !== 'string') throw new TypeError(`the function returned ${kindOf(url)}, not a string`);
    const base = normalizeBase(url);
    if (base === undefined) throw new TypeError('it is no https: origin and path prefix');
    return base;
  });
}

function kindOf(value: unknown): string {
  return value instanceof Promise ? 'a Promise (it must answer at once)' : `a value of type ${typeof value}`;
}
