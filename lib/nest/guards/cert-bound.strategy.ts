import { Injectable, type Type } from '@nestjs/common';
import { AuthGuard, PassportStrategy } from '@nestjs/passport';
import { Strategy } from 'passport-http-bearer';
import { authenticatorOf, responseOf } from './app-registry.js';
import { declareProtective } from '../demands/route-policy.js';
import { recordOf } from '../http/request-record.js';
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
    const authenticator = authenticatorOf(request);
    const exchange = { request, record: recordOf(request), response: responseOf(request) };
    const decision = await authenticator.decide(exchange);
    const { response } = exchange;
    if (decision.outcome === 'accepted') {
      authenticator.offerNonce(decision, response);
      authenticator.admittedByStrategy(decision, exchange);
      return this.success(decision.user as object);
    }
    const exception = authenticator.exceptionFor(decision, response);
    return decision.error.reason === 'credentials_missing' ? this.fail(401) : this.error(exception);
  }
}

declareProtective(AuthGuard(CERT_BOUND_STRATEGY) as Type, 'token');
