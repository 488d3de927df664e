import { isAbsentMember, isJsonObject, type JsonObject } from '../jose/json-object.js';
import { claimAt } from './claim-at.js';

/** Members that restrict: an empty one is no member that is missing. */
const RESTRICTING = /^(?:cnf|exp)(?:\.|$)/;

/**
 * Claims without those that say nothing: some servers write `null`, or an empty text or list, for what they do not know. It
 * never leaves out `cnf` and `exp`, which restrict.
 * @param paths of claims that need not be there, by name or by dots
 */
export function withoutEmptyMembers(claims: JsonObject, paths: readonly string[]): JsonObject {
  return paths.reduce(
    (rest, path) =>
      !RESTRICTING.test(path) && isAbsentMember(claimAt(rest, path)) ? without(rest, path) : rest,
    claims,
  );
}

function without(claims: JsonObject, path: string): JsonObject {
  if (Object.hasOwn(claims, path)) {
    const { [path]: _, ...rest } = claims;
    return rest;
  }
  const dot = path.indexOf('.');
  const outer = dot === -1 ? undefined : claims[path.slice(0, dot)];
  if (!isJsonObject(outer)) return claims;
  return { ...claims, [path.slice(0, dot)]: without(outer, path.slice(dot + 1)) };
}
