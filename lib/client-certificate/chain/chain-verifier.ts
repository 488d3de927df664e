import { hash, X509Certificate } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { CertificationAuthorities, type FoundPath } from './certification-authorities.js';
import { nameOf } from './certification-path.js';
import { type ChainVerdict, chainVerdictOf, unverified, VOUCHED_FOR } from './chain-verdict.js';
import { type CaTrust, readCaTrust } from './ca-trust.js';

/**
 * Says whether a certificate's chain leads to a trusted CA.
 * @param leaf `undefined` where of the certificate only a digest is known
 * @param chain the certificates that came with it, each DER
 */
export type ChainVerifier = (leaf: X509Certificate | undefined, chain: readonly Uint8Array[]) => ChainVerdict;

const NOT_VERIFIED = unverified('the chain was not verified');
const DIGEST_ONLY = unverified('of the certificate only a digest is known');
const EXPIRED = unverified('a certificate of the chain has expired');
const TOO_MANY = unverified('too many certificates came with it');

/** Verifies chains as the configuration says. @throws Error when the CAs can't be read, or cannot be used so */
export function chainVerifier(trust: 'proxy' | 'any' | CaTrust): ChainVerifier {
  if (trust === 'proxy') return () => VOUCHED_FOR;
  if (trust === 'any') return () => NOT_VERIFIED;
  const { anchors, between } = readCaTrust(trust);
  const authorities = new CertificationAuthorities(anchors, between);
  return rememberVerdicts((leaf, chain, now) => validate(authorities, leaf, chain, now));
}

/** Certificates at most that come with one, beyond which they are not read: a path is not so long. */
const MOST_IN_CHAIN = 20;

function validate(
  authorities: CertificationAuthorities,
  leaf: X509Certificate,
  chain: readonly Uint8Array[],
  now: number,
): ChainVerdict {
  if (chain.length > MOST_IN_CHAIN) return TOO_MANY;
  const found = authorities.pathOf(leaf, chain.flatMap(readOrNone), now);
  switch (found.kind) {
    case 'path':
      return chainVerdictOf(authorities.verdictOf(found.path));
    case 'invalid':
      return unverified(found.error);
    case 'none':
      return noPath(found);
  }
}

function noPath({ missing }: Extract<FoundPath, { readonly kind: 'none' }>): ChainVerdict {
  const error = 'no path leads to a trusted CA';
  if (missing === undefined) return unverified(error);
  const [name, issuer] = [missing, { subject: missing.issuer }].map(nameOf);
  return unverified(
    `${error}: the CA that has issued ${name} is not known (its name: ${issuer})`,
    'certificate_path_incomplete',
  );
}

/** What can't be read helps nobody to find a path. */
function readOrNone(der: Uint8Array): readonly X509Certificate[] {
  try {
    return [new X509Certificate(der)];
  } catch {
    return [];
  }
}

interface Remembered {
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly verdict: ChainVerdict;
}

const MINUTE_MS = 60_000;
const MOST_VERDICTS = 20_000;

type Validate = (leaf: X509Certificate, chain: readonly Uint8Array[], now: number) => ChainVerdict;

/** A verdict stands for a minute, and never past the end of a certificate of its path. */
function rememberVerdicts(validateNow: Validate): ChainVerifier {
  const verdicts = new LRUCache<string, Remembered>({ max: MOST_VERDICTS });
  return (leaf, chain) => {
    if (leaf === undefined) return DIGEST_ONLY;
    const now = Date.now();
    const key = [leaf.raw, ...chain].map((der) => hash('sha256', der, 'base64url')).join();
    const known = verdicts.get(key);
    const isKnown = known !== undefined && now >= known.at && now < known.at + MINUTE_MS;
    const verdict = isKnown ? known.verdict : validateNow(leaf, chain, now);
    if (!isKnown) verdicts.set(key, { at: now, verdict });
    return verdict.kind === 'unverified' || now <= verdict.until ? verdict : EXPIRED;
  };
}
