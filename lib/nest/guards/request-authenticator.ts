import type { OAuthError } from '../../challenge/oauth-error.js';
import type { PresentedCertificate } from '../../client-certificate/presented-certificate.js';
import { andThenWith, type MaybePromise } from '../../common/maybe-promise.js';
import type { Acceptance, Decision } from '../../decision.js';
import type { DecisionListener } from '../../events/decision-listener.js';
import { type HttpRequest, rawRequestOf } from '../../request/http-request.js';
import type { RefusedRequest, ResourceServer } from '../../resource-server.js';
import type { ProtectedRoute } from '../demands/route-policy.js';
import type { HttpExchange } from '../http/http-exchange.js';
import { type HttpResponse, refuse, setNonce } from '../http/refuse.js';

/** A request, and what is known of it. */
type DecidedExchange = Pick<HttpExchange, 'request' | 'record'>;

/**
 * Asks the resource server once about each request of one app: the guards, the strategy and the parameter decorators all
 * ask here, and get the same answer, binding included. A decision of another app in the same process is never taken over.
 */
export class RequestAuthenticator {
  constructor(private readonly server: ResourceServer) {}

  /** Decides about a request, once; at once where nothing has to be waited for. */
  decide({ request, record }: DecidedExchange): MaybePromise<Decision> {
    const { decided } = record;
    if (decided?.by === this) return decided.decision;
    const decision = andThenWith(this.server.decide(request), noted, this.server, request);
    record.decided = { by: this, decision, userGiven: false, passed: undefined, reported: false };
    return decision;
  }

  /** Whether anything has asked for a decision about this request. */
  hasDecided({ record }: DecidedExchange): boolean {
    return record.decided?.by === this;
  }

  /** Lets an authenticated request pass, and puts its user on it. @throws HttpException with the challenge set */
  require(exchange: HttpExchange, policy: ProtectedRoute): MaybePromise<Acceptance> {
    return andThenWith(this.decide(exchange), this.admit, exchange, policy);
  }

  private readonly admit = (
    decision: Decision,
    exchange: HttpExchange,
    policy: ProtectedRoute,
  ): Acceptance => {
    if (decision.outcome === 'refused') throw this.exceptionFor(decision, exchange.response, policy);
    giveUser(exchange, decision);
    this.offerNonce(decision, exchange.response);
    if (isFinal(policy)) this.admitted(decision, exchange);
    return decision;
  };

  /** Whether a guard has found that the request may pass this route. */
  hasPassed({ record: { decided } }: DecidedExchange, policy: ProtectedRoute): boolean {
    return decided?.by === this && decided.passed === policy;
  }

  /** Notes that the request may pass this route: token, binding and rules. */
  notePass({ record: { decided } }: DecidedExchange, policy: ProtectedRoute): void {
    if (decided !== undefined) decided.passed = policy;
  }

  /** Tells, once, that the request goes on to its handler. */
  admitted(acceptance: Acceptance, { request, record: { decided } }: DecidedExchange): void {
    if (decided === undefined || decided.reported) return;
    decided.reported = true;
    this.server.reportAcceptance(acceptance, routeOf, request);
  }

  /** The same for the strategy, which does not know whether guards of ours follow. */
  admittedByStrategy(acceptance: Acceptance, exchange: HttpExchange): void {
    const { policy } = exchange.record;
    if (policy === undefined) {
      const { response } = exchange;
      const raw = 'raw' in response ? response.raw : response;
      raw.once('close', () => this.admitted(acceptance, exchange));
    } else if (policy.kind === 'public' || isFinal(policy)) this.admitted(acceptance, exchange);
  }

  /** Hands out the nonce for the client's next proof, where it needs another one (RFC 9449 §8.2). */
  offerNonce({ nextNonce }: Acceptance, response: HttpResponse): void {
    if (nextNonce !== undefined) setNonce(response, nextNonce);
  }

  /** Refuses a request whose token is valid, but not enough for the route. */
  refuseRoute(
    { trace }: Acceptance,
    error: OAuthError,
    policy: ProtectedRoute,
    { request, response, record: { decided } }: HttpExchange,
  ): Error {
    if (decided !== undefined) decided.reported = true;
    this.server.reportRefusal({ error, trace }, routeOf(request));
    return this.exceptionFor({ error, trace }, response, policy);
  }

  /**
   * Sets the challenge on the response and makes the exception.
   * @param policy of the route; without it, every scheme that this API accepts is offered
   */
  exceptionFor(refused: RefusedRequest, response: HttpResponse, policy?: ProtectedRoute): Error {
    return refuse(refused.error, this.server.challengeFor(refused, policy), response);
  }

  /** The certificate that the client proved, if it is one that counts. */
  async certificateOf(request: HttpRequest): Promise<PresentedCertificate | undefined> {
    return this.server.countedCertificate(() => this.server.findCertificate(request));
  }

  /** Tells these of every decision from now on. */
  listenBy(listeners: readonly DecisionListener[]): void {
    this.server.listenBy(listeners);
  }

  /** Ends the connections to the authorization servers. */
  async close(): Promise<void> {
    await this.server.close();
  }
}

/** Reports what is decided as soon as it is. */
function noted(decision: Decision, server: ResourceServer, request: HttpRequest): Decision {
  if (decision.outcome === 'refused') server.reportRefusal(decision, routeOf(request));
  else server.reportUnbound(decision, routeOf, request);
  return decision;
}

/** Once: between our guards the app may have put an object of its own in the user's place. */
function giveUser({ request, record: { decided } }: HttpExchange, { user }: Acceptance): void {
  if (decided === undefined || decided.userGiven) return;
  request.user = user;
  decided.userGiven = true;
}

/** Whether a valid token is enough: where the route has rules, a guard follows that checks them. */
function isFinal({ rules, constraints }: ProtectedRoute): boolean {
  return rules.length === 0 && constraints.length === 0;
}

/** Method and path pattern: a path itself may hold what should not be in a log, and a query may hold a token. */
function routeOf(request: HttpRequest): string {
  const { route, routeOptions } = request as {
    readonly route?: { readonly path?: string };
    readonly routeOptions?: { readonly url?: string };
  };
  return `${rawRequestOf(request).method} ${route?.path ?? routeOptions?.url ?? 'unknown'}`;
}
