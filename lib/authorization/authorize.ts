import {
  insufficientAuthentication,
  insufficientScope,
  invalidToken,
  notAllowed,
  type OAuthError,
} from '../challenge/oauth-error.js';
import type { MaybePromise } from '../common/maybe-promise.js';
import { quotedList } from '../common/quoted.js';
import { textOfPath } from '../claims/claim-at.js';
import type { BindingMethod, ProvenToken } from '../decision.js';
import { hasUser, isAuthenticated } from './check-authentication.js';
import { hasClaim } from './check-claim.js';
import { unmetDetailsOrOwn } from './check-own.js';
import {
  type AuthenticationCheck,
  type Demanding,
  type Demands,
  type Place,
  type ScopeRule,
  type SenderConstraint,
  scopesOfRules,
} from './demands.js';

/**
 * Whether a valid token, bound to its caller, is enough: `undefined` when it is; else why not. What other credentials cannot
 * mend is told before what they can, and of that everything at once; what the app has to be asked for comes last.
 */
export function unmetDemand(
  proved: ProvenToken,
  demands: Demands,
  demanding: Demanding,
): MaybePromise<OAuthError | undefined> {
  const unmet = unmetAtOnce(proved, demands, demanding.place);
  if (unmet !== undefined || demands.checks.length === 0) return unmet;
  return unmetDetailsOrOwn(proved, demands, demanding);
}

/** The same without what the app has to be asked for, which nothing but a call can answer. */
export function unmetAtOnce(proved: ProvenToken, demands: Demands, place: Place): OAuthError | undefined {
  const { constraints, rules, checks } = demands;
  // Most routes demand nothing, or scopes alone.
  if (checks.length > 0) return unmetAmongAll(proved, demands, place);
  const unmet = constraints.length === 0 ? undefined : unmetProof(proved, demands, place);
  return unmet ?? (rules.length === 0 ? undefined : unmetScope(proved, demands, place));
}

function unmetAmongAll(proved: ProvenToken, demands: Demands, place: Place): OAuthError | undefined {
  return (
    unmetProof(proved, demands, place) ??
    unmetRole(proved, demands, place) ??
    unmetIssuer(proved, demands, place) ??
    unmetClaim(proved, demands, place) ??
    unmetAuthentication(proved, demands, place) ??
    unmetScope(proved, demands, place)
  );
}

function unmetProof(
  { boundBy }: ProvenToken,
  { constraints }: Demands,
  place: Place,
): OAuthError | undefined {
  const unmet = unmetConstraint(boundBy, constraints);
  if (unmet === undefined) return undefined;
  const proved = boundBy.join(' and ') || 'nothing';
  return invalidToken('binding_insufficient', {
    detail: `the ${place} demands ${unmet}, the caller proved ${proved}`,
  });
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

/** What the holder of the certificate may be: no other token would help it. */
function unmetRole({ psd2Roles }: ProvenToken, { checks }: Demands, place: Place): OAuthError | undefined {
  for (const check of checks) {
    if (check.kind !== 'psd2' || check.roles.every((role) => psd2Roles.includes(role))) continue;
    return notAllowed('certificate_role_missing', {
      detail: `the ${place} demands ${quotedList(check.roles)}, the certificate has ${quotedList(psd2Roles)}`,
    });
  }
  return undefined;
}

/** Who has issued the certificate: only one that was proved on this request counts. */
function unmetIssuer(
  { boundBy, certificate }: ProvenToken,
  { checks }: Demands,
  place: Place,
): OAuthError | undefined {
  const proved =
    boundBy.includes('certificate') && certificate.kind === 'found' ? certificate.certificate : undefined;
  for (const check of checks) {
    if (check.kind !== 'issuer' || (proved !== undefined && check.isMet(proved))) continue;
    const wanted = `the ${place} demands a certificate below ${check.issuers.join(' or ')}`;
    return notAllowed('certificate_issuer_unmet', {
      detail: `${wanted}, the caller ${proved === undefined ? 'has proved none' : 'has proved another one'}`,
    });
  }
  return undefined;
}

function unmetClaim({ described }: ProvenToken, { checks }: Demands, place: Place): OAuthError | undefined {
  for (const check of checks) {
    if (check.kind !== 'claim' || hasClaim(described.claims, check)) continue;
    const wanted =
      check.anyOf.length === 0 ? 'to be there' : `to be one of ${quotedList(check.anyOf.map(String))}`;
    return notAllowed('claim_unmet', { detail: `the ${place} demands ${textOfPath(check.path)} ${wanted}` });
  }
  return undefined;
}

/** How the user has authenticated: one challenge names what is missing of that and of the scopes (RFC 9470 §3). */
function unmetAuthentication(
  { scopes, described }: ProvenToken,
  demands: Demands,
  place: Place,
): OAuthError | undefined {
  const authentications = authenticationsOf(demands);
  if (authentications.every((each) => isAuthenticated(described, each, Date.now() / 1000))) return undefined;
  const authentication = authentications.reduce(both);
  const { acrValues, maxAge } = authentication;
  const detail = `the ${place} demands ${textOfAuthentication(authentication)}`;
  // A client that has no user can change nothing about it.
  if (!hasUser(described)) {
    return notAllowed('user_absent', { detail: `${detail}, and the token is of no user` });
  }
  const scope = unmetScopes(scopes, demands.rules) ?? [];
  return insufficientAuthentication({ acrValues, maxAge, scope }, { detail });
}

function unmetScope({ scopes }: ProvenToken, { rules }: Demands, place: Place): OAuthError | undefined {
  const needed = unmetScopes(scopes, rules);
  if (needed === undefined) return undefined;
  const kinds = rules.map((rule) => `${rule.kind} of ${quotedList(rule.scopes)}`);
  const detail = `the ${place} demands ${kinds.join(' and ')}, the token has ${quotedList(scopes)}`;
  return insufficientScope('scope_missing', needed, { detail });
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
  return scopesOfRules(rules);
}

function isMet(granted: ReadonlySet<string>, { kind, scopes }: ScopeRule): boolean {
  return kind === 'all'
    ? scopes.every((scope) => granted.has(scope))
    : scopes.some((scope) => granted.has(scope));
}

/** Each of them must be met. */
function authenticationsOf({ checks }: Demands): readonly AuthenticationCheck[] {
  return checks.filter((check): check is AuthenticationCheck => check.kind === 'authentication');
}

/** What class and method demand together, for the challenge: the values that both accept, and the shorter age. */
function both(one: AuthenticationCheck, other: AuthenticationCheck): AuthenticationCheck {
  const ages = [one.maxAge, other.maxAge].filter((age) => age !== undefined);
  return {
    kind: 'authentication',
    acrValues: commonOf(one.acrValues, other.acrValues),
    maxAge: ages.length === 0 ? undefined : Math.min(...ages),
  };
}

function commonOf(one: readonly string[], other: readonly string[]): readonly string[] {
  const common = one.filter((value) => other.includes(value));
  // Where one names none, the other's count; where they have none in common, nobody can meet both.
  return common.length > 0 ? common : [...one, ...other];
}

export function textOfAuthentication({ acrValues, maxAge }: AuthenticationCheck): string {
  const ways = acrValues.length === 0 ? [] : [`acr to be one of ${quotedList(acrValues)}`];
  const age = maxAge === undefined ? [] : [`auth_time to be at most ${maxAge} s ago`];
  return [...ways, ...age].join(' and ');
}
