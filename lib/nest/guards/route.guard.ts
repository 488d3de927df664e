import { type CanActivate, type ExecutionContext, Inject, Injectable } from '@nestjs/common';
import { type MaybePromise, orReject } from '../../common/maybe-promise.js';
import { refuseContext } from './exchange-of.js';
import { protect } from '../exchange/protect.js';
import { AppAuthenticator } from '../exchange/app-authenticator.js';
import { noteRoute } from './route-note.js';

/** The global guard: it protects every route that is not public, by its method or by its class. */
@Injectable()
export class RouteGuard implements CanActivate {
  constructor(@Inject(AppAuthenticator) private readonly authenticator: AppAuthenticator) {}

  canActivate(context: ExecutionContext): MaybePromise<boolean> {
    const { policy, exchange } = noteRoute(context);
    if (policy.kind === 'public') return true;
    try {
      return protect(this.authenticator, exchange ?? refuseContext(context), policy);
    } catch (error) {
      // Here and not by `orReject`: a function made for each request would cost it.
      return Promise.reject(error);
    }
  }
}

/**
 * Stands in for the global guard with `globalGuards: false`. It notes the route's policy, so that `@Public()` on a method
 * works under `AuthGuard('cert-bound')` on its class; and it protects a route whose demands Nest would not see: another
 * function stands in the method's place, and the guard of its decorators is not on that.
 */
@Injectable()
export class DemandGuard implements CanActivate {
  constructor(@Inject(AppAuthenticator) private readonly authenticator: AppAuthenticator) {}

  canActivate(context: ExecutionContext): MaybePromise<boolean> {
    const { policy, exchange } = noteRoute(context);
    if (policy.kind === 'public' || policy.guarded || !policy.demanded) return true;
    return orReject(() => protect(this.authenticator, exchange ?? refuseContext(context), policy));
  }
}
