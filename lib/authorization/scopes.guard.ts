import { type CanActivate, type ExecutionContext, Inject, Injectable } from '@nestjs/common';
import { httpExchangeOf } from '../http-exchange.js';
import { RequestAuthenticator } from '../request-authenticator.js';
import { unmetScopes } from './check-scopes.js';
import { unmetConstraint } from './check-sender-constraint.js';
import { declareProtective, routePolicy } from './route-policy.js';

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
    const { request, response } = httpExchangeOf(context);
    const accepted = await this.authenticator.require(request, response, policy);
    const unmet = unmetConstraint(accepted.token.boundBy, policy.constraints);
    if (unmet !== undefined) {
      throw this.authenticator.refuseBinding(accepted, unmet, policy, request, response);
    }
    const needed = unmetScopes(accepted.token.scopes, policy.rules);
    if (needed === undefined) return true;
    throw this.authenticator.refuseScope(accepted, needed, request, response);
  }
}

declareProtective(ScopesGuard);
