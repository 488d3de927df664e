import type { KeyObject } from 'node:crypto';

/** A key that an issuer has published. */
export interface PublishedKey {
  readonly kid: string;
  /** The algorithms that it is for. */
  readonly algorithms: readonly string[];
  readonly key: KeyObject;
}

/** An issuer that the API trusts. */
export interface IssuerPolicy {
  readonly issuer: string;
  readonly keys: readonly PublishedKey[];
  /** Media types in lower case, without `application/`. */
  readonly types: readonly string[];
  /** Claims that must be there beside `iss`, `aud` and `exp`. */
  readonly requiredClaims: readonly string[];
  readonly introspection?: {
    readonly tokens: 'opaque' | 'all';
    readonly audience: 'required' | 'if-present';
  };
}

/** Where certificates come from. */
export type CertificatePolicy =
  | { readonly from: 'tls'; readonly trust: 'ca' | 'any' }
  | {
      readonly from: 'header';
      readonly header: string;
      readonly format: 'rfc9440' | 'pem' | 'der' | 'single-der' | 'xfcc';
      readonly trustedAddress: string;
      /** `{ ca }`: the certificate must be issued by this one (PEM). */
      readonly trust: 'proxy' | { readonly ca: string };
      readonly verify?: { readonly name: string; readonly value: string };
    };

/** What proofs are asked for. Seconds. */
export interface DpopPolicy {
  readonly bases: readonly string[];
  readonly algorithms: readonly string[];
  readonly lifetime: number;
  readonly skew: number;
  readonly maxLength: number;
  readonly nonce: 'off' | 'required' | 'instead-of-iat';
  readonly nonceLifetime: number;
}

/** What the operator of an API has written down, in the words of the oracle. */
export interface Policy {
  readonly audience: string;
  readonly binding: 'required' | 'if-bound';
  /** Seconds. */
  readonly clockTolerance: number;
  readonly issuers: readonly IssuerPolicy[];
  readonly certificate: CertificatePolicy;
  readonly dpop?: DpopPolicy;
}
