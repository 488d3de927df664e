/** A field of `clientCertificate.policy` that a certificate has met, and how. */
export interface CertificatePolicyOutcome {
  readonly rule: 'extendedKeyUsage' | 'profile' | 'issuers' | 'deny' | 'allow';
  /** The place in `issuers`, or in the list of `allow` that holds at present, of the entry that was met. */
  readonly entry?: number;
  /** For people: it quotes nothing of the certificate. */
  readonly found: string;
}
