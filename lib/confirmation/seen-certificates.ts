import { hash, type X509Certificate } from 'node:crypto';
import { LRUCache } from 'lru-cache';

const MOST_CERTIFICATES = 1_000;

/**
 * The certificates that clients have lately proved, as thumbprints with a digest of their names: to tell in the log a
 * certificate that was renewed from one of somebody else. Nothing is decided by it.
 */
export class SeenCertificates {
  private readonly names = new LRUCache<string, string>({ max: MOST_CERTIFICATES });

  /** Remembers a certificate that counted. @param thumbprint of it, SHA-256 in base64url */
  remember(thumbprint: string, x509: X509Certificate): void {
    // `get` also marks it as used.
    if (this.names.get(thumbprint) !== undefined) return;
    const names = namesOf(x509);
    if (names !== undefined) this.names.set(thumbprint, names);
  }

  /** Whether the certificate with this thumbprint was one with the same names as the one presented now. */
  isRenewed(expected: string, presented: X509Certificate): boolean {
    const names = this.names.get(expected);
    return names !== undefined && names === namesOf(presented);
  }
}

/**
 * A digest, for names can be long. By subject and alternative names: the first is the same for all where SPIFFE names
 * them, and either may be empty. A CA that replaces its own certificate is still the same client's.
 */
function namesOf({ subject, subjectAltName }: X509Certificate): string | undefined {
  const names = [subject, subjectAltName];
  if (names.every((name) => name === undefined || name === '')) return undefined;
  return hash('sha256', JSON.stringify(names), 'base64url');
}
