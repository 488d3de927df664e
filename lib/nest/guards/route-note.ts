import type { ExecutionContext } from '@nestjs/common';
import { type RoutePolicy, routePolicy } from '../demands/route-policy.js';
import { exchangeOf, type HttpExchange } from '../http/http-exchange.js';

/** Where a request has come to. */
export interface NotedRoute {
  readonly policy: RoutePolicy;
  /** `undefined` where it is none of HTTP. */
  readonly exchange: HttpExchange | undefined;
}

/** Notes the policy of the route of this context: anew for each route that a request comes to. */
export function noteRoute(context: ExecutionContext): NotedRoute {
  const policy = routePolicy(context.getClass(), context.getHandler() as () => unknown);
  const exchange = exchangeOf(context);
  if (exchange !== undefined) exchange.record.policy = policy;
  return { policy, exchange };
}
