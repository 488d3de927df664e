/** An access token that has passed every check: the same shape whichever way it was verified. */
export interface VerifiedAccessToken {
  /** The configured issuer that vouches for the token. */
  readonly issuer: string;
  /** `sub`: the user, or the client itself where no user is involved; compare with `clientId` (RFC 9068 §5). */
  readonly subject?: string;
  /** The client that the token was issued to. */
  readonly clientId?: string;
  /** The `aud` values; empty only with `introspection.audience: 'if-present'`. */
  readonly audience: readonly string[];
  readonly scopes: ReadonlySet<string>;
  /** `iat`, in seconds since the epoch. */
  readonly issuedAt?: number;
  /** `exp`, in seconds since the epoch. */
  readonly expiresAt: number;
  /** `jti`. */
  readonly tokenId?: string;
  /** The keys that the token is bound to (RFC 7800). */
  readonly confirmation: Confirmation;
  /** The keys whose possession the caller has proved on this request. */
  readonly boundBy: readonly BindingMethod[];
  /** Every claim of the token, or every member of the introspection answer. */
  readonly claims: Readonly<Record<string, unknown>>;
  /** The token as it was sent; only with `exposeToken: true`. */
  readonly raw?: string;
}

/** What `cnf` names, as far as this module can check it. */
export interface Confirmation {
  /** `x5t#S256`: SHA-256 of the certificate's DER, base64url, 43 characters (RFC 8705 §3.1). */
  readonly certificateThumbprint?: string;
  /** `jkt`: SHA-256 thumbprint of a JWK, base64url, 43 characters (RFC 9449 §6.1). */
  readonly jwkThumbprint?: string;
}

/** How a caller proves possession of a key. */
export type BindingMethod = 'certificate' | 'dpop';
