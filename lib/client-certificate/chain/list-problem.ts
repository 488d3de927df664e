import type { X509Certificate } from 'node:crypto';
import { messageOf } from '../../common/message-of.js';
import { fieldsOf } from './certificate-fields.js';
import { childrenOf, elementAt, INTEGER } from './der.js';
import { distributionPointsOf } from './distribution-points.js';
import type { RevocationList } from './revocation-list.js';
import { signatureProblem, signedDerOf } from './signed-der.js';

/** What of a list is compared with the certificate of its CA. */
type Signed = Pick<RevocationList, 'issuer' | 'authorityKeyId'>;

/**
 * Why a list is not signed by this CA; `undefined` where it is. The key must be the one that signs certificates: names,
 * key identifiers and key usage are compared, then the signature is verified over the bytes as they came.
 */
export async function signerProblem(
  der: Buffer,
  list: Signed,
  ca: X509Certificate,
): Promise<string | undefined> {
  try {
    return (
      caProblem(list, ca) ?? algorithmProblem(der) ?? (await signatureProblem(signedDerOf(der), ca.publicKey))
    );
  } catch (error) {
    return messageOf(error);
  }
}

function caProblem({ issuer, authorityKeyId }: Signed, ca: X509Certificate): string | undefined {
  const { subject, subjectKeyId, keyUsage } = fieldsOf(ca);
  if (issuer !== subject) return 'it is of another CA';
  if (keyUsage?.cRLSign === false) return 'the key of its CA may not sign lists (key usage)';
  const isOther =
    authorityKeyId !== undefined && subjectKeyId !== undefined && authorityKeyId !== subjectKeyId;
  return isOther ? 'it is signed by another key of its CA' : undefined;
}

/** The algorithm stands in a list twice, once where it is signed. */
function algorithmProblem(der: Buffer): string | undefined {
  const [tbs, outer] = childrenOf(der, elementAt(der, 0));
  const [first, second] = tbs === undefined ? [] : childrenOf(der, tbs);
  const inner = first?.tag === INTEGER ? second : first;
  const bytes = (element: typeof inner): Buffer | undefined =>
    element === undefined ? undefined : der.subarray(element.start, element.end);
  const isSame = inner !== undefined && bytes(inner)?.equals(bytes(outer) ?? Buffer.alloc(0)) === true;
  return isSame ? undefined : 'it names two signature algorithms';
}

/** Whether a list speaks of a certificate at all, if its CA has issued that one (RFC 5280 §6.3.3 (b)). */
export function isInScope({ scope }: RevocationList, certificate: X509Certificate): boolean {
  const { distributionPoint, onlyContainsUserCerts, onlyContainsCACerts } = scope;
  if (certificate.ca ? onlyContainsUserCerts : onlyContainsCACerts) return false;
  if (distributionPoint === undefined) return true;
  return distributionPointsOf(certificate).some(({ names }) =>
    names.some((name) => distributionPoint.includes(name)),
  );
}

/** Why a list says nothing at this moment; `undefined` where it does. @param tolerance milliseconds by which clocks differ */
export function timeProblem(
  { thisUpdate, nextUpdate }: Pick<RevocationList, 'thisUpdate' | 'nextUpdate'>,
  now: number,
  tolerance: number,
): string | undefined {
  if (thisUpdate > now + tolerance) return 'it is not valid yet';
  if (nextUpdate === undefined) return 'it does not say until when it is valid';
  return nextUpdate + tolerance < now
    ? `it is out of date since ${new Date(nextUpdate).toISOString()}`
    : undefined;
}
