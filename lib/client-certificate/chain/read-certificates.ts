import { X509Certificate } from 'node:crypto';
import type { TlsMaterial } from '../../cert-bound-auth.options.js';

const BLOCK =
  /-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----[^-]+-----END (?:X509 |TRUSTED )?CERTIFICATE-----/g;

/**
 * Every CA certificate of some PEM.
 * @throws Error when a part has none, or one that can't be read or is not a CA's
 */
export function readCaCertificates(ca: TlsMaterial | readonly TlsMaterial[]): readonly X509Certificate[] {
  return [ca].flat().flatMap((pem) => {
    const blocks = pem.toString().match(BLOCK) ?? [];
    const begun = pem.toString().split('-----BEGIN ').length - 1;
    if (blocks.length === 0) throw new Error('there is no certificate in it');
    if (blocks.length !== begun) throw new Error('it holds something else than whole certificates');
    return blocks.map((block) => readCa(block));
  });
}

function readCa(block: string): X509Certificate {
  const certificate = new X509Certificate(block);
  if (certificate.ca) return certificate;
  throw new Error(`${nameOf(certificate)} is not the certificate of a CA`);
}

/** On one line; of an empty name Node has `undefined`, whatever its type says. */
function nameOf({ subject }: Partial<X509Certificate>): string {
  return subject?.replaceAll('\n', ', ') ?? 'a certificate without a subject';
}
