import { type CanActivate, type ExecutionContext, Inject, Injectable, Optional } from '@nestjs/common';
import { declareProtective, type ProtectedRoute } from '../demands/route-policy.js';
import { requireExchange } from './exchange-of.js';
import { andThen, type MaybePromise, orReject } from '../../common/maybe-promise.js';
import { authenticatorOf } from '../exchange/app-registry.js';
import type { Exchange } from '../exchange/exchange.js';
import { askedOf } from '../exchange/protect.js';
import { noteRoute } from './route-note.js';
import { AppAuthenticator } from '../exchange/app-authenticator.js';

/**
 * Lets a request pass whose token is valid and whose caller has proved every key that it is bound to: its certificate,
 * and its DPoP key where that is configured. It needs no other guard beside it: the token is verified here as well,
 * once for all guards.
 * @see RFC 8705 §3, RFC 9449 §7.1
 * @example
 * ```ts
 * import { Controller, Get, UseGuards } from '@nestjs/common';
 * import { CertificateBindingGuard } from 'nestjs-cert-bound-auth';
 *
 * // Where forRoot was given globalGuards: false, this guard protects a class or a route.
 * @Controller('payments')
 * @UseGuards(CertificateBindingGuard)
 * export class PaymentsController {
 *   @Get() list() {}
 * }
 * ```
 */
@Injectable()
export class CertificateBindingGuard implements CanActivate {
  /** @param authenticator of the app; without it, the app is found that a call comes to */
  constructor(@Optional() @Inject(AppAuthenticator) private readonly authenticator?: AppAuthenticator) {}

  canActivate(context: ExecutionContext): MaybePromise<boolean> {
    const { policy, exchange } = noteRoute(context);
    const asked = askedOf(policy);
    if (asked === undefined) return true;
    return orReject(() => andThen(this.require(exchange ?? requireExchange(context), asked), pass));
  }

  private require(exchange: Exchange, asked: ProtectedRoute): MaybePromise<unknown> {
    const authenticator = (this.authenticator ?? authenticatorOf(exchange)).of(asked);
    if (authenticator.admitsAnonymous(exchange, asked)) return true;
    return authenticator.require(exchange, asked);
  }
}

function pass(): true {
  return true;
}

declareProtective(CertificateBindingGuard, 'token');
