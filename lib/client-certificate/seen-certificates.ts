import { hash, X509Certificate } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { isVerifiedAtOnce } from './chain/chain-verdict.js';
import type { ClientCertificate } from './client-certificate.js';
import { explainMismatch } from './thumbprint-hint.js';

/** As many as a proxy's clients may be: with fewer, each request would read the names of its certificate anew. */
const MOST_CERTIFICATES = 20_000;
const MOST_HINTS = 1_000;
/** Bytes: to look at a larger one in every way would cost a request more than all the rest. */
const LARGEST_CERTIFICATE = 8_192;
/** Stands for "no hint": a cache holds nothing that is undefined. */
const NO_HINT = '';

/**
 * The certificates that clients have lately proved, as thumbprints with a digest of their names: to tell in the log a
 * certificate that was renewed from one of somebody else. Nothing is decided by it.
 */
export class SeenCertificates {
  private readonly names = new LRUCache<string, string>({ max: MOST_CERTIFICATES });
  /** What has been found out, by both thumbprints: whoever tries the same again costs nothing more. */
  private readonly hints = new LRUCache<string, string>({ max: MOST_HINTS });

  /** Remembers a certificate that counted. @param thumbprint of it, SHA-256 in base64url */
  remember(thumbprint: string, x509: X509Certificate): void {
    // `get` also marks it as used.
    // Stryker disable next-line ConditionalExpression: to remember it anew does the same, it only costs
    if (this.names.get(thumbprint) !== undefined) return;
    const names = namesOf(x509);
    // Stryker disable next-line ConditionalExpression: for the cache, to set undefined is to forget
    if (names !== undefined) this.names.set(thumbprint, names);
  }

  /**
   * Says for the log what the thumbprint is of that a token is bound to, if not of the certificate presented.
   * @returns `undefined` where that is not found out
   */
  explain(expected: string, certificate: ClientCertificate, trust: 'ca' | 'any'): string | undefined {
    const { identity, thumbprint } = certificate;
    // Stryker disable next-line EqualityOperator: it bounds what is spent, one byte more or less decides nothing
    if (!(identity instanceof X509Certificate) || identity.raw.length > LARGEST_CERTIFICATE) return undefined;
    // Names count only where a CA vouches for them: a thief would write those of the victim.
    const isRenewed = trust === 'ca' && isVerified(certificate) && this.isRenewed(expected, identity);
    const key = `${expected} ${thumbprint} ${isRenewed}`;
    const hint =
      this.hints.get(key) ??
      explainMismatch(expected, identity, issuersBehind(certificate), isRenewed) ??
      NO_HINT;
    this.hints.set(key, hint);
    return hint === NO_HINT ? undefined : hint;
  }

  /** Whether the certificate with this thumbprint was one with the same names as the one presented now. */
  isRenewed(expected: string, presented: X509Certificate): boolean {
    const names = this.names.get(expected);
    return names !== undefined && names === namesOf(presented);
  }
}

/** Only of a certificate of the connection that is known at once: a hint is not worth a verification. */
function isVerified({ issuers, chain }: ClientCertificate): boolean {
  return issuers !== undefined && isVerifiedAtOnce(chain());
}

/** None where the connection has ended in the meantime. */
function issuersBehind({ issuers }: ClientCertificate): readonly X509Certificate[] {
  try {
    // Stryker disable next-line OptionalChaining: to call what is not there is caught as well
    return issuers?.() ?? [];
  } catch {
    return [];
  }
}

/**
 * A digest, for names can be long. By subject and alternative names: the first is the same for all where SPIFFE names
 * them, and either may be empty. A CA that replaces its own certificate is still the same client's.
 */
function namesOf({ subject, subjectAltName }: X509Certificate): string | undefined {
  const names = [subject, subjectAltName];
  if (names.every((name) => name === undefined || name === '')) return undefined;
  // Stryker disable next-line StringLiteral: a digest tells names apart however it is written
  return hash('sha256', JSON.stringify(names), 'base64url');
}
