import { X509Certificate } from 'node:crypto';
import { messageOf } from '../../common/message-of.js';
import type { ClientTrust } from '../../tls/client-trust.js';
import { fieldsOf } from './certificate-fields.js';
import { admitsClients, isValidAt, nameOf, type PathVerdict } from './certification-path.js';
import { isSelfSigned, isTrustedCa } from './may-issue.js';
import { readRevocationList, type RevocationList } from './revocation-list.js';

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

/** The CAs and lists of a trust, read once. */
class ConfiguredCas {
  private readonly anchors: readonly X509Certificate[];
  private readonly intermediates: readonly X509Certificate[];
  private readonly lists: readonly RevocationList[];

  /** @throws Error when a part can't be read */
  constructor({ ca, crl, partialChains }: ClientTrust) {
    const certificates = ca.map((pem) => new X509Certificate(pem));
    this.anchors = certificates.filter((certificate) => partialChains || isSelfSigned(certificate));
    this.intermediates = certificates.filter((certificate) => !this.anchors.includes(certificate));
    this.lists = crl.map(readRevocationList);
  }

  /** @throws Error when a certificate can't be read */
  verdictOn(leaf: X509Certificate, now: number): PathVerdict {
    const path = this.pathOf(leaf, [], now);
    return path === undefined ? { kind: 'invalid', error: noPath(leaf) } : this.checkRevocation(path, now);
  }

  /** The certificates from this one to a trusted one. @param below the CAs between the leaf and this one, itself too */
  private pathOf(
    certificate: X509Certificate,
    below: readonly X509Certificate[],
    now: number,
  ): readonly X509Certificate[] | undefined {
    if (this.anchors.some(({ raw }) => raw.equals(certificate.raw))) return [certificate];
    for (const issuer of [...this.anchors, ...this.intermediates]) {
      if (below.includes(issuer) || !mayStandAbove(issuer, certificate, below.length, now)) continue;
      const above = this.pathOf(issuer, [...below, issuer], now);
      if (above !== undefined) return [certificate, ...above];
    }
    return undefined;
  }

  /**
   * As OpenSSL has it: where there are lists at all, each certificate needs one of its issuer that is not out of date.
   * A root is not looked up: nobody but itself could revoke it.
   */
  private checkRevocation(path: readonly X509Certificate[], now: number): PathVerdict {
    let until = Math.min(...path.map(({ validTo }) => Date.parse(validTo)));
    // Stryker disable next-line ConditionalExpression: without lists there is nothing to look up
    if (this.lists.length === 0) return { kind: 'valid', until };
    for (const certificate of path.length === 1 ? path : path.slice(0, -1)) {
      const { issuer, serialNumber } = fieldsOf(certificate);
      const lists = this.lists.filter((list) => list.issuer === issuer && now <= list.until);
      if (lists.some(({ revoked }) => revoked.has(serialNumber))) {
        return { kind: 'invalid', error: `${nameOf(certificate)} is revoked` };
      }
      if (lists.length === 0) {
        return {
          kind: 'invalid',
          error: `there is no current revocation list of the CA of ${nameOf(certificate)}`,
        };
      }
      until = Math.min(until, Math.max(...lists.map((list) => list.until)));
    }
    return { kind: 'valid', until };
  }
}

function mayStandAbove(
  issuer: X509Certificate,
  subject: X509Certificate,
  casBelow: number,
  now: number,
): boolean {
  if (casBelow >= MOST_CAS || !subject.checkIssued(issuer) || !isValidAt(issuer, now)) return false;
  if (!isTrustedCa(issuer) || !admitsClients(issuer)) return false;
  const { pathLength } = fieldsOf(issuer);
  return (pathLength === undefined || casBelow <= pathLength) && subject.verify(issuer.publicKey);
}

function noPath({ issuer }: X509Certificate): string {
  return (
    `no CA that this app was configured with vouches for it (its issuer: ${nameOf({ subject: issuer })}). ` +
    'CAs between it and a root count only as intermediates of mutualTls(), not when the client alone sends them'
  );
}
