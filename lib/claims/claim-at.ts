import { isJsonObject, type JsonObject } from '../jose/json-object.js';

/**
 * The claim of a name, or at a path by dots; `undefined` where there is none. Only own members count: nothing of
 * a prototype is a claim.
 */
export function claimAt(claims: JsonObject, path: string): unknown {
  if (Object.hasOwn(claims, path)) return claims[path];
  const dot = path.indexOf('.');
  if (dot === -1) return undefined;
  const inner = claims[path.slice(0, dot)];
  return Object.hasOwn(claims, path.slice(0, dot)) && isJsonObject(inner)
    ? claimAt(inner, path.slice(dot + 1))
    : undefined;
}
