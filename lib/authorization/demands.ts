/** What a route asks of a token's scopes. */
export interface ScopeRule {
  readonly kind: 'all' | 'any';
  readonly scopes: readonly string[];
}

/** How a caller must have proved itself: by its certificate, by a DPoP proof, or by either. */
export type SenderConstraint = 'certificate' | 'dpop' | 'any';

/** What a route demands beside a valid token that is bound to its caller; all of it must be met. */
export interface Demands {
  readonly rules: readonly ScopeRule[];
  readonly constraints: readonly SenderConstraint[];
}
