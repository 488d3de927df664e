import type { X509Certificate } from 'node:crypto';
import type { Psd2Statement } from '../../cert-bound-auth.options.js';
import { KEY_USAGE } from '../../client-certificate/chain/certificate-extensions.js';
import { type CertificateFields, fieldsOf } from '../../client-certificate/chain/certificate-fields.js';
import { hasStrongKey } from '../../client-certificate/chain/certification-path.js';
import { BIT_STRING, contentOf, onlyElement } from '../../client-certificate/chain/der.js';
import { distributionPointsOf } from '../../client-certificate/chain/distribution-points.js';
import { certificateThumbprint } from '../../client-certificate/certificate-thumbprint.js';
import {
  type CertificateIdentity,
  identityOf,
} from '../../client-certificate/identity/certificate-identity.js';
import { rfc4514 } from '../../client-certificate/identity/distinguished-name.js';
import { rolesOf } from '../../client-certificate/policy/describe-identity.js';
import { respondersOf } from '../../client-certificate/revocation/certificate-id.js';
import { messageOf } from '../../common/message-of.js';

/** What is known of a certificate without asking anybody. */
export type CertificateReport = ReadCertificate | UnreadableCertificate;

/** One that this library reads: strict DER. */
export interface ReadCertificate {
  /** SHA-256 of the DER, base64url: what `cnf` holds. */
  readonly thumbprint: string;
  /** As RFC 4514 writes it. */
  readonly subject: string;
  readonly issuer: string;
  /** Hex, upper case, without leading zeros. */
  readonly serialNumber: string;
  readonly subjectAltNames: AlternativeNameReport;
  /** ISO 8601. */
  readonly notBefore: string;
  readonly notAfter: string;
  readonly validity: 'valid' | 'expired' | 'not-yet-valid';
  /** Until `notAfter`; below zero when that is over. */
  readonly secondsLeft: number;
  /** Its kind with its size or curve: `rsa 2048`, `ec prime256v1`. */
  readonly key: string;
  readonly signatureAlgorithm: string;
  /** What no path may have: a key or a signature that is too weak, or not known. */
  readonly weak: readonly ('key' | 'signature')[];
  readonly isCa: boolean;
  /** By the names of RFC 5280; `undefined` where it does not say. */
  readonly keyUsage?: readonly string[];
  /** By name where it has one, else as object identifiers; `undefined` where it does not say. */
  readonly extendedKeyUsage?: readonly string[];
  readonly spiffeId?: string;
  readonly organizationIdentifier?: string;
  readonly psd2?: Psd2Statement;
  /** What is wrong with its statements as a qualified certificate: then none of them counts. */
  readonly qualifiedFault?: string;
  readonly crlDistributionPoints: readonly string[];
  readonly ocspResponders: readonly string[];
}

/** One that counts nowhere. */
export interface UnreadableCertificate {
  readonly thumbprint: string;
  readonly fault: string;
}

interface AlternativeNameReport {
  readonly dns: readonly string[];
  readonly uri: readonly string[];
  readonly email: readonly string[];
  readonly ip: readonly string[];
  /** As RFC 4514 writes them. */
  readonly directoryName: readonly string[];
}

/** Describes a certificate. @param now milliseconds since the epoch */
export function describeCertificate(certificate: X509Certificate, now: number): CertificateReport {
  const thumbprint = certificateThumbprint(certificate.raw);
  try {
    const identity = identityOf(certificate);
    if ('fault' in identity) return { thumbprint, fault: identity.fault };
    return {
      thumbprint,
      ...namesOf(identity),
      ...validityOf(fieldsOf(certificate), now),
      ...strengthOf(certificate),
      isCa: identity.isCa,
      ...usageOf(fieldsOf(certificate)),
      ...rolesOf(identity),
      ...(identity.qualified.fault === undefined ? {} : { qualifiedFault: identity.qualified.fault }),
      crlDistributionPoints: distributionPointsOf(certificate).flatMap(({ uris }) => uris),
      ocspResponders: respondersOf(certificate),
    };
  } catch (error) {
    return { thumbprint, fault: messageOf(error) };
  }
}

function namesOf(
  identity: CertificateIdentity,
): Pick<ReadCertificate, 'subject' | 'issuer' | 'serialNumber' | 'subjectAltNames'> {
  const { subject, issuer, serialNumber, alternativeNames } = identity;
  return {
    subject: rfc4514(subject),
    issuer: rfc4514(issuer),
    serialNumber,
    subjectAltNames: {
      ...alternativeNames,
      directoryName: alternativeNames.directoryName.map(rfc4514),
    },
  };
}

function validityOf(
  { notBefore, notAfter }: CertificateFields,
  now: number,
): Pick<ReadCertificate, 'notBefore' | 'notAfter' | 'validity' | 'secondsLeft'> {
  return {
    notBefore: new Date(notBefore).toISOString(),
    notAfter: new Date(notAfter).toISOString(),
    validity: now > notAfter ? 'expired' : now < notBefore ? 'not-yet-valid' : 'valid',
    secondsLeft: Math.floor((notAfter - now) / 1_000),
  };
}

function strengthOf(
  certificate: X509Certificate,
): Pick<ReadCertificate, 'key' | 'signatureAlgorithm' | 'weak'> {
  const { asymmetricKeyType, asymmetricKeyDetails } = certificate.publicKey;
  const { name, isStrong } = fieldsOf(certificate).signature;
  const size = [asymmetricKeyDetails?.modulusLength, asymmetricKeyDetails?.namedCurve];
  return {
    key: [asymmetricKeyType, ...size].filter((part) => part !== undefined).join(' '),
    signatureAlgorithm: name,
    weak: [
      ...(hasStrongKey(certificate) ? [] : ['key' as const]),
      ...(isStrong ? [] : ['signature' as const]),
    ],
  };
}

/** In the order of their bits (RFC 5280 §4.2.1.3). */
const KEY_USAGES = [
  'digitalSignature',
  'contentCommitment',
  'keyEncipherment',
  'dataEncipherment',
  'keyAgreement',
  'keyCertSign',
  'cRLSign',
  'encipherOnly',
  'decipherOnly',
] as const;

/** Those that are met most often (RFC 5280 §4.2.1.12). */
const PURPOSES: ReadonlyMap<string, string> = new Map([
  ['1.3.6.1.5.5.7.3.1', 'serverAuth'],
  ['1.3.6.1.5.5.7.3.2', 'clientAuth'],
  ['1.3.6.1.5.5.7.3.3', 'codeSigning'],
  ['1.3.6.1.5.5.7.3.4', 'emailProtection'],
  ['1.3.6.1.5.5.7.3.8', 'timeStamping'],
  ['1.3.6.1.5.5.7.3.9', 'OCSPSigning'],
  ['2.5.29.37.0', 'anyExtendedKeyUsage'],
]);

function usageOf({
  extensions,
  extendedKeyUsage,
}: CertificateFields): Pick<ReadCertificate, 'keyUsage' | 'extendedKeyUsage'> {
  const keyUsage = extensions.get(KEY_USAGE)?.value;
  return {
    ...(keyUsage === undefined ? {} : { keyUsage: keyUsagesIn(keyUsage) }),
    ...(extendedKeyUsage === undefined
      ? {}
      : { extendedKeyUsage: extendedKeyUsage.map((purpose) => PURPOSES.get(purpose) ?? purpose) }),
  };
}

/** Behind the octet that counts unused bits. */
function keyUsagesIn(value: Buffer): readonly string[] {
  const [, ...octets] = contentOf(value, onlyElement(value, BIT_STRING));
  return KEY_USAGES.filter((_, bit) => ((octets[bit >> 3] ?? 0) & (0x80 >> (bit & 7))) !== 0);
}
