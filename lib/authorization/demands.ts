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

/** Every way in which a caller may have to prove itself. */
export const SENDER_CONSTRAINTS: readonly SenderConstraint[] = ['certificate', 'dpop', 'any'];

/** scope-token = 1*( %x21 / %x23-5B / %x5D-7E ) (RFC 6749 §3.3) */
const SCOPE = /^[\x21\x23-\x5b\x5d-\x7e]+$/;

/** Whether a value can be the name of one scope. */
export function isScope(value: unknown): value is string {
  return typeof value === 'string' && SCOPE.test(value);
}
