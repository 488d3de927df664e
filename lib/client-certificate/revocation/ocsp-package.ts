import type * as Ocsp from '@peculiar/asn1-ocsp';
import type * as Schema from '@peculiar/asn1-schema';
import type * as X509 from '@peculiar/asn1-x509';

/** What reads and writes the messages of OCSP. */
export interface OcspPackage {
  readonly ocsp: typeof Ocsp;
  readonly schema: typeof Schema;
  readonly x509: typeof X509;
}

let loaded: OcspPackage | undefined;

/** Loads it, once: few apps need it. @throws Error naming what is to be installed */
export async function loadOcspPackage(): Promise<OcspPackage> {
  // A bundler leaves an import alone that it cannot resolve only where the failure is caught on the spot.
  try {
    const ocsp = await import('@peculiar/asn1-ocsp');
    const schema = await import('@peculiar/asn1-schema');
    loaded ??= { ocsp, schema, x509: await import('@peculiar/asn1-x509') };
    return loaded;
  } catch (cause) {
    throw new Error(
      'the packages for OCSP could not be loaded: npm install @peculiar/asn1-ocsp @peculiar/asn1-schema @peculiar/asn1-x509',
      { cause },
    );
  }
}
