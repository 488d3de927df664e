import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { VerifiedAccessToken } from '../../decision.js';
import { authenticatorOf } from '../exchange/app-registry.js';
import { requireExchange } from '../guards/exchange-of.js';
import { routePolicy } from '../demands/route-policy.js';

/**
 * The verified access token of the request, in a handler's parameter; `undefined` on a public route, and where
 * another strategy let the request in. On a route that nothing protects, it demands a token like a guard.
 * @example
 * ```ts
 * import { Controller, Get } from '@nestjs/common';
 * import { AccessToken, type VerifiedAccessToken } from 'nestjs-cert-bound-auth';
 *
 * @Controller('accounts')
 * export class AccountsController {
 *   @Get() list(@AccessToken() token: VerifiedAccessToken) {
 *     return { accountsOf: token.subject, through: token.clientId };
 *   }
 * }
 * ```
 */
export const AccessToken = createParamDecorator(
  async (_data: unknown, context: ExecutionContext): Promise<VerifiedAccessToken | undefined> => {
    const policy = routePolicy(context.getClass(), context.getHandler() as () => unknown);
    if (policy.kind === 'public' && policy.by === 'method') return undefined;
    const exchange = requireExchange(context);
    const authenticator = authenticatorOf(exchange);
    if (!authenticator.hasDecided(exchange)) {
      if (policy.kind === 'public') return undefined;
      return (await authenticator.require(exchange, policy)).token;
    }
    const decision = await authenticator.decide(exchange);
    // Stryker disable next-line ConditionalExpression: what is refused has no token, only its type wants to be asked
    return decision.outcome === 'accepted' ? decision.token : undefined;
  },
);
