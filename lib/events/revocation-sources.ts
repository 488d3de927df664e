import type { RevocationSourceHealth } from './revocation-source-health.js';

/** Says how some sources are doing at a moment, in milliseconds since the epoch. */
export type TellOfSources = (now: number) => readonly RevocationSourceHealth[];

/** Those of the process, however many modules there are. */
const tellers = new Set<TellOfSources>();

/** Adds sources to those that metrics tell of. @returns what takes them out again */
export function addRevocationSources(tell: TellOfSources): () => void {
  tellers.add(tell);
  return () => tellers.delete(tell);
}

/** How all sources of the process are doing. */
export function revocationSources(now: number): readonly RevocationSourceHealth[] {
  return [...tellers].flatMap((tell) => tell(now));
}
