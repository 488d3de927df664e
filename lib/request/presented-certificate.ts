import type { ClientCertificate } from './client-certificate.js';

/** The certificate whose private key the client has proved to hold on this connection, as a handler gets it. */
export interface PresentedCertificate {
  /** SHA-256 of the DER: base64url, 43 characters (RFC 8705 §3.1). */
  readonly thumbprint: string;
  /** Distinguished name, one attribute a line, as Node prints it. */
  readonly subject: string;
  readonly issuer: string;
  /** Hexadecimal, upper case. */
  readonly serialNumber: string;
  /** As Node prints them: `DNS:…`, `URI:…`, `IP Address:…`. */
  readonly subjectAltNames: readonly string[];
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** Whether the chain leads to a trusted CA; always true unless `clientCertificate.trust` is `any`. */
  readonly chainVerified: boolean;
  readonly der: Uint8Array;
}

/** Describes a certificate to a handler: made anew each time, so that nothing a handler changes lives on. */
export function presentedCertificate(certificate: ClientCertificate): PresentedCertificate {
  const { x509 } = certificate;
  return {
    thumbprint: certificate.thumbprint,
    subject: x509.subject,
    issuer: x509.issuer,
    serialNumber: x509.serialNumber,
    subjectAltNames: splitNames(x509.subjectAltName),
    notBefore: new Date(certificate.notBefore),
    notAfter: new Date(certificate.notAfter),
    chainVerified: certificate.chainError === undefined,
    der: Uint8Array.from(x509.raw),
  };
}

/** Node separates names by a comma and writes a name that holds one as a JSON string (CVE-2021-44532). */
function splitNames(names: string | undefined): readonly string[] {
  return names?.match(/(?:[^,"]|"(?:[^"\\]|\\.)*")+/g)?.map((name) => name.trim()) ?? [];
}
