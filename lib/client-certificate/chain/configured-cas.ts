import { X509Certificate } from 'node:crypto';
import { messageOf } from '../../common/message-of.js';
import type { ClientTrust } from '../../tls/client-trust.js';
import { fieldsOf } from './certificate-fields.js';
import { CertificationAuthorities, type Path } from './certification-authorities.js';
import { invalidPath, nameOf, type PathVerdict } from './certification-path.js';
import { isSelfSigned } from './may-issue.js';
import { isInScope } from './list-problem.js';
import { readRevocationList, type RevocationList } from './revocation-list.js';
import { hasSerialNumber } from './serial-numbers.js';

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
    return invalidPath(messageOf(error));
  }
}

function casOf(trust: ClientTrust): ConfiguredCas {
  const cas = known.get(trust) ?? new ConfiguredCas(trust);
  known.set(trust, cas);
  return cas;
}

/** The CAs and lists of a trust, read once. */
class ConfiguredCas {
  private readonly trusted: readonly X509Certificate[];
  private readonly authorities: CertificationAuthorities;
  private readonly lists: readonly RevocationList[];
  /** Lists that are not supported, too, ask for a look-up, which then fails. */
  private readonly checksRevocation: boolean;

  /** @throws Error when a part can't be read */
  constructor({ ca, crl, partialChains }: ClientTrust) {
    const certificates = ca.map((pem) => new X509Certificate(pem));
    this.trusted = certificates.filter((certificate) => partialChains || isSelfSigned(certificate));
    const between = certificates.filter((certificate) => !this.trusted.includes(certificate));
    this.authorities = new CertificationAuthorities(this.trusted, between);
    this.lists = crl.flatMap(listIn);
    this.checksRevocation = crl.length > 0;
  }

  /** @throws Error when a certificate can't be read */
  verdictOn(leaf: X509Certificate, now: number): PathVerdict {
    // A client's own certificate may be among them.
    if (this.trusted.some(({ raw }) => raw.equals(leaf.raw))) return this.checkRevocation([leaf], now);
    const found = this.authorities.pathOf(leaf, [], now);
    if (found.kind === 'path') return this.checkRevocation(found.path, now);
    return found.kind === 'none' ? noPath(leaf, found.missing) : invalidPath(found.error);
  }

  /**
   * As OpenSSL has it: where there are lists at all, each certificate needs one of its issuer that is not out of date.
   * A root is not looked up: nobody but itself could revoke it.
   */
  private checkRevocation(path: Path, now: number): PathVerdict {
    const verdict = this.authorities.verdictOf(path);
    let { until } = verdict;
    // Stryker disable next-line ConditionalExpression: without lists there is nothing to look up
    if (!this.checksRevocation) return verdict;
    for (const certificate of path.length === 1 ? path : path.slice(0, -1)) {
      const { serialNumber } = fieldsOf(certificate);
      const lists = this.lists.filter((list) => now <= endOf(list) && isInScope(list, certificate));
      if (lists.some(({ revoked }) => hasSerialNumber(revoked, serialNumber))) {
        return invalidPath(`${nameOf(certificate)} is revoked`);
      }
      if (lists.length === 0) {
        return invalidPath(`there is no current revocation list of the CA of ${nameOf(certificate)}`);
      }
      until = Math.min(until, Math.max(...lists.map(endOf)));
    }
    return { ...verdict, until };
  }
}

/** Whose lists a trust holds that are supported, by their names as keys. */
export function issuersOfLists({ crl }: ClientTrust): ReadonlySet<string> {
  return new Set(crl.flatMap(listIn).map(({ issuer }) => issuer));
}

/** Its signature is OpenSSL's business, which has taken it. One that is not supported, a delta for one, counts as none. */
function listIn(pem: string): readonly RevocationList[] {
  const der = Buffer.from(pem.replaceAll(/-----[^-]*-----/g, ''), 'base64');
  const reading = readRevocationList(der);
  return reading.kind === 'list' && isPlain(reading.list) ? [reading.list] : [];
}

function isPlain({ baseNumber, scope }: RevocationList): boolean {
  return baseNumber === undefined && scope.onlySomeReasons === undefined && !scope.isIndirect;
}

/** As OpenSSL has it, a list that does not say when the next one comes never ends. */
function endOf({ nextUpdate = Infinity }: RevocationList): number {
  return nextUpdate;
}

function noPath({ issuer }: X509Certificate, missing: X509Certificate | undefined): PathVerdict {
  const error =
    `no CA that this app was configured with vouches for it (its issuer: ${nameOf({ subject: issuer })}). ` +
    'CAs between it and a root count only as intermediates of mutualTls(), not when the client alone sends them';
  return missing === undefined
    ? invalidPath(error)
    : { kind: 'invalid', reason: 'certificate_path_incomplete', error };
}
