/** What is known of whether a certificate is revoked. */
export type CertificateStatus =
  /** It is not. `until`: how long that may be believed, in milliseconds since the epoch. */
  | { readonly kind: 'good'; readonly until: number }
  | { readonly kind: 'revoked'; readonly detail: string }
  /** Nobody who may be asked speaks of it. */
  | { readonly kind: 'unknown'; readonly detail: string }
  /** Who should know cannot be asked, or what was said does not count. */
  | { readonly kind: 'unavailable'; readonly detail: string };

/** How a source is doing, as far as this API knows without asking it. */
export interface RevocationSourceHealth {
  /** A file, or a URL. */
  readonly source: string;
  readonly kind: 'crl-file' | 'crl' | 'ocsp';
  /** `fresh`: it serves. `stale`: what is known of it is out of date. `unavailable`: nothing is known of it. */
  readonly state: 'fresh' | 'stale' | 'unavailable';
  /** Seconds since it was read or fetched. */
  readonly age: number | undefined;
  /** When the next one is due, in seconds since the epoch. */
  readonly nextUpdate: number | undefined;
  /** Attempts that failed since the last one that did not. */
  readonly failures: number;
  /** Why the last one failed. */
  readonly lastFailure: string | undefined;
}
