import type { AuthenticationScheme } from '../decision.js';
import type { SenderConstraint } from './demands.js';

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
