/** How a source of revoked certificates is doing, as far as this API knows without asking it. */
export interface RevocationSourceHealth {
  /** A file, or a URL. */
  readonly source: string;
  readonly kind: 'crl-file' | 'crl' | 'ocsp';
  /** `fresh`: it serves. `stale`: what is known of it is out of date. `unavailable`: nothing is known of it. */
  readonly state: 'fresh' | 'stale' | 'unavailable';
  /** Seconds since it was read or fetched. */
  readonly age: number | undefined;
  /** Of a list: when it was made, in seconds since the epoch. */
  readonly thisUpdate: number | undefined;
  /** Of a list: when the next one is due, in seconds since the epoch. */
  readonly nextUpdate: number | undefined;
  /** Attempts that failed since the last one that did not. */
  readonly failures: number;
  /** Why the last one failed. */
  readonly lastFailure: string | undefined;
}
