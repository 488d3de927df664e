import type { ClaimRules } from '../claims/check-claims.js';
import { timeOf } from '../claims/check-claims.js';
import type { JsonObject } from '../jose/json-object.js';

/** Claims that a server vouches for, and how long that may be believed without asking it anew. */
export interface VerifiedClaims {
  /** Never handed out: whoever gets them gets a copy. */
  readonly claims: JsonObject;
  /** The signed introspection answer that says so (RFC 9701), where one was asked for. */
  readonly signedAnswer: string | undefined;
  /** Characters, about, that the claims take as JSON. */
  readonly size: number;
  /** When every check of time comes out as it has. */
  readonly validity: Validity;
  /** Whether what vouches for them still does: the key that verified them, the answer that holds them. */
  readonly holds: () => boolean;
}

/** Milliseconds since the epoch: the first in which something is valid, and the first in which it is no more. */
export interface Validity {
  readonly from: number;
  readonly until: number;
}

/** When claims pass the checks of time, which they have passed now. */
export function validityOf(claims: JsonObject, { clockTolerance, maxTokenAge }: ClaimRules): Validity {
  const exp = timeOf(claims, 'exp') ?? -Infinity;
  const iat = timeOf(claims, 'iat') ?? -Infinity;
  const nbf = timeOf(claims, 'nbf') ?? -Infinity;
  const end = maxTokenAge === undefined ? exp : Math.min(exp, iat + maxTokenAge);
  return { from: (Math.max(iat, nbf) - clockTolerance) * 1000, until: (end + clockTolerance) * 1000 };
}

/** The time in which two are both valid. */
export function bothValid(one: Validity, other: Validity): Validity {
  return { from: Math.max(one.from, other.from), until: Math.min(one.until, other.until) };
}
