/** What a proxy says of the certificate that its client proved. */
export type ForwardedCertificate =
  | {
      readonly kind: 'certificate';
      /** The leaf. */
      readonly der: Uint8Array;
      /** The certificates behind the leaf, each DER, as the proxy gave them: the leaf itself is not among them. */
      readonly chain: readonly Uint8Array[];
    }
  | {
      /** A proxy that passes on no more than a digest (Envoy's `Hash`). */
      readonly kind: 'thumbprint';
      /** SHA-256 of the DER, base64url. */
      readonly thumbprint: string;
      /** As the proxy wrote it. */
      readonly subject: string | undefined;
      /** As Node prints them: `URI:…`, `DNS:…`. */
      readonly subjectAltNames: readonly string[];
    };

/** What was made of a header. `absent`: the proxy says that its client proved none. */
export type ForwardedCertificateResult =
  | ForwardedCertificate
  | { readonly kind: 'absent' }
  | { readonly kind: 'malformed'; readonly detail: string };

/** Reads the value of a header. It never throws, and takes time in proportion to the length of the value. */
export type ForwardedCertificateParser = (value: string) => ForwardedCertificateResult;
