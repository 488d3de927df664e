import { hash, X509Certificate } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { HeaderClientCertificateOptions } from '../../cert-bound-auth.options.js';
import type { MaybePromise } from '../../common/maybe-promise.js';
import { type PathVerdict, validatePath } from './certification-path.js';
import { readCaCertificates } from './read-certificates.js';

/**
 * Says why a certificate's chain does not lead to a trusted CA; `undefined` when it does. At once where there is nothing to
 * verify.
 * @param leaf `undefined` where of the certificate only a digest is known
 * @param chain the certificates that came with it, each DER
 */
export type ChainVerifier = (
  leaf: X509Certificate | undefined,
  chain: readonly Uint8Array[],
) => MaybePromise<string | undefined>;

/** Verifies chains as the configuration says. @throws Error when the CAs can't be read */
export function chainVerifier(trust: HeaderClientCertificateOptions['trust']): ChainVerifier {
  if (trust === 'proxy') return () => undefined;
  if (trust === 'any') return () => 'the chain was not verified';
  const cas = readCaCertificates(trust.ca);
  return rememberVerdicts(async (leaf, chain, now) =>
    validatePath(
      leaf,
      chain.map((der) => new X509Certificate(der)),
      cas,
      now,
    ),
  );
}

type Validate = (leaf: X509Certificate, chain: readonly Uint8Array[], now: number) => Promise<PathVerdict>;

interface Remembered {
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly verdict: Promise<PathVerdict>;
}

const MINUTE_MS = 60_000;
const MOST_VERDICTS = 20_000;

/** A verdict stands for a minute, and never past the end of a certificate of its path. */
function rememberVerdicts(validate: Validate): ChainVerifier {
  const verdicts = new LRUCache<string, Remembered>({ max: MOST_VERDICTS });
  return async (leaf, chain) => {
    if (leaf === undefined) return 'of the certificate only a digest is known';
    const now = Date.now();
    const key = [leaf.raw, ...chain].map((der) => hash('sha256', der, 'base64url')).join();
    const known = verdicts.get(key);
    const verdict =
      known !== undefined && now >= known.at && now < known.at + MINUTE_MS
        ? known.verdict
        : validate(leaf, chain, now);
    if (verdict !== known?.verdict) verdicts.set(key, { at: now, verdict });
    const found = await verdict;
    if (found.kind === 'invalid') return found.error;
    return now <= found.until ? undefined : 'a certificate of the chain has expired';
  };
}
