import type { X509Certificate } from 'node:crypto';
import { fieldsOf } from './certificate-fields.js';
import type { ListSigner } from './certification-path.js';
import { readDistributionPoints } from './distribution-points.js';
import { isSelfIssued } from './may-issue.js';
import type { RevocationList } from './revocation-list.js';

/** Why a list says nothing good of a certificate that another key has signed. */
export const OF_ANOTHER_KEY = 'it is of another key of its CA, which may keep a list for each';

/**
 * Whether a list that another key has signed than the one that signed a certificate can say that this is good. A CA with several keys
 * may keep a list for each, as AD CS does: then none names a certificate of another key.
 * @param known all who may sign lists of this name
 */
export function isOfAllKeys(
  { issuer, scope, isOfOneKey }: RevocationList,
  { certificate, ca }: { readonly certificate: X509Certificate; readonly ca: X509Certificate },
  signer: ListSigner,
  known: readonly ListSigner[],
): boolean {
  const [own] = signer.path;
  if (isOfOneKey) return hasKeyOf(own, ca);
  const { points } = readDistributionPoints(certificate);
  if (scope.isIndirect && points.some(({ issuers }) => issuers.includes(issuer))) return true;
  return signer.isForLists || isLink(ca, own) || known.some(({ path }) => isJoinedIn(path, own, ca));
}

/** Whether a CA has signed one of its keys by another one (RFC 4210 §4.4), and so says that both are its own. */
function isJoinedIn(path: ListSigner['path'], ...keys: readonly X509Certificate[]): boolean {
  const end = path.findIndex((certificate) => !isSelfIssued(fieldsOf(certificate)));
  const line = end === -1 ? path : path.slice(0, end + 1);
  return keys.every((key) => line.some((certificate) => hasKeyOf(certificate, key)));
}

function isLink(certificate: X509Certificate, signer: X509Certificate): boolean {
  return (
    isSelfIssued(fieldsOf(certificate)) &&
    certificate.checkIssued(signer) &&
    certificate.verify(signer.publicKey)
  );
}

function hasKeyOf({ publicKey }: X509Certificate, other: X509Certificate): boolean {
  return publicKey.equals(other.publicKey);
}
