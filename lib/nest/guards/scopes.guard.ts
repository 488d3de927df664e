import { type CanActivate, type ExecutionContext, Inject, Injectable } from '@nestjs/common';
import { type MaybePromise, orReject } from '../../common/maybe-promise.js';
import { declareProtective } from '../demands/route-policy.js';
import { refuseContext } from '../http/http-exchange.js';
import { askedOf, protect } from './protect.js';
import { RequestAuthenticator } from './request-authenticator.js';
import { noteRoute } from './route-note.js';

/**
 * Lets a request pass whose token is valid, bound to its caller, and has the scopes that the route needs; the caller
 * must have proved itself as the route demands.
 */
@Injectable()
export class ScopesGuard implements CanActivate {
  constructor(@Inject(RequestAuthenticator) private readonly authenticator: RequestAuthenticator) {}

  canActivate(context: ExecutionContext): MaybePromise<boolean> {
    const { policy, exchange } = noteRoute(context);
    const asked = askedOf(policy);
    if (asked === undefined) return true;
    return orReject(() => protect(this.authenticator, exchange ?? refuseContext(context), asked));
  }
}

declareProtective(ScopesGuard, 'demands');
