import { type CanActivate, type ExecutionContext, Inject, Injectable } from '@nestjs/common';
import type { Acceptance, ProvenToken } from '../../authenticate-request.js';
import { insufficientScope, invalidToken, type OAuthError } from '../../challenge/oauth-error.js';
import { type HttpExchange, refuseContext } from '../http/http-exchange.js';
import { isPromise, type MaybePromise, orReject } from '../../common/maybe-promise.js';
import { noteRoute } from './route-note.js';
import { RequestAuthenticator } from './request-authenticator.js';
import { unmetScopes } from '../../authorization/check-scopes.js';
import { unmetConstraint } from '../../authorization/check-sender-constraint.js';
import { declareProtective, type ProtectedRoute } from '../demands/route-policy.js';

/**
 * Lets a request pass whose token is valid, bound to its caller, and has the scopes that the route needs; the caller
 * must have proved itself as the route demands.
 */
@Injectable()
export class ScopesGuard implements CanActivate {
  constructor(@Inject(RequestAuthenticator) private readonly authenticator: RequestAuthenticator) {}

  canActivate(context: ExecutionContext): MaybePromise<boolean> {
    const { policy, exchange } = noteRoute(context);
    if (policy.kind === 'public') return true;
    return orReject(() => this.protect(exchange ?? refuseContext(context), policy));
  }

  private protect(exchange: HttpExchange, policy: ProtectedRoute): MaybePromise<true> {
    // Stryker disable next-line ConditionalExpression: to check the rules again finds the same, it only costs
    if (this.authenticator.hasPassed(exchange, policy)) return true;
    const accepted = this.authenticator.require(exchange, policy);
    return isPromise(accepted)
      ? this.authorizeLater(accepted, policy, exchange)
      : this.authorize(accepted, policy, exchange);
  }

  private async authorizeLater(
    accepted: Promise<Acceptance>,
    policy: ProtectedRoute,
    exchange: HttpExchange,
  ): Promise<true> {
    return this.authorize(await accepted, policy, exchange);
  }

  private authorize(acceptance: Acceptance, policy: ProtectedRoute, exchange: HttpExchange): true {
    const error = routeRefusal(acceptance.proved, policy);
    if (error !== undefined) throw this.authenticator.refuseRoute(acceptance, error, policy, exchange);
    this.authenticator.admitted(acceptance, exchange);
    this.authenticator.notePass(exchange, policy);
    return true;
  }
}

/** Why a valid token is not enough for a route; `undefined` when it is. */
function routeRefusal(
  { boundBy, scopes }: ProvenToken,
  { constraints, rules }: ProtectedRoute,
): OAuthError | undefined {
  const unmet = unmetConstraint(boundBy, constraints);
  if (unmet !== undefined) {
    // Whoever has proved both meets every constraint.
    const detail = `the route demands ${unmet}, the caller proved ${boundBy[0] ?? 'nothing'}`;
    return invalidToken('binding_insufficient', { detail });
  }
  const needed = unmetScopes(scopes, rules);
  return needed === undefined ? undefined : insufficientScope(needed);
}

declareProtective(ScopesGuard);
