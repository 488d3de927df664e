import type { X509Certificate } from 'node:crypto';
import { messageOf } from '../../common/message-of.js';
import { fieldsOf } from './certificate-fields.js';
import { childrenOf, elementAt, INTEGER } from './der.js';
import { ALL_REASONS } from './distribution-point-names.js';
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

/** Why a CA cannot have signed a list, whatever its signature. */
export function caProblem({ issuer, authorityKeyId }: Signed, ca: X509Certificate): string | undefined {
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

/** Whether a list of the CA of a certificate speaks of it whatever the reason. */
export function isInScope(list: RevocationList, certificate: X509Certificate): boolean {
  return list.issuer === fieldsOf(certificate).issuer && coverageOf(list, certificate) === ALL_REASONS;
}

/**
 * For which reasons a list would name a certificate (RFC 5280 §6.3.3 (b), (d)), as bits; 0 where it does not speak of it. A list of
 * another CA does where the certificate says that this one issues its lists.
 */
export function coverageOf({ issuer, scope }: RevocationList, certificate: X509Certificate): number {
  const { distributionPoint, onlyContainsUserCerts, onlyContainsCACerts, onlySomeReasons, isIndirect } =
    scope;
  if (certificate.ca ? onlyContainsUserCerts : onlyContainsCACerts) return 0;
  const reasons = onlySomeReasons ?? ALL_REASONS;
  const isOwn = issuer === fieldsOf(certificate).issuer;
  if (isOwn && distributionPoint === undefined) return reasons;
  const points = distributionPointsOf(certificate)
    .filter(({ issuers }) => (isOwn && issuers.length === 0) || (isIndirect && issuers.includes(issuer)))
    .filter(({ names, issuers }) => isAt(names.length === 0 ? issuers : names, distributionPoint));
  return reasons & points.reduce((sum, point) => sum | point.reasons, 0);
}

function isAt(names: readonly string[], distributionPoint: readonly string[] | undefined): boolean {
  return distributionPoint === undefined || names.some((name) => distributionPoint.includes(name));
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
