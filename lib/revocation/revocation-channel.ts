/** Somebody who tells this process of revocations: where it cannot be relied on, nobody knows what is revoked. */
export interface RevocationChannel {
  /** Whose tokens it speaks of. */
  readonly issuers: ReadonlySet<string>;
  /** Why it cannot be relied on at present; `undefined` where it can. */
  problem(): string | undefined;
}
