import { type CanActivate, type ExecutionContext, Inject, Injectable, Optional } from '@nestjs/common';
import { type MaybePromise, orReject } from '../../common/maybe-promise.js';
import { declareProtective, type ProtectedRoute } from '../demands/route-policy.js';
import { requireExchange } from './exchange-of.js';
import { authenticatorOf } from '../exchange/app-registry.js';
import type { Exchange } from '../exchange/exchange.js';
import { askedOf, protect } from '../exchange/protect.js';
import { AppAuthenticator } from '../exchange/app-authenticator.js';
import { noteRoute } from './route-note.js';

/**
 * Lets a request pass whose token is valid, bound to its caller, and has the scopes that the route needs; the caller
 * must have proved itself as the route demands.
 */
@Injectable()
export class ScopesGuard implements CanActivate {
  /** @param authenticator of the app; without it, the app is found that a call comes to */
  constructor(@Optional() @Inject(AppAuthenticator) private readonly authenticator?: AppAuthenticator) {}

  canActivate(context: ExecutionContext): MaybePromise<boolean> {
    const { policy, exchange } = noteRoute(context);
    const asked = askedOf(policy);
    if (asked === undefined) return true;
    return orReject(() => this.protect(exchange ?? requireExchange(context), asked));
  }

  private protect(exchange: Exchange, asked: ProtectedRoute): MaybePromise<true> {
    return protect(this.authenticator ?? authenticatorOf(exchange), exchange, asked);
  }
}

declareProtective(ScopesGuard, 'demands');
