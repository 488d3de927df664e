/** What is known of whether a certificate is revoked. */
export type CertificateStatus =
  /** It is not. `until`: how long that may be believed, in milliseconds since the epoch. */
  | { readonly kind: 'good'; readonly until: number }
  | { readonly kind: 'revoked'; readonly detail: string }
  /** Nobody who may be asked speaks of it. */
  | { readonly kind: 'unknown'; readonly detail: string }
  /** Who should know cannot be asked, or what was said does not count. */
  | { readonly kind: 'unavailable'; readonly detail: string };
