import type { X509Certificate } from 'node:crypto';
import { canonicalSerialNumber, identityOf } from './certificate-identity.js';
import { exactKey } from './distinguished-name.js';
import { parseRfc4514 } from './parse-rfc4514.js';

/** A certificate, by who has issued it and its number there (RFC 5280 §4.1.2.2). */
export interface NamedCertificate {
  /** Distinguished name as RFC 4514 writes it, `CN=Clients CA,O=Bank`: every character counts. */
  readonly issuer: string;
  /** Hexadecimal, in any case, with or without colons and leading zeros. */
  readonly serialNumber: string;
}

/** A text that is the same for the same issuer and serial number. @throws Error where one of them is none */
export function certificateName({ issuer, serialNumber }: NamedCertificate): string {
  const serial = canonicalSerialNumber(serialNumber);
  if (!/^[\dA-F]+$/.test(serial)) throw new Error('serialNumber must be hexadecimal');
  return `${serial} ${exactKey(parseRfc4514(issuer))}`;
}

/** The same of a certificate itself; `undefined` of one that cannot be read. */
export function nameOfCertificate(certificate: X509Certificate): string | undefined {
  const identity = identityOf(certificate);
  return 'fault' in identity ? undefined : `${identity.serialNumber} ${exactKey(identity.issuer)}`;
}
