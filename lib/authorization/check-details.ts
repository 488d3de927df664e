import { isPromise } from '../common/maybe-promise.js';
import type { TokenDescription } from '../decision.js';
import { copyOfJson, isJsonObject, type JsonObject } from '../jose/json-object.js';
import { claimAt } from '../claims/claim-at.js';
import type {
  AuthorizationDetail,
  DemandedCall,
  DetailMatcher,
  DetailRequirement,
  DetailsCheck,
  Met,
} from './demands.js';

/**
 * Whether one entry of `authorization_details` covers a call (RFC 9396): entries are grants of their own, and what several
 * have is never put together.
 */
export function hasDetail(
  token: TokenDescription,
  { type, requirement }: DetailsCheck,
  call: DemandedCall,
): Met {
  const details = detailsOf(token.claims, type);
  return typeof requirement === 'function'
    ? anyMatches(details, requirement, call)
    : details.some((detail) => covers(detail, requirement, token.audience));
}

function detailsOf(claims: JsonObject, type: string): readonly JsonObject[] {
  const details = claimAt(claims, 'authorization_details');
  if (!Array.isArray(details)) return [];
  return details.filter((detail): detail is JsonObject => isJsonObject(detail) && detail['type'] === type);
}

/** Each gets an entry of its own: the claims serve other requests. */
function anyMatches(details: readonly JsonObject[], matches: DetailMatcher, call: DemandedCall): Met {
  const [first, ...others] = details;
  if (first === undefined) return false;
  // What JavaScript may return, whatever the types say.
  const met: unknown = matches(copyOfJson(first) as unknown as AuthorizationDetail, call);
  if (!isPromise(met)) return met === true || anyMatches(others, matches, call);
  return met.then((isMet: unknown) => isMet === true || anyMatches(others, matches, call));
}

const LISTS = ['actions', 'locations', 'datatypes', 'privileges'] as const;

/** A field that the route says nothing of may be a restriction: such an entry covers nothing. */
function covers(detail: JsonObject, requirement: DetailRequirement, audience: readonly string[]): boolean {
  const { identifier } = requirement;
  const known = new Set(['type', 'locations', ...Object.keys(requirement)]);
  if (!Object.keys(detail).every((field) => known.has(field))) return false;
  if (identifier !== undefined && detail['identifier'] !== identifier) return false;
  if (!LISTS.every((list) => hasAll(detail[list], requirement[list] ?? []))) return false;
  return requirement.locations !== undefined || isFor(detail['locations'], audience);
}

function hasAll(granted: unknown, needed: readonly string[]): boolean {
  if (granted === undefined) return needed.length === 0;
  return Array.isArray(granted) && needed.every((each) => granted.includes(each));
}

/** Without locations the audience of the token decides; else this API must be one of them. */
function isFor(locations: unknown, audience: readonly string[]): boolean {
  return (
    locations === undefined ||
    (Array.isArray(locations) && locations.some((each) => audience.includes(each as string)))
  );
}
