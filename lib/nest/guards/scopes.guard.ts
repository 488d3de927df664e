import { type CanActivate, type ExecutionContext, Inject, Injectable } from '@nestjs/common';
import type { Acceptance } from '../../decision.js';
import { type HttpExchange, refuseContext } from '../http/http-exchange.js';
import { andThenWith, type MaybePromise, orReject } from '../../common/maybe-promise.js';
import { noteRoute } from './route-note.js';
import { RequestAuthenticator } from './request-authenticator.js';
import { unmetDemand } from '../../authorization/authorize.js';
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
    return andThenWith(this.authenticator.require(exchange, policy), this.authorize, policy, exchange);
  }

  private readonly authorize = (
    acceptance: Acceptance,
    policy: ProtectedRoute,
    exchange: HttpExchange,
  ): true => {
    const error = unmetDemand(acceptance.proved, policy, 'route');
    if (error !== undefined) throw this.authenticator.refuseRoute(acceptance, error, policy, exchange);
    this.authenticator.admitted(acceptance, exchange);
    this.authenticator.notePass(exchange, policy);
    return true;
  };
}

declareProtective(ScopesGuard);
