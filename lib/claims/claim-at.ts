import type { ClaimPath } from '../cert-bound-auth.options.js';
import { isJsonObject, type JsonObject } from '../jose/json-object.js';

/**
 * The claim of a name, or at a path; `undefined` where there is none. Only own members count: nothing of a prototype is a
 * claim.
 */
export function claimAt(claims: JsonObject, path: ClaimPath): unknown {
  const [name, rest] = firstStep(claims, path);
  if (!Object.hasOwn(claims, name)) return undefined;
  const value = claims[name];
  if (rest === undefined) return value;
  return isJsonObject(value) ? claimAt(value, rest) : undefined;
}

/** The same claims, but for the one of a name or at a path. */
export function withClaimAt(claims: JsonObject, path: ClaimPath, value: unknown): JsonObject {
  const [name, rest] = firstStep(claims, path);
  if (rest === undefined) return { ...claims, [name]: value };
  const inner = Object.hasOwn(claims, name) ? claims[name] : undefined;
  return { ...claims, [name]: withClaimAt(isJsonObject(inner) ? inner : {}, rest, value) };
}

/**
 * The name in these claims that a path begins with, and the path from there on, where it goes on. Text is one name where
 * there is such a claim, and is split at its first dot otherwise; a list is never split further.
 */
export function firstStep(claims: JsonObject, path: ClaimPath): readonly [name: string, rest?: ClaimPath] {
  if (typeof path !== 'string') {
    const [name = '', ...rest] = path;
    return rest.length === 0 ? [name] : [name, rest];
  }
  const dot = path.indexOf('.');
  if (dot === -1 || Object.hasOwn(claims, path)) return [path];
  return [path.slice(0, dot), path.slice(dot + 1)];
}

/** A path as text, for people. */
export function textOfPath(path: ClaimPath): string {
  return typeof path === 'string' ? path : path.join('.');
}
