import { type CanActivate, type ExecutionContext, Inject, Injectable } from '@nestjs/common';
import type { VerifiedAccessToken } from '../access-token/verified-access-token.js';
import { insufficientScope, invalidToken, type OAuthError } from '../challenge/oauth-error.js';
import { httpExchangeOf } from '../http-exchange.js';
import { RequestAuthenticator } from '../request-authenticator.js';
import { unmetScopes } from './check-scopes.js';
import { unmetConstraint } from './check-sender-constraint.js';
import { declareProtective, type ProtectedRoute, routePolicy } from './route-policy.js';

/**
 * Lets a request pass whose token is valid, bound to its caller, and has the scopes that the route needs; the caller
 * must have proved itself as the route demands.
 */
@Injectable()
export class ScopesGuard implements CanActivate {
  constructor(@Inject(RequestAuthenticator) private readonly authenticator: RequestAuthenticator) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const policy = routePolicy(context.getClass(), context.getHandler() as () => unknown);
    if (policy.kind === 'public') return true;
    const exchange = httpExchangeOf(context);
    const accepted = await this.authenticator.require(exchange.request, exchange.response, policy);
    const error = routeRefusal(accepted.token, policy);
    if (error === undefined) return true;
    throw this.authenticator.refuseRoute(accepted, error, policy, exchange);
  }
}

/** Why a valid token is not enough for a route; `undefined` when it is. */
function routeRefusal(
  { boundBy, scopes }: VerifiedAccessToken,
  { constraints, rules }: ProtectedRoute,
): OAuthError | undefined {
  const unmet = unmetConstraint(boundBy, constraints);
  if (unmet !== undefined) {
    const detail = `the route demands ${unmet}, the caller proved ${boundBy.join(' and ') || 'nothing'}`;
    return invalidToken('binding_insufficient', { detail });
  }
  const needed = unmetScopes(scopes, rules);
  return needed === undefined ? undefined : insufficientScope(needed);
}

declareProtective(ScopesGuard);
