import { type CanActivate, type ExecutionContext, Inject, Injectable } from '@nestjs/common';
import { declareProtective, routePolicy } from '../authorization/route-policy.js';
import { httpExchangeOf } from '../http-exchange.js';
import { notePublicRoute } from '../public-route.js';
import { RequestAuthenticator } from '../request-authenticator.js';

/**
 * Lets a request pass whose token is valid and whose caller has proved every key that it is bound to: its certificate,
 * and its DPoP key where that is configured. It needs no other guard beside it: the token is verified here as well,
 * once for all guards.
 * @see RFC 8705 §3, RFC 9449 §7.1
 */
@Injectable()
export class CertificateBindingGuard implements CanActivate {
  constructor(@Inject(RequestAuthenticator) private readonly authenticator: RequestAuthenticator) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const policy = routePolicy(context.getClass(), context.getHandler() as () => unknown);
    notePublicRoute(context, policy);
    if (policy.kind === 'public') return true;
    const { request, response } = httpExchangeOf(context);
    await this.authenticator.require(request, response, policy);
    return true;
  }
}

declareProtective(CertificateBindingGuard);
