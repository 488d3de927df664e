import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { type RoutePolicy, routePolicy } from './authorization/route-policy.js';
import { type HttpRequest, rawRequestOf } from './request/http-request.js';

/** Keeps the policy of the route on the raw request: Passport does not tell a strategy which route it runs for. */
const ROUTE_POLICY = Symbol('route policy');

interface NotedRequest {
  [ROUTE_POLICY]?: RoutePolicy;
}

/** Notes the policy of the route of this context: anew for each route that a request comes to. */
export function noteRoutePolicy(context: ExecutionContext, policy: RoutePolicy): void {
  if (context.getType<string>() !== 'http') return;
  const raw = rawRequestOf(context.switchToHttp().getRequest<HttpRequest>()) as NotedRequest;
  raw[ROUTE_POLICY] = policy;
}

/** The policy that a guard has noted; `undefined` where none ran before. */
export function notedPolicy(request: HttpRequest): RoutePolicy | undefined {
  return (rawRequestOf(request) as NotedRequest)[ROUTE_POLICY];
}

/**
 * Stands in for the global guards with `globalGuards: false`. It refuses nothing: it only notes the route's policy, so
 * that `@Public()` on a method works under `AuthGuard('cert-bound')` on its class.
 */
@Injectable()
export class RouteNote implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    noteRoutePolicy(context, routePolicy(context.getClass(), context.getHandler() as () => unknown));
    return true;
  }
}
