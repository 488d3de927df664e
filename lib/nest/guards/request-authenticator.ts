import {
  type Acceptance,
  authenticateRequest,
  type AuthenticationRules,
  type Decision,
  type RefusalDecision,
} from '../../authenticate-request.js';
import { closeAuthenticationRules } from '../../authentication-rules.js';
import { schemesFor } from '../../authorization/check-sender-constraint.js';
import type { ProtectedRoute } from '../demands/route-policy.js';
import { type HttpResponse, refuse, setNonce } from '../http/refuse.js';
import type { HttpExchange } from '../http/http-exchange.js';
import { OAuthError } from '../../challenge/oauth-error.js';
import { checkCertificateCounts } from '../../confirmation/check-confirmation.js';
import { UnboundReport } from '../../events/unbound-report.js';
import { DecisionReporter } from '../../events/decision-reporter.js';
import { isPromise, type MaybePromise } from '../../common/maybe-promise.js';
import { type HttpRequest, rawRequestOf } from '../../request/http-request.js';
import { chainTrust } from '../../client-certificate/certificate-settings.js';
import {
  type PresentedCertificate,
  presentedCertificate,
} from '../../client-certificate/presented-certificate.js';

/** A request, and what is known of it. */
type DecidedExchange = Pick<HttpExchange, 'request' | 'record'>;

/**
 * One app's decisions: the guards, the strategy and the parameter decorators all ask here, and get the same
 * answer, binding included. A decision of another app in the same process is never taken over.
 */
export class RequestAuthenticator {
  readonly reporter = new DecisionReporter();
  private readonly unbound: UnboundReport | undefined;

  constructor(private readonly rules: AuthenticationRules) {
    const { reportUnbound } = rules.options;
    this.unbound = reportUnbound === undefined ? undefined : new UnboundReport(reportUnbound);
  }

  /** Decides about a request, once; at once where nothing has to be waited for. */
  decide({ request, record }: DecidedExchange): MaybePromise<Decision> {
    const { decided } = record;
    if (decided?.by === this) return decided.decision;
    const found = authenticateRequest(request, this.rules);
    const decision = isPromise(found) ? this.notedLater(found, request) : this.noted(found, request);
    record.decided = { by: this, decision, userGiven: false, passed: undefined, reported: false };
    return decision;
  }

  /** Whether anything has asked for a decision about this request. */
  hasDecided({ record }: DecidedExchange): boolean {
    return record.decided?.by === this;
  }

  /** Lets an authenticated request pass, and puts its user on it. @throws HttpException with the challenge set */
  require(exchange: HttpExchange, policy: ProtectedRoute): MaybePromise<Acceptance> {
    const decision = this.decide(exchange);
    return isPromise(decision)
      ? this.admitLater(decision, exchange, policy)
      : this.admit(decision, exchange, policy);
  }

  private admit(decision: Decision, exchange: HttpExchange, policy: ProtectedRoute): Acceptance {
    if (decision.outcome === 'refused') throw this.exceptionFor(decision, exchange.response, policy);
    this.giveUser(exchange, decision);
    this.offerNonce(decision, exchange.response);
    if (isFinal(policy)) this.admitted(decision, exchange);
    return decision;
  }

  private async admitLater(
    decision: Promise<Decision>,
    exchange: HttpExchange,
    policy: ProtectedRoute,
  ): Promise<Acceptance> {
    return this.admit(await decision, exchange, policy);
  }

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
    if (this.reporter.isHeard()) this.reporter.accepted(acceptance, routeOf(request));
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

  /** Once: between our guards the app may have put an object of its own in the user's place. */
  private giveUser({ request, record: { decided } }: HttpExchange, { user }: Acceptance): void {
    if (decided === undefined || decided.userGiven) return;
    request.user = user;
    decided.userGiven = true;
  }

  /** Refuses a request whose token is valid, but not enough for the route. */
  refuseRoute(
    { trace }: Acceptance,
    error: OAuthError,
    policy: ProtectedRoute,
    { request, response, record: { decided } }: HttpExchange,
  ): Error {
    if (decided !== undefined) decided.reported = true;
    this.reporter.refused(error, trace, routeOf(request));
    return this.exceptionFor({ error, trace }, response, policy);
  }

  /**
   * Sets the challenge on the response and makes the exception.
   * @param policy of the route; without it, every scheme that this API accepts is offered
   */
  exceptionFor(
    { error, trace }: Pick<RefusalDecision, 'error' | 'trace'>,
    response: HttpResponse,
    policy?: ProtectedRoute,
  ): Error {
    return refuse(error, response, {
      realm: this.rules.options.realm,
      schemes: schemesFor(policy?.constraints ?? [], this.rules.schemes),
      used: trace.scheme,
      algorithms: this.rules.dpop?.algorithms ?? [],
    });
  }

  /** The certificate that the client proved, if it is one that counts. */
  async certificateOf(request: HttpRequest): Promise<PresentedCertificate | undefined> {
    const { certificateSource, options } = this.rules;
    try {
      const finding = certificateSource(request);
      if (finding.kind === 'none') return undefined;
      const { certificate } = finding;
      await checkCertificateCounts(certificate, {
        trust: chainTrust(options.clientCertificate),
        now: Date.now(),
      });
      return await presentedCertificate(certificate);
    } catch (error) {
      if (error instanceof OAuthError) return undefined;
      throw error;
    }
  }

  /** Ends the connections to the authorization servers. */
  async close(): Promise<void> {
    await closeAuthenticationRules(this.rules);
  }

  private async notedLater(decision: Promise<Decision>, request: HttpRequest): Promise<Decision> {
    return this.noted(await decision, request);
  }

  private noted(decision: Decision, request: HttpRequest): Decision {
    if (decision.outcome === 'refused') {
      this.reporter.refused(decision.error, decision.trace, routeOf(request));
    } else if (decision.proved.boundBy.length === 0) {
      this.unbound?.add(decision.token, routeOf(request));
    }
    return decision;
  }
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
