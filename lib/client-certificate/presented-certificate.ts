import { X509Certificate } from 'node:crypto';
import type { Psd2Statement } from '../cert-bound-auth.options.js';
import type { CertificateChecks } from './certificate-checks.js';
import type { CertificatePolicyOutcome } from './certificate-policy-outcome.js';
import type { CertificatePolicySettings } from './certificate-settings.js';
import { identityOf } from './identity/certificate-identity.js';
import { rolesOf } from './policy/describe-identity.js';
import { principalOf } from './policy/principal.js';
import { splitNames } from './split-names.js';
import type { ClientCertificate, ForwardedIdentity } from './client-certificate.js';

/**
 * The certificate whose private key the client has proved to hold on this connection, as a handler gets it. Of one of
 * which a proxy passes on no more than a digest (Envoy's `Hash`), `issuer`, `serialNumber` and `der` are empty, and the
 * dates the first and the last that there are.
 */
export interface PresentedCertificate {
  /** SHA-256 of the DER: base64url, 43 characters (RFC 8705 §3.1). */
  readonly thumbprint: string;
  /** Distinguished name, one attribute a line, as Node prints it; empty where the certificate has none (SPIFFE). */
  readonly subject: string;
  readonly issuer: string;
  /** Hexadecimal, upper case. */
  readonly serialNumber: string;
  /** As Node prints them: `DNS:…`, `URI:…`, `IP Address:…`. */
  readonly subjectAltNames: readonly string[];
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** Whether the chain leads to a trusted CA, by us or by the proxy; always true unless `clientCertificate.trust` is `any`. */
  readonly chainVerified: boolean;
  readonly der: Uint8Array;
  /** Who its holder is, as `clientCertificate.policy.principal` says; by default the subject as RFC 4514 writes it. */
  readonly principal?: string;
  /** The SPIFFE id, where it has exactly one URI, and that is one. */
  readonly spiffeId?: string;
  /** The attribute of the subject (2.5.4.97): of PSD2 `PSDDE-BAFIN-123456`, in Brazil `OFBBR-…`. */
  readonly organizationIdentifier?: string;
  /** The roles of a payment service provider, and who has licensed it (ETSI TS 119 495). */
  readonly psd2?: Psd2Statement;
  /** What `clientCertificate.policy` looked at, in its order, and what it found; absent without a policy. */
  readonly policy?: readonly CertificatePolicyOutcome[];
}

/**
 * Describes a certificate to a handler: made anew each time, so that nothing a handler changes lives on. Who its holder is, and what
 * role it has, is said only where a CA vouches for it.
 */
export async function presentedCertificate(
  certificate: ClientCertificate,
  policy?: CertificatePolicySettings,
  checks?: CertificateChecks,
): Promise<PresentedCertificate> {
  const { identity, thumbprint, notBefore, notAfter } = certificate;
  const verdict = await certificate.chain();
  const chainVerified = verdict.kind === 'verified';
  const outcomes = chainVerified ? checks?.outcomesOf(certificate, verdict) : undefined;
  return {
    thumbprint,
    ...(identity instanceof X509Certificate ? describeCertificate(identity) : describeForwarded(identity)),
    notBefore: new Date(notBefore),
    notAfter: new Date(notAfter),
    chainVerified,
    ...(chainVerified ? holderOf(certificate, policy) : {}),
    ...(outcomes === undefined ? {} : { policy: outcomes }),
  };
}

/** Who the holder of a certificate is. */
export type Holder = Pick<PresentedCertificate, 'principal' | 'spiffeId' | 'organizationIdentifier' | 'psd2'>;

/** Who a certificate says that its holder is: for one whose chain is verified, because anyone may write anything. */
export function holderOf(
  { identity: x509, thumbprint }: ClientCertificate,
  policy: CertificatePolicySettings | undefined,
): Holder {
  const identity = x509 instanceof X509Certificate ? identityOf(x509) : undefined;
  if (identity === undefined || 'fault' in identity) return {};
  const principal = principalOf(identity, thumbprint, policy);
  return { ...(principal === undefined ? {} : { principal }), ...rolesOf(identity) };
}

type Names = Pick<PresentedCertificate, 'subject' | 'issuer' | 'serialNumber' | 'subjectAltNames' | 'der'>;

/** Of a name that is empty (a SPIFFE certificate's subject) Node has `undefined`, whatever its type says. */
function describeCertificate(x509: X509Certificate): Names {
  const { subject, issuer } = x509 as Partial<X509Certificate>;
  return {
    subject: subject ?? '',
    issuer: issuer ?? '',
    serialNumber: x509.serialNumber,
    subjectAltNames: splitNames(x509.subjectAltName),
    der: Uint8Array.from(x509.raw),
  };
}

/** Subject and serial number, as {@link PresentedCertificate} has them. */
export function describeIdentity(
  identity: ClientCertificate['identity'],
): Pick<PresentedCertificate, 'subject' | 'serialNumber'> {
  const { subject } = identity as { readonly subject?: string };
  return {
    subject: subject ?? '',
    serialNumber: identity instanceof X509Certificate ? identity.serialNumber : '',
  };
}

function describeForwarded({ subject, subjectAltNames }: ForwardedIdentity): Names {
  return {
    subject,
    issuer: '',
    serialNumber: '',
    subjectAltNames: [...subjectAltNames],
    der: new Uint8Array(),
  };
}
