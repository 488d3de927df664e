import { insufficientScope, invalidToken, type OAuthError } from '../challenge/oauth-error.js';
import { quotedList } from '../common/quoted.js';
import type { BindingMethod, ProvenToken } from '../decision.js';
import type { Demands, ScopeRule, SenderConstraint } from './demands.js';

/**
 * Whether a valid token, bound to its caller, is enough: the caller has proved itself as demanded, and the token has the
 * scopes. `undefined` when it is; else why not.
 * @param place what demands it, for the log
 */
export function unmetDemand(
  { boundBy, scopes }: ProvenToken,
  { constraints, rules }: Demands,
  place: 'route' | 'policy',
): OAuthError | undefined {
  const unmet = unmetConstraint(boundBy, constraints);
  if (unmet !== undefined) {
    const proved = boundBy.join(' and ') || 'nothing';
    return invalidToken('binding_insufficient', {
      detail: `the ${place} demands ${unmet}, the caller proved ${proved}`,
    });
  }
  const needed = unmetScopes(scopes, rules);
  if (needed === undefined) return undefined;
  const kinds = rules.map((rule) => `${rule.kind} of ${quotedList(rule.scopes)}`);
  const detail = `the ${place} demands ${kinds.join(' and ')}, the token has ${quotedList(scopes)}`;
  return insufficientScope(needed, { detail });
}

/** The first constraint that what the caller has proved does not meet; `undefined` when all are met. */
function unmetConstraint(
  boundBy: readonly BindingMethod[],
  constraints: readonly SenderConstraint[],
): SenderConstraint | undefined {
  return constraints.find((constraint) =>
    constraint === 'any' ? boundBy.length === 0 : !boundBy.includes(constraint),
  );
}

/**
 * The scopes of all rules where a token does not meet one of them, for the challenge; `undefined` when it meets all.
 * Scopes are compared with case (RFC 6749 §3.3).
 */
function unmetScopes(
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
