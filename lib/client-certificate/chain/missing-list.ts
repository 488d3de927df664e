import type { X509Certificate } from 'node:crypto';
import { fieldsOf } from './certificate-fields.js';
import { nameOf } from './certification-path.js';

/**
 * Says which CA has no revocation list, where each needs one: it is a boot error, for it would refuse everybody below that CA.
 * @param cas those that are trusted, and those between
 * @param issuers whose lists there are, by their names as keys
 * @returns a remedy; `undefined` where each has one
 */
export function missingListProblem(
  cas: readonly X509Certificate[],
  issuers: ReadonlySet<string>,
): string | undefined {
  const missing = cas.find((certificate) => hasNone(certificate, issuers));
  if (missing === undefined) return undefined;
  return (
    `there is no list of ${nameOf(missing)}, so that whoever is below it would be refused: add its list ` +
    '(a CA that has revoked nobody publishes an empty one), or leave the CA out'
  );
}

/** One that can't be read vouches for nobody anyway. */
function hasNone(certificate: X509Certificate, issuers: ReadonlySet<string>): boolean {
  try {
    return !issuers.has(fieldsOf(certificate).subject);
  } catch {
    return false;
  }
}
