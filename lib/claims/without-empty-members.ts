import type { ClaimPath } from '../cert-bound-auth.options.js';
import { isAbsentMember, isJsonObject, type JsonObject } from '../jose/json-object.js';
import { claimAt, firstStep } from './claim-at.js';

/** Members that restrict: an empty one is no member that is missing. */
const RESTRICTING: ReadonlySet<string | undefined> = new Set(['cnf', 'exp']);

/**
 * Claims without those that say nothing: some servers write `null`, or an empty text or list, for what they do not know. It
 * never leaves out `cnf` and `exp`, which restrict.
 * @param paths of claims that need not be there
 */
export function withoutEmptyMembers(claims: JsonObject, paths: readonly ClaimPath[]): JsonObject {
  return paths.reduce<JsonObject>(
    (rest, path) => (!restricts(path) && isAbsentMember(claimAt(rest, path)) ? without(rest, path) : rest),
    claims,
  );
}

function restricts(path: ClaimPath): boolean {
  return RESTRICTING.has(typeof path === 'string' ? path.split('.', 1)[0] : path[0]);
}

function without(claims: JsonObject, path: ClaimPath): JsonObject {
  const [name, rest] = firstStep(claims, path);
  const { [name]: value, ...others } = claims;
  if (rest === undefined) return Object.hasOwn(claims, name) ? others : claims;
  return isJsonObject(value) ? { ...claims, [name]: without(value, rest) } : claims;
}
