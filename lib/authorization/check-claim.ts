import { claimAt } from '../claims/claim-at.js';
import type { JsonObject } from '../jose/json-object.js';
import type { ClaimCheck, ClaimValue } from './demands.js';

/**
 * Whether a claim is one of the values that are asked for: it is the value itself, a list that has it, or text in which it
 * stands between spaces, as in `scope`. Compared with case and by type: `"1"` is not `1`.
 */
export function hasClaim(claims: JsonObject, { path, anyOf }: ClaimCheck): boolean {
  const claim = claimAt(claims, path);
  if (anyOf.length === 0) return isSaid(claim);
  const values = valuesOf(claim);
  return anyOf.some((value) => values.includes(value));
}

/** Not what says that there is nothing: a claim that is `false` has not been granted. */
function isSaid(claim: unknown): boolean {
  if (claim === undefined || claim === null || claim === false || claim === '') return false;
  return !Array.isArray(claim) || claim.length > 0;
}

function valuesOf(claim: unknown): readonly (ClaimValue | undefined)[] {
  if (Array.isArray(claim)) return claim as readonly ClaimValue[];
  return typeof claim === 'string' ? [claim, ...claim.split(' ')] : [claim as ClaimValue];
}
