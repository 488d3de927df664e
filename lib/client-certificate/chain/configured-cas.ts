import { X509Certificate } from 'node:crypto';
import { messageOf } from '../../common/message-of.js';
import type { ClientTrust } from '../../tls/client-trust.js';
import { fieldsOf } from './certificate-fields.js';
import { admitsClients, isValidAt, nameOf, type PathVerdict } from './certification-path.js';
import { isSelfSigned, isTrustedCa } from './may-issue.js';
import { isInScope } from './list-problem.js';
import { readRevocationList, type RevocationList } from './revocation-list.js';
import { hasSerialNumber } from './serial-numbers.js';

/** CAs between a client and a root; OpenSSL has a bound as well. */
const MOST_CAS = 10;

const known = new WeakMap<ClientTrust, ConfiguredCas>();

/**
 * Says whether the CAs that an app has configured for its TLS server vouch for a certificate, and none of their lists
 * names it. OpenSSL verifies the chain of a handshake in full, but by whatever has got into the TLS context that it was
 * made with, and that of a resumed session not at all: so this is asked once for each connection. Nothing that a client
 * has sent beside its certificate is looked at.
 * @param now milliseconds since the epoch
 */
export function verdictOf(trust: ClientTrust, leaf: X509Certificate, now: number): PathVerdict {
  try {
    return casOf(trust).verdictOn(leaf, now);
  } catch (error) {
    return { kind: 'invalid', error: messageOf(error) };
  }
}

function casOf(trust: ClientTrust): ConfiguredCas {
  const cas = known.get(trust) ?? new ConfiguredCas(trust);
  known.set(trust, cas);
  return cas;
}

/** A configured CA, with all of it that does not depend on the moment. */
interface Ca {
  readonly certificate: X509Certificate;
  readonly isTrusted: boolean;
  readonly mayIssue: boolean;
  readonly pathLength: number | undefined;
  /** Which of the other configured certificates it has signed, as far as that was asked. */
  readonly issued: Map<X509Certificate, boolean>;
}

/** The CAs and lists of a trust, read once. */
class ConfiguredCas {
  /** The trusted ones first. */
  private readonly cas: readonly Ca[];
  private readonly configured: ReadonlySet<X509Certificate>;
  private readonly lists: readonly RevocationList[];
  /** Lists that are not supported, too, ask for a look-up, which then fails. */
  private readonly checksRevocation: boolean;

  /** @throws Error when a part can't be read */
  constructor({ ca, crl, partialChains }: ClientTrust) {
    const certificates = ca.map((pem) => new X509Certificate(pem));
    const all = certificates.map((certificate) => readCa(certificate, partialChains));
    this.cas = [...all.filter(({ isTrusted }) => isTrusted), ...all.filter(({ isTrusted }) => !isTrusted)];
    this.configured = new Set(certificates);
    this.lists = crl.flatMap(listIn);
    this.checksRevocation = crl.length > 0;
  }

  /** @throws Error when a certificate can't be read */
  verdictOn(leaf: X509Certificate, now: number): PathVerdict {
    const path = this.pathOf(leaf, [], now);
    return path === undefined ? { kind: 'invalid', error: noPath(leaf) } : this.checkRevocation(path, now);
  }

  /** The certificates from this one to a trusted one. @param below the CAs between the leaf and this one, itself too */
  private pathOf(
    certificate: X509Certificate,
    below: readonly Ca[],
    now: number,
  ): readonly X509Certificate[] | undefined {
    const { raw } = certificate;
    if (this.cas.some((ca) => ca.isTrusted && ca.certificate.raw.equals(raw))) return [certificate];
    for (const issuer of this.cas) {
      if (below.includes(issuer) || !this.standsAbove(issuer, certificate, below.length, now)) continue;
      const above = this.pathOf(issuer.certificate, [...below, issuer], now);
      if (above !== undefined) return [certificate, ...above];
    }
    return undefined;
  }

  private standsAbove(issuer: Ca, subject: X509Certificate, casBelow: number, now: number): boolean {
    if (casBelow >= MOST_CAS || !issuer.mayIssue || !subject.checkIssued(issuer.certificate)) return false;
    if (!isValidAt(issuer.certificate, now)) return false;
    if (issuer.pathLength !== undefined && casBelow > issuer.pathLength) return false;
    return this.isSignedBy(issuer, subject);
  }

  /** Of two configured CAs it is found out once: a client costs no more signatures than its own. */
  private isSignedBy({ certificate, issued }: Ca, subject: X509Certificate): boolean {
    const earlier = issued.get(subject);
    if (earlier !== undefined) return earlier;
    const isSigned = subject.verify(certificate.publicKey);
    if (this.configured.has(subject)) issued.set(subject, isSigned);
    return isSigned;
  }

  /**
   * As OpenSSL has it: where there are lists at all, each certificate needs one of its issuer that is not out of date.
   * A root is not looked up: nobody but itself could revoke it.
   */
  private checkRevocation(path: readonly X509Certificate[], now: number): PathVerdict {
    let until = Math.min(...path.map(({ validTo }) => Date.parse(validTo)));
    // Stryker disable next-line ConditionalExpression: without lists there is nothing to look up
    if (!this.checksRevocation) return { kind: 'valid', path, until };
    for (const certificate of path.length === 1 ? path : path.slice(0, -1)) {
      const { issuer, serialNumber } = fieldsOf(certificate);
      const lists = this.lists.filter(
        (list) => list.issuer === issuer && now <= endOf(list) && isInScope(list, certificate),
      );
      if (lists.some(({ revoked }) => hasSerialNumber(revoked, serialNumber))) {
        return { kind: 'invalid', error: `${nameOf(certificate)} is revoked` };
      }
      if (lists.length === 0) {
        return {
          kind: 'invalid',
          error: `there is no current revocation list of the CA of ${nameOf(certificate)}`,
        };
      }
      until = Math.min(until, Math.max(...lists.map(endOf)));
    }
    return { kind: 'valid', path, until };
  }
}

function readCa(certificate: X509Certificate, partialChains: boolean): Ca {
  return {
    certificate,
    isTrusted: partialChains || isSelfSigned(certificate),
    mayIssue: isTrustedCa(certificate) && admitsClients(certificate),
    pathLength: fieldsOf(certificate).pathLength,
    issued: new Map(),
  };
}

/** Its signature is OpenSSL's business, which has taken it. One that is not supported, a delta for one, counts as none. */
function listIn(pem: string): readonly RevocationList[] {
  const der = Buffer.from(pem.replaceAll(/-----[^-]*-----/g, ''), 'base64');
  const reading = readRevocationList(der);
  return reading.kind === 'list' ? [reading.list] : [];
}

/** As OpenSSL has it, a list that does not say when the next one comes never ends. */
function endOf({ nextUpdate = Infinity }: RevocationList): number {
  return nextUpdate;
}

function noPath({ issuer }: X509Certificate): string {
  return (
    `no CA that this app was configured with vouches for it (its issuer: ${nameOf({ subject: issuer })}). ` +
    'CAs between it and a root count only as intermediates of mutualTls(), not when the client alone sends them'
  );
}
