import type { X509Certificate } from 'node:crypto';
import type { TlsMaterial } from '../../cert-bound-auth.options.js';
import { nameOf } from './certification-path.js';
import { isCa, isListSigner, isSelfSigned } from './may-issue.js';
import { readCaCertificates } from './read-certificates.js';

/** The CAs by which this app verifies chains itself. All of it is PEM. */
export interface CaTrust {
  readonly ca: TlsMaterial | readonly TlsMaterial[];
  readonly intermediates?: TlsMaterial | readonly TlsMaterial[] | undefined;
  readonly partialChains?: boolean | undefined;
}

/** The same, read: where a path may end, and what may be part of one. */
export interface ReadCaTrust {
  readonly anchors: readonly X509Certificate[];
  readonly between: readonly X509Certificate[];
}

/**
 * Reads CAs. One of `ca` that is no root is trusted by itself with `partialChains` only; without, it is one between, which
 * must lead to a root that is there: who relies on it would else be refused for a reason that is hard to see.
 * @throws CaTrustError when one can't be read, or they cannot be used so
 */
export function readCaTrust({ ca, intermediates = [], partialChains = false }: CaTrust): ReadCaTrust {
  const cas = readField('ca', ca);
  const given = readField('intermediates', intermediates, (each) => isCa(each) || isListSigner(each));
  const anchors = cas.filter((certificate) => partialChains || isSelfSigned(certificate));
  const between = [...cas.filter((certificate) => !anchors.includes(certificate)), ...given];
  const stray = given.find((each) => isSelfSigned(each) && !anchors.some(({ raw }) => raw.equals(each.raw)));
  if (stray !== undefined) throw new CaTrustError('intermediates', `${nameOf(stray)} ${STRAY_ROOT}`);
  const stranded = strandedOf(anchors, between).find((certificate) => cas.includes(certificate));
  if (stranded !== undefined) throw new CaTrustError('ca', `${nameOf(stranded)} ${NO_ROOT}`);
  return { anchors, between };
}

/** What is wrong with a field of a {@link CaTrust}. */
export class CaTrustError extends Error {
  override readonly name = 'CaTrustError';

  constructor(
    readonly field: 'ca' | 'intermediates',
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

const NO_ROOT =
  'is no root (it is not self-signed), and no root is there that it leads to. Add the root, ' +
  'or let it be trusted by itself with partialChains: true, and read in docs/certificate-paths.md what that loses';

const STRAY_ROOT =
  'is a root (it is self-signed), and is not in ca. Leave it out, or put it into ca if its clients are to be trusted';

function readField(
  field: 'ca' | 'intermediates',
  pem: CaTrust['ca'],
  isMeant?: (certificate: X509Certificate) => boolean,
): readonly X509Certificate[] {
  try {
    return readCaCertificates(pem, isMeant);
  } catch (error) {
    throw new CaTrustError(field, (error as Error).message, { cause: error });
  }
}

/** Those from which no way leads to one that is joined already, whenever they are valid. */
function strandedOf(
  joined: readonly X509Certificate[],
  others: readonly X509Certificate[],
): readonly X509Certificate[] {
  const found = others.filter((certificate) => joined.some((issuer) => isIssuedBy(certificate, issuer)));
  const rest = others.filter((certificate) => !found.includes(certificate));
  return found.length === 0 ? rest : strandedOf(found, rest);
}

function isIssuedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  try {
    return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
  } catch {
    // There are keys that Node does not know.
    return false;
  }
}
