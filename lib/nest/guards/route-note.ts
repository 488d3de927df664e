import type { ExecutionContext } from '@nestjs/common';
import { type RoutePolicy, routePolicy } from '../demands/route-policy.js';
import type { Exchange } from '../exchange/exchange.js';
import { exchangeOf } from './exchange-of.js';

/** Where a request has come to. */
export interface NotedRoute {
  readonly policy: RoutePolicy;
  /** `undefined` where this module knows none, and for a message that need not be looked at. */
  readonly exchange: Exchange | undefined;
}

/** Notes the policy of the route of this context: anew for each route that a request comes to. */
export function noteRoute(context: ExecutionContext): NotedRoute {
  const policy = routePolicy(context.getClass(), context.getHandler() as () => unknown);
  // What finds the credentials of a message is the app's own: it is not asked where they do not matter.
  if (policy.kind === 'public' && context.getType() === 'rpc') return { policy, exchange: undefined };
  const exchange = exchangeOf(context);
  // The fields of an operation are resolved side by side: a request has no one route there.
  if (exchange !== undefined && context.getType<string>() !== 'graphql') exchange.record.policy = policy;
  return { policy, exchange };
}
