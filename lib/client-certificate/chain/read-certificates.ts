import { X509Certificate } from 'node:crypto';
import type { TlsMaterial } from '../../cert-bound-auth.options.js';
import { nameOf } from './certification-path.js';
import { isTrustedCa } from './may-issue.js';

const BLOCK =
  /-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----[^-]+-----END (?:X509 |TRUSTED )?CERTIFICATE-----/g;

/**
 * Every CA certificate of some PEM.
 * @param isMeant whether a certificate is one of those that are meant
 * @throws Error when a part has none, or one that can't be read or is not a CA's
 */
export function readCaCertificates(
  ca: TlsMaterial | readonly TlsMaterial[],
  isMeant: (certificate: X509Certificate) => boolean = isTrustedCa,
): readonly X509Certificate[] {
  return [ca].flat().flatMap((pem) => {
    const blocks = pem.toString().match(BLOCK) ?? [];
    const begun = pem.toString().split('-----BEGIN ').length - 1;
    if (blocks.length === 0) throw new Error('there is no certificate in it');
    if (blocks.length !== begun) throw new Error('it holds something else than whole certificates');
    return blocks.map((block) => readCa(block, isMeant));
  });
}

function readCa(block: string, isMeant: (certificate: X509Certificate) => boolean): X509Certificate {
  const certificate = new X509Certificate(block);
  if (isMeant(certificate)) return certificate;
  throw new Error(`${nameOf(certificate)} is not the certificate of a CA`);
}
