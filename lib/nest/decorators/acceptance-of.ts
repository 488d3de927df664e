import type { ExecutionContext } from '@nestjs/common';
import type { Acceptance } from '../../decision.js';
import { routePolicy } from '../demands/route-policy.js';
import { authenticatorOf } from '../exchange/app-registry.js';
import { requireExchange } from '../guards/exchange-of.js';

/**
 * What was accepted of the call that a handler is given its parameters for; `undefined` on a public route, without credentials
 * where those are not needed, and where another strategy let the request in. On a route that nothing protects, a token is
 * demanded as by a guard.
 */
export async function acceptanceOf(context: ExecutionContext): Promise<Acceptance | undefined> {
  const policy = routePolicy(context.getClass(), context.getHandler() as () => unknown);
  if (policy.kind === 'public' && policy.by === 'method') return undefined;
  const exchange = requireExchange(context);
  const authenticator = authenticatorOf(exchange).of(policy);
  if (!authenticator.hasDecided(exchange.record)) {
    if (policy.kind === 'public') return undefined;
    if (authenticator.admitsAnonymous(exchange, policy)) return undefined;
    return authenticator.require(exchange, policy);
  }
  const decision = await authenticator.decide(exchange);
  // Stryker disable next-line ConditionalExpression: what is refused has no token, only its type wants to be asked
  return decision.outcome === 'accepted' ? decision : undefined;
}
