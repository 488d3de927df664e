import { unmetAtOnce, unmetDemand } from '../../authorization/authorize.js';
import { NO_DEMANDS } from '../../authorization/demands.js';
import { andThen, isPromise, type MaybePromise } from '../../common/maybe-promise.js';
import type { OAuthError } from '../../challenge/oauth-error.js';
import type { Acceptance } from '../../decision.js';
import type { ProtectedRoute, RoutePolicy } from '../demands/route-policy.js';
import type { Exchange } from './exchange.js';
import type { AppAuthenticator } from './app-authenticator.js';
import type { RequestAuthenticator } from './request-authenticator.js';

/** What is demanded where no decorator can stand: a valid token, bound to its caller. */
export const TOKEN_ALONE: ProtectedRoute = {
  kind: 'protected',
  policy: undefined,
  anonymous: false,
  ...NO_DEMANDS,
};

/** Lets a request pass that meets all that a route demands. @throws HttpException with the challenge set */
export function protect(
  app: AppAuthenticator,
  exchange: Exchange,
  route: ProtectedRoute,
): MaybePromise<true> {
  const authenticator = app.of(route);
  if (authenticator.admitsAnonymous(exchange, route)) return true;
  // Stryker disable next-line ConditionalExpression: to check the rules again finds the same, it only costs
  if (authenticator.hasPassed(exchange, route)) return true;
  const acceptance = authenticator.require(exchange, route);
  return isPromise(acceptance)
    ? acceptance.then((there) => authorize(there, authenticator, exchange, route))
    : authorize(acceptance, authenticator, exchange, route);
}

function authorize(
  acceptance: Acceptance,
  authenticator: RequestAuthenticator,
  exchange: Exchange,
  route: ProtectedRoute,
): MaybePromise<true> {
  const pass = (unmet: OAuthError | undefined): true => {
    if (unmet !== undefined) throw authenticator.refuseRoute(acceptance, unmet, route, exchange);
    authenticator.admitted(acceptance, exchange);
    authenticator.notePass(exchange, route);
    return true;
  };
  return andThen(unmetByCall(acceptance, route, exchange), pass);
}

/** Which demand of a route a call does not meet; `undefined` when it meets all. */
export function unmetByCall(
  { proved }: Acceptance,
  route: ProtectedRoute,
  exchange: Exchange,
): MaybePromise<OAuthError | undefined> {
  // Most routes need to know nothing of the call.
  if (route.checks.length === 0) return unmetAtOnce(proved, route, 'route');
  const { request, params } = exchange;
  return unmetDemand(proved, route, { place: 'route', request, params });
}

/**
 * What a guard asks for that the app calls itself, by a decorator or from a guard of its own; `undefined` where nothing:
 * only `@Public()` on the very method opens a route to it. The class alone says so to the global guard.
 */
export function askedOf(policy: RoutePolicy): ProtectedRoute | undefined {
  if (policy.kind === 'protected') return policy;
  return policy.by === 'class' ? policy.asked : undefined;
}
