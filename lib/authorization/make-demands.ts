import type { CertificateIssuer, ClaimPath, Psd2Role } from '../cert-bound-auth.options.js';
import { issuedBy, textOfIssuer } from '../client-certificate/policy/issued-by.js';
import { issuerProblem } from '../client-certificate/policy/issuers.js';
import { isPsd2Role } from '../client-certificate/policy/psd2-roles.js';
import {
  type AuthenticationCheck,
  type AuthenticationRequirement,
  type ClaimCheck,
  type ClaimValue,
  type DetailMatcher,
  type DetailRequirement,
  type DetailsCheck,
  isScope,
  type IssuerCheck,
  type Psd2Check,
  type ScopeRule,
  SENDER_CONSTRAINTS,
  type SenderConstraint,
} from './demands.js';

/**
 * A rule on scopes.
 * @param what demands them, for the error
 * @throws TypeError for a name that can't be a scope, and for none where one of several is enough
 */
export function scopeRule(what: string, kind: ScopeRule['kind'], scopes: readonly string[]): ScopeRule {
  if (kind === 'any' && scopes.length === 0)
    throw new TypeError(`${what} needs at least one scope: nobody could have any of none`);
  for (const scope of scopes) requireScope(scope);
  return { kind, scopes };
}

function requireScope(scope: unknown): void {
  if (isScope(scope)) return;
  throw new TypeError(
    `${JSON.stringify(scope)} is not one scope (RFC 6749 §3.3): give several as several arguments, ` +
      `@Scopes('a', 'b')`,
  );
}

/** @throws TypeError for an empty path, or a value of another type */
export function claimCheck(what: string, path: ClaimPath, anyOf: readonly ClaimValue[]): ClaimCheck {
  const names = typeof path === 'string' ? [path] : path;
  if (names.length === 0 || !names.every((name) => typeof name === 'string' && name !== ''))
    throw new TypeError(`${what}() needs the name or the path of a claim`);
  if (!anyOf.every((value) => ['string', 'number', 'boolean'].includes(typeof value) && value !== ''))
    throw new TypeError(`${what}('${names.join('.')}') takes text, numbers and booleans as values`);
  return { kind: 'claim', path, anyOf };
}

/** @throws TypeError without a role, and for what is none */
export function psd2Check(what: string, roles: readonly Psd2Role[]): Psd2Check {
  if (roles.length > 0 && roles.every(isPsd2Role)) return { kind: 'psd2', roles };
  throw new TypeError(`${what}() needs one or more of PSP_AS, PSP_PI, PSP_AI and PSP_IC`);
}

/** @throws TypeError without a CA, and for one that can't be read */
export function issuerCheck(what: string, issuers: readonly CertificateIssuer[]): IssuerCheck {
  if (issuers.length === 0)
    throw new TypeError(`${what}() needs a CA: { ca }, { caFile }, { spkiSha256 } or { dn }`);
  for (const issuer of issuers) {
    const remedy = issuerProblem(issuer);
    if (remedy !== undefined) throw new TypeError(`${what}(): ${remedy}`);
  }
  return { kind: 'issuer', issuers: issuers.map(textOfIssuer), isMet: issuedBy(issuers) };
}

/** A challenge quotes it, and separates several by spaces. */
const ACR = /^[\x21\x23-\x5b\x5d-\x7e]+$/;

/** Shorter than clocks differ and a round trip takes, nobody could ever meet it. */
const SHORTEST_AGE_SECONDS = 10;

/** @throws TypeError without a requirement, for a value that no challenge can hold, and for an age below 10 seconds */
export function authenticationCheck(
  what: string,
  { acrValues = [], maxAge }: AuthenticationRequirement,
): AuthenticationCheck {
  if (acrValues.length === 0 && maxAge === undefined)
    throw new TypeError(`${what} needs acrValues, maxAge, or both`);
  if (!acrValues.every((value) => ACR.test(value)))
    throw new TypeError(`${what}: an acr value is text without spaces, quotes and backslashes`);
  if (maxAge !== undefined && !(Number.isInteger(maxAge) && maxAge >= SHORTEST_AGE_SECONDS))
    throw new TypeError(`${what}: maxAge is whole seconds, at least ${SHORTEST_AGE_SECONDS}`);
  return { kind: 'authentication', acrValues, maxAge };
}

const LISTS: ReadonlySet<string> = new Set(['actions', 'locations', 'datatypes', 'privileges']);

/** @throws TypeError without a type, or for anything but the common fields or a function */
export function detailsCheck(
  what: string,
  type: string,
  requirement: DetailRequirement | DetailMatcher,
): DetailsCheck {
  if (typeof type !== 'string' || type === '') throw new TypeError(`${what}() needs the type of the entry`);
  if (typeof requirement !== 'function' && !areFields(requirement as Readonly<Record<string, unknown>>)) {
    throw new TypeError(
      `${what}('${type}') needs lists of actions, locations, datatypes or privileges, an identifier, or a function`,
    );
  }
  return { kind: 'details', type, requirement };
}

function areFields(requirement: Readonly<Record<string, unknown>>): boolean {
  const fields = Object.entries(requirement);
  return fields.length > 0 && fields.every(([name, value]) => isField(name, value));
}

function isField(name: string, value: unknown): boolean {
  if (name === 'identifier') return typeof value === 'string';
  return LISTS.has(name) && Array.isArray(value) && value.every((each) => typeof each === 'string');
}

/** @throws TypeError for anything else */
export function requireConstraint(what: string, constraint: SenderConstraint): SenderConstraint {
  if (SENDER_CONSTRAINTS.includes(constraint)) return constraint;
  throw new TypeError(`${what} needs 'certificate', 'dpop' or 'any'`);
}
