import type {
  AuthenticationRequirement,
  ClaimValue,
  DetailMatcher,
  DetailRequirement,
  SenderConstraint,
  TokenCheck,
} from '../../authorization/demands.js';
import {
  authenticationCheck,
  claimCheck,
  detailsCheck,
  requireConstraint,
  scopeRule,
} from '../../authorization/make-demands.js';
import type { ClaimPath } from '../../cert-bound-auth.options.js';
import type { VerifiedAccessToken } from '../../decision.js';
import type { ProtectedRoute } from '../demands/route-policy.js';
import { authenticatorOf } from '../exchange/app-registry.js';
import { protect } from '../exchange/protect.js';
import { originOf } from '../exchange/token-origin.js';

/** What code demands of a token: at least one member, and all that is given must be met. */
export interface DemandsInCode {
  /** As `@Scopes()`: all of them. */
  readonly scopes?: readonly string[];
  /** As `@AnyScope()`: at least one of them. */
  readonly anyScope?: readonly string[];
  /** As `@RequireClaim()`: each claim, with one of its values where any are given. */
  readonly claims?: readonly { readonly path: ClaimPath; readonly anyOf?: readonly ClaimValue[] }[];
  /** As `@AuthenticationContext()`. */
  readonly authentication?: AuthenticationRequirement;
  /** As `@AuthorizationDetails()`. */
  readonly authorizationDetails?: {
    readonly type: string;
    readonly requirement: DetailRequirement | DetailMatcher;
  };
  /** As `@SenderConstrained()`. */
  readonly senderConstrained?: SenderConstraint;
}

/**
 * Demands more of a token in code, where only a service knows what is needed: as the decorators do, with the same challenge,
 * log line and event. What has been proved counts, whatever the app has made of the token since.
 * @param token the one that `@AccessToken()` gave, or `request.user` without `validate`: no copy of it
 * @throws what a guard would throw, by a promise that rejects: in HTTP `AccessRefusedException`, with the challenge on the
 * response already
 * @throws TypeError by a promise that rejects, for another token, and for demands that are none
 * @example
 * ```ts
 * // payments.service.ts
 * import { Injectable } from '@nestjs/common';
 * import { authorize, type VerifiedAccessToken } from 'nestjs-cert-bound-auth';
 *
 * @Injectable()
 * export class PaymentsService {
 *   async pay(token: VerifiedAccessToken, amount: number): Promise<void> {
 *     if (amount > 1_000) await authorize(token, { authentication: { maxAge: 300 } });
 *   }
 * }
 * ```
 */
export async function authorize(token: VerifiedAccessToken, demands: DemandsInCode): Promise<void> {
  const arrival = originOf(token);
  if (arrival === undefined)
    throw new TypeError('authorize() needs the token that @AccessToken() gave, and no copy of it');
  const { exchange, policy } = arrival;
  await protect(authenticatorOf(exchange), exchange, routeOf(demands, policy));
}

/** @throws TypeError */
function routeOf(demands: DemandsInCode, policy: string | undefined): ProtectedRoute {
  const { scopes, anyScope, senderConstrained } = demands;
  const rules = [
    ...(scopes === undefined ? [] : [scopeRule('authorize()', 'all', scopes)]),
    ...(anyScope === undefined ? [] : [scopeRule('authorize()', 'any', anyScope)]),
  ];
  const constraints =
    senderConstrained === undefined ? [] : [requireConstraint('authorize()', senderConstrained)];
  const checks = checksOf(demands);
  if (rules.length + constraints.length + checks.length === 0)
    throw new TypeError('authorize() needs something to demand');
  return { kind: 'protected', policy, anonymous: false, rules, constraints, checks };
}

function checksOf({
  claims = [],
  authentication,
  authorizationDetails,
}: DemandsInCode): readonly TokenCheck[] {
  return [
    ...claims.map(({ path, anyOf = [] }) => claimCheck('authorize', path, anyOf)),
    ...(authentication === undefined ? [] : [authenticationCheck('authorize()', authentication)]),
    ...(authorizationDetails === undefined
      ? []
      : [detailsCheck('authorize', authorizationDetails.type, authorizationDetails.requirement)]),
  ];
}
