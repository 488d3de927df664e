import { Injectable, type Type } from '@nestjs/common';
import { AuthGuard, PassportStrategy } from '@nestjs/passport';
import { Strategy } from 'passport-http-bearer';
import { authenticatorOf } from '../exchange/app-registry.js';
import { isFinal, type RequestAuthenticator } from '../exchange/request-authenticator.js';
import type { Acceptance } from '../../decision.js';
import { HttpExchange } from '../http/http-exchange.js';
import { responseOf } from '../http/reply-of.js';
import { declareProtective } from '../demands/route-policy.js';
import { recordOf } from '../exchange/request-record.js';
import type { HttpRequest } from '../../request/http-request.js';

/** The name for `AuthGuard`. */
export const CERT_BOUND_STRATEGY = 'cert-bound';

/**
 * The Passport strategy `cert-bound`: `AuthGuard('cert-bound')` alone checks token and binding. It holds nothing
 * of an app, for Passport's registry is global: it asks the app that the request came to.
 */
@Injectable()
export class CertBoundStrategy extends PassportStrategy(Strategy, CERT_BOUND_STRATEGY) {
  constructor() {
    super({ passReqToCallback: true });
  }

  /** Replaces that of passport-http-bearer, which takes tokens from query and body too. */
  override authenticate(request: HttpRequest): void {
    const { policy } = recordOf(request);
    // A class that is public says nothing to a strategy that the app has called: only the very method does.
    if (policy?.kind === 'public' && policy.by === 'method') this.pass();
    else this.decide(request).catch((error: unknown) => this.error(error));
  }

  /** Never called: `authenticate` is replaced. */
  validate(): never {
    throw new Error('unreachable');
  }

  /**
   * `fail()` lets `AuthGuard(['cert-bound', 'other'])` go on to the other strategy: only when no credentials came
   * at all. Bad ones are an error, or a weaker strategy could accept them.
   */
  private async decide(request: HttpRequest): Promise<void> {
    const exchange = new HttpExchange(request, responseOf(request));
    const authenticator = authenticatorOf(exchange).atRouteOf(request);
    const { policy } = exchange.record;
    if (policy?.kind === 'protected' && authenticator.admitsAnonymous(exchange, policy)) return this.pass();
    const decision = await authenticator.decide(exchange);
    if (decision.outcome === 'accepted') {
      authenticator.offerNonce(decision, exchange);
      authenticator.endInTime(decision, exchange);
      admitted(decision, exchange, authenticator);
      return this.success(decision.user as object);
    }
    const exception = authenticator.exceptionFor(decision, exchange);
    return decision.error.reason === 'credentials_missing' ? this.fail(401) : this.error(exception);
  }
}

/** Tells that the request goes on. The strategy does not know whether guards of ours follow: then these tell it. */
function admitted(acceptance: Acceptance, exchange: HttpExchange, authenticator: RequestAuthenticator): void {
  const { policy } = exchange.record;
  if (policy === undefined) exchange.whenOver(() => authenticator.admitted(acceptance, exchange));
  else if (policy.kind === 'public' || isFinal(policy)) authenticator.admitted(acceptance, exchange);
}

declareProtective(AuthGuard(CERT_BOUND_STRATEGY) as Type, 'token');
