import { type CanActivate, type ExecutionContext, Inject, Injectable } from '@nestjs/common';
import type { Acceptance, ProvenToken } from '../authenticate-request.js';
import { insufficientScope, invalidToken, type OAuthError } from '../challenge/oauth-error.js';
import { type HttpExchange, httpExchangeOf } from '../http-exchange.js';
import { andThen, type MaybePromise, orReject } from '../maybe-promise.js';
import { noteRoutePolicy } from '../route-note.js';
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

  canActivate(context: ExecutionContext): MaybePromise<boolean> {
    const policy = routePolicy(context.getClass(), context.getHandler() as () => unknown);
    noteRoutePolicy(context, policy);
    if (policy.kind === 'public') return true;
    return orReject(() => {
      const exchange = httpExchangeOf(context);
      if (this.authenticator.hasPassed(exchange.request, policy)) return true;
      const accepted = this.authenticator.require(exchange.request, exchange.response, policy);
      return andThen(accepted, (acceptance) => this.authorize(acceptance, policy, exchange));
    });
  }

  private authorize(acceptance: Acceptance, policy: ProtectedRoute, exchange: HttpExchange): true {
    const error = routeRefusal(acceptance.proved, policy);
    if (error !== undefined) throw this.authenticator.refuseRoute(acceptance, error, policy, exchange);
    this.authenticator.admitted(acceptance, exchange.request);
    this.authenticator.notePass(exchange.request, policy);
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
