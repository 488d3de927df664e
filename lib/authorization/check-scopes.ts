import type { ScopeRule } from '../nest/demands/route-policy.js';

/**
 * The scopes of the first rule that a token does not meet, for the challenge; `undefined` when it meets all.
 * Scopes are compared with case (RFC 6749 §3.3).
 */
export function unmetScopes(
  granted: ReadonlySet<string>,
  rules: readonly ScopeRule[],
): readonly string[] | undefined {
  if (rules.every((rule) => isMet(granted, rule))) return undefined;
  return [...new Set(rules.flatMap((rule) => rule.scopes))];
}

function isMet(granted: ReadonlySet<string>, { kind, scopes }: ScopeRule): boolean {
  return kind === 'all'
    ? scopes.every((scope) => granted.has(scope))
    : scopes.some((scope) => granted.has(scope));
}
