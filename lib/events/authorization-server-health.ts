/** How an authorization server is doing, as far as this API knows without asking it. */
export interface AuthorizationServerHealth {
  readonly issuer: string;
  /** The policy that trusts it; absent for the options of the module itself. Policies share no keys. */
  readonly policy?: string;
  readonly keys: SigningKeysHealth;
  /**
   * Whether its introspection endpoint is asked. `none`: there is none, or it is in this process. `closed`: yes. `open`:
   * no, for calls have failed. `half-open`: one call finds out.
   */
  readonly introspection: 'none' | 'closed' | 'open' | 'half-open';
  /**
   * How the worst of its status lists is doing. `none`: no token has named one lately. `fresh`: they serve. `stale`: one serves
   * although it is too old, for it cannot be fetched. `unavailable`: one may not serve, and its tokens are answered with 503.
   */
  readonly statusLists: 'none' | 'fresh' | 'stale' | 'unavailable';
}

/** How a server's signing keys are doing; `fixed` where the configuration holds them, or none are needed. */
export type SigningKeysHealth = { readonly state: 'fixed' } | FetchedKeysHealth;

/** How keys are doing that the server publishes. */
export interface FetchedKeysHealth {
  /**
   * `not-fetched`: nobody has needed them lately. `fresh`: they serve. `stale`: they serve although they are older than
   * `maxAge`, for they cannot be fetched. `unavailable`: none may serve, and tokens are answered with 503.
   */
  readonly state: 'not-fetched' | 'fresh' | 'stale' | 'unavailable';
  /** Seconds since they were fetched. */
  readonly age: number | undefined;
  /** What was wrong with the last attempt to fetch them; `undefined` where it succeeded, or there was none. */
  readonly lastFailure: string | undefined;
}
