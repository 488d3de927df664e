import type { BindingMethod } from '../access-token/verified-access-token.js';
import type { AuthenticationScheme } from '../request/credentials.js';
import type { SenderConstraint } from '../nest/demands/route-policy.js';

/** The first constraint that what the caller has proved does not meet; `undefined` when all are met. */
export function unmetConstraint(
  boundBy: readonly BindingMethod[],
  constraints: readonly SenderConstraint[],
): SenderConstraint | undefined {
  return constraints.find((constraint) =>
    constraint === 'any' ? boundBy.length === 0 : !boundBy.includes(constraint),
  );
}

/** The schemes by which a route with these constraints can be reached: all, where several exclude one another. */
export function schemesFor(
  constraints: readonly SenderConstraint[],
  accepted: readonly AuthenticationScheme[],
): readonly AuthenticationScheme[] {
  // A token that is bound to both keys is sent as DPoP.
  if (constraints.includes('dpop')) return accepted.filter((scheme) => scheme === 'DPoP');
  if (constraints.includes('certificate')) return accepted.filter((scheme) => scheme === 'Bearer');
  return accepted;
}
