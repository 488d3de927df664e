import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { type RoutePolicy, routePolicy } from './authorization/route-policy.js';
import { type HttpRequest, rawRequestOf } from './request/http-request.js';

/** Marks the raw request of a public route: Passport does not tell a strategy which route it runs for. */
const PUBLIC_ROUTE = Symbol('public route');

interface NotedRequest {
  [PUBLIC_ROUTE]?: boolean;
}

/** Notes whether the route of this context is public: anew for each route that a request comes to. */
export function notePublicRoute(context: ExecutionContext, policy: RoutePolicy): void {
  if (context.getType<string>() !== 'http') return;
  const raw = rawRequestOf(context.switchToHttp().getRequest<HttpRequest>()) as NotedRequest;
  raw[PUBLIC_ROUTE] = policy.kind === 'public' && policy.forStrategy;
}

/** Whether a guard has noted that the route of this request is public. */
export function isPublicRoute(request: HttpRequest): boolean {
  return (rawRequestOf(request) as NotedRequest)[PUBLIC_ROUTE] === true;
}

/**
 * Stands in for the global guards with `globalGuards: false`. It refuses nothing: it only notes public routes, so
 * that `@Public()` on a method works under `AuthGuard('cert-bound')` on its class.
 */
@Injectable()
export class PublicRouteNote implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    notePublicRoute(context, routePolicy(context.getClass(), context.getHandler() as () => unknown));
    return true;
  }
}
