import { X509Certificate } from 'node:crypto';
import { onOneLine } from '../common/on-one-line.js';

/**
 * Says which of the certificates between the CAs and clients is a root that is not among the CAs: OpenSSL would trust it
 * like one of them.
 * @param intermediates PEM, one each
 * @param cas PEM, one each
 * @returns a text that goes on from the name of the option or file; `undefined` where there is none
 */
export function foreignRootProblem(
  intermediates: readonly string[],
  cas: readonly string[],
): string | undefined {
  const trusted = new Set(cas.map((pem) => new X509Certificate(pem).fingerprint256));
  const root = intermediates
    .map((pem) => new X509Certificate(pem))
    .find((certificate) => isOwnIssuer(certificate) && !trusted.has(certificate.fingerprint256));
  if (root === undefined) return undefined;
  return (
    `holds a root that is not in ca, and would be trusted like one: ${JSON.stringify(onOneLine(root.subject))}. ` +
    'Leave it out, or put it into ca if its clients are to be trusted'
  );
}

function isOwnIssuer(certificate: X509Certificate): boolean {
  try {
    return certificate.verify(certificate.publicKey);
  } catch {
    // Of a key that Node does not know it verifies nothing either.
    return false;
  }
}
