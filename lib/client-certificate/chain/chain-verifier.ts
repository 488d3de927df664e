import { hash, X509Certificate } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { HeaderClientCertificateOptions } from '../../cert-bound-auth.options.js';
import type { MaybePromise } from '../../common/maybe-promise.js';
import { validatePath } from './certification-path.js';
import { type ChainVerdict, chainVerdictOf, unverified, VOUCHED_FOR } from './chain-verdict.js';
import { readCaCertificates } from './read-certificates.js';

/**
 * Says whether a certificate's chain leads to a trusted CA. At once where there is nothing to verify.
 * @param leaf `undefined` where of the certificate only a digest is known
 * @param chain the certificates that came with it, each DER
 */
export type ChainVerifier = (
  leaf: X509Certificate | undefined,
  chain: readonly Uint8Array[],
) => MaybePromise<ChainVerdict>;

const NOT_VERIFIED = unverified('the chain was not verified');
const DIGEST_ONLY = unverified('of the certificate only a digest is known');
const EXPIRED = unverified('a certificate of the chain has expired');

/** Verifies chains as the configuration says. @throws Error when the CAs can't be read */
export function chainVerifier(trust: HeaderClientCertificateOptions['trust']): ChainVerifier {
  if (trust === 'proxy') return () => VOUCHED_FOR;
  if (trust === 'any') return () => NOT_VERIFIED;
  const cas = readCaCertificates(trust.ca);
  return rememberVerdicts(async (leaf, chain, now) => {
    const certificates = chain.map((der) => new X509Certificate(der));
    return chainVerdictOf(await validatePath(leaf, certificates, cas, now));
  });
}

type Validate = (leaf: X509Certificate, chain: readonly Uint8Array[], now: number) => Promise<ChainVerdict>;

interface Remembered {
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly verdict: Promise<ChainVerdict>;
}

const MINUTE_MS = 60_000;
const MOST_VERDICTS = 20_000;

/** A verdict stands for a minute, and never past the end of a certificate of its path. */
function rememberVerdicts(validate: Validate): ChainVerifier {
  const verdicts = new LRUCache<string, Remembered>({ max: MOST_VERDICTS });
  return async (leaf, chain) => {
    if (leaf === undefined) return DIGEST_ONLY;
    const now = Date.now();
    const key = [leaf.raw, ...chain].map((der) => hash('sha256', der, 'base64url')).join();
    const known = verdicts.get(key);
    const verdict =
      known !== undefined && now >= known.at && now < known.at + MINUTE_MS
        ? known.verdict
        : validate(leaf, chain, now);
    if (verdict !== known?.verdict) verdicts.set(key, { at: now, verdict });
    const found = await verdict;
    return found.kind === 'unverified' || now <= found.until ? found : EXPIRED;
  };
}
