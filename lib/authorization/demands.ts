import type { ClaimPath, Psd2Role } from '../cert-bound-auth.options.js';
import type { IssuedBy } from '../client-certificate/policy/issued-by.js';
import type { MaybePromise } from '../common/maybe-promise.js';
import type { VerifiedAccessToken } from '../decision.js';

/** What a route asks of a token's scopes. */
export interface ScopeRule {
  readonly kind: 'all' | 'any';
  readonly scopes: readonly string[];
}

/** How a caller must have proved itself: by its certificate, by a DPoP proof, or by either. */
export type SenderConstraint = 'certificate' | 'dpop' | 'any';

/** What a route demands beside a valid token that is bound to its caller; all of it must be met. */
export interface Demands {
  readonly rules: readonly ScopeRule[];
  readonly constraints: readonly SenderConstraint[];
  /** What is demanded of other claims, and what the app asks for itself. */
  readonly checks: readonly TokenCheck[];
}

/** A valid token that is bound to its caller, and no more. */
export const NO_DEMANDS: Demands = { rules: [], constraints: [], checks: [] };

/** The scopes that rules name, each once. */
export function scopesOfRules(rules: readonly ScopeRule[]): readonly string[] {
  return [...new Set(rules.flatMap(({ scopes }) => scopes))];
}

/** The types of `authorization_details` that checks name, each once. */
export function detailTypesOf(checks: readonly TokenCheck[]): readonly string[] {
  return [...new Set(checks.flatMap((check) => (check.kind === 'details' ? [check.type] : [])))];
}

/** What a route demands of a token beside its scopes. */
export type TokenCheck = ClaimCheck | Psd2Check | IssuerCheck | AuthenticationCheck | DetailsCheck | OwnCheck;

/** What a claim may be asked to be. */
export type ClaimValue = string | number | boolean;

export interface ClaimCheck {
  readonly kind: 'claim';
  readonly path: ClaimPath;
  /** One of them is enough; none: whatever it is, it has to be there. */
  readonly anyOf: readonly ClaimValue[];
}

/** What the holder of the certificate must be: all of it. */
export interface Psd2Check {
  readonly kind: 'psd2';
  readonly roles: readonly Psd2Role[];
}

/** Which CA must stand above the certificate: one of them. */
export interface IssuerCheck {
  readonly kind: 'issuer';
  /** For the log. */
  readonly issuers: readonly string[];
  readonly isMet: IssuedBy;
}

/** How the user must have authenticated (RFC 9470). */
export interface AuthenticationRequirement {
  /** `acr` values, in the order of preference: one of them is enough. @default any */
  readonly acrValues?: readonly string[];
  /** How long ago that may be at most, in seconds, at least 10. @default any time */
  readonly maxAge?: number;
}

export interface AuthenticationCheck {
  readonly kind: 'authentication';
  readonly acrValues: readonly string[];
  readonly maxAge: number | undefined;
}

/** What of an entry of `authorization_details` must be granted, by the common fields of RFC 9396 §2.2. */
export interface DetailRequirement {
  readonly actions?: readonly string[];
  readonly locations?: readonly string[];
  readonly datatypes?: readonly string[];
  readonly privileges?: readonly string[];
  readonly identifier?: string;
}

/** An entry of `authorization_details` (RFC 9396 §2). */
export interface AuthorizationDetail {
  readonly type: string;
  readonly [field: string]: unknown;
}

/** A call that something is demanded of. */
export interface DemandedCall {
  /** The request; for a message, what stands for one. */
  readonly request: object;
  /** Parameters of the route; arguments of a field of GraphQL; the content of a message; `undefined` where there are none. */
  readonly params: unknown;
}

/** What demands something, for the log. */
export type Place = 'route' | 'policy';

/** A call, and where something is demanded of it. */
export interface Demanding extends DemandedCall {
  readonly place: Place;
}

/** Says whether an entry of `authorization_details` covers a call. */
export type DetailMatcher = (detail: AuthorizationDetail, call: DemandedCall) => boolean | Promise<boolean>;

export interface DetailsCheck {
  readonly kind: 'details';
  readonly type: string;
  readonly requirement: DetailRequirement | DetailMatcher;
}

/**
 * Says whether a token is enough for a call. What it throws refuses too, with the status that the exception has, where that is
 * an `HttpException`.
 */
export type DemandCheck = (token: VerifiedAccessToken, call: DemandedCall) => boolean | Promise<boolean>;

/** What a client is told that does not meet a demand of the app's own, where other credentials would. */
export interface DemandRemedy extends AuthenticationRequirement {
  /** Scopes that would be enough. */
  readonly scope?: readonly string[];
}

export interface OwnCheck {
  readonly kind: 'own';
  readonly check: DemandCheck;
  readonly remedy: DemandRemedy | undefined;
}

/** What is found of a demand: `true` where it is met. */
export type Met = MaybePromise<boolean>;

/** Every way in which a caller may have to prove itself. */
export const SENDER_CONSTRAINTS: readonly SenderConstraint[] = ['certificate', 'dpop', 'any'];

/** scope-token = 1*( %x21 / %x23-5B / %x5D-7E ) (RFC 6749 §3.3) */
const SCOPE = /^[\x21\x23-\x5b\x5d-\x7e]+$/;

/** Whether a value can be the name of one scope. */
export function isScope(value: unknown): value is string {
  return typeof value === 'string' && SCOPE.test(value);
}
