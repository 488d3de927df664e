import type { RedeemTicket } from '../../authenticate-request.js';
import type { OAuthError } from '../../challenge/oauth-error.js';
import type { RefusalReason } from '../../challenge/reasons.js';
import type { PresentedCertificate } from '../../client-certificate/presented-certificate.js';
import { andThenWith, type MaybePromise } from '../../common/maybe-promise.js';
import type { Acceptance, Decision, RefusalDecision } from '../../decision.js';
import type { DecisionListener } from '../../events/decision-listener.js';
import type { HttpRequest } from '../../request/http-request.js';
import type { RefusedRequest, ResourceServer } from '../../resource-server.js';
import type { ProtectedRoute } from '../demands/route-policy.js';
import type { Exchange } from './exchange.js';
import { OpenResponses } from './open-responses.js';
import { type DecidedRequest, recordOf } from './request-record.js';
import { RevocationWatch, TokenEnd } from './token-end.js';
import { noteOrigin } from './token-origin.js';

/**
 * Asks the resource server once about each request of one app: the guards, the strategy and the parameter decorators all
 * ask here, and get the same answer, binding included. A decision of another app in the same process is never taken over.
 */
export class RequestAuthenticator {
  /** `undefined` where they may go on. */
  private readonly responses: OpenResponses | undefined;
  private readonly revocations = new RevocationWatch();

  /** @param streams whether responses may outlive the token that they were accepted with */
  constructor(
    private readonly server: ResourceServer,
    streams: 'end-at-expiry' | 'keep',
  ) {
    this.responses = streams === 'keep' ? undefined : new OpenResponses();
  }

  /** Decides about a request, once; at once where nothing has to be waited for. */
  decide(exchange: Exchange): MaybePromise<Decision> {
    const { decided } = exchange.record;
    if (decided?.by === this) return decided.decision;
    const decision = andThenWith(this.decideNow(exchange), this.noted, exchange);
    exchange.record.decided = this.notedDecision(decision);
    return decision;
  }

  private decideNow({ request, record: { handshake, ticket } }: Exchange): MaybePromise<Decision> {
    if (handshake === undefined) return this.decideFirst(request, ticket);
    if (handshake.decided?.by === this)
      return andThenWith(handshake.decided.decision, this.decideAgain, request);
    // Nobody has asked about the handshake: the first message does.
    const decision = this.decideFirst(request, handshake.ticket);
    handshake.decided = this.notedDecision(decision);
    return decision;
  }

  private decideFirst(request: HttpRequest, ticket: RedeemTicket | undefined): MaybePromise<Decision> {
    return ticket === undefined ? this.server.decide(request) : this.server.decideByTicket(request, ticket);
  }

  private readonly decideAgain = (earlier: Decision, request: HttpRequest): MaybePromise<Decision> =>
    earlier.outcome === 'refused' ? earlier : this.server.decideAgain(request, earlier);

  /** Reports what is decided as soon as it is. */
  private readonly noted = (decision: Decision, exchange: Exchange): Decision => {
    if (decision.outcome === 'refused') {
      this.server.reportRefusal(decision, exchange.route);
      this.endRevoked(decision);
    } else {
      noteOrigin(decision.token, exchange);
      this.server.reportUnbound(decision, routeOf, exchange);
    }
    return decision;
  };

  private notedDecision(decision: MaybePromise<Decision>): DecidedRequest {
    return {
      by: this,
      decision,
      userGiven: false,
      passed: undefined,
      passedCalls: undefined,
      reported: false,
    };
  }

  /** What was decided about a request; `undefined` where nobody has asked. */
  decisionAbout(request: HttpRequest): MaybePromise<Decision> | undefined {
    const { decided } = recordOf(request);
    return decided?.by === this ? decided.decision : undefined;
  }

  /** The thumbprint of the certificate that the client proved; `undefined` where it has none, or none that can be read. */
  thumbprintOf(request: HttpRequest): string | undefined {
    const finding = this.server.findCertificate(request);
    return finding.kind === 'found' ? finding.certificate.thumbprint : undefined;
  }

  /** Whether anything has asked for a decision about this request. */
  hasDecided({ record }: Exchange): boolean {
    return record.decided?.by === this;
  }

  /** Lets an authenticated request pass, and puts its user on it. @throws HttpException with the challenge set */
  require(exchange: Exchange, policy: ProtectedRoute): MaybePromise<Acceptance> {
    return andThenWith(this.decide(exchange), this.admit, exchange, policy);
  }

  private readonly admit = (decision: Decision, exchange: Exchange, policy: ProtectedRoute): Acceptance => {
    if (decision.outcome === 'refused') throw this.exceptionFor(decision, exchange, policy);
    this.accepted(decision, exchange);
    if (isFinal(policy)) this.admitted(decision, exchange);
    return decision;
  };

  private accepted(acceptance: Acceptance, exchange: Exchange): void {
    const { decided } = exchange.record;
    this.offerNonce(acceptance, exchange);
    if (decided === undefined || decided.userGiven) return;
    decided.userGiven = true;
    // Once: between our guards the app may have put an object of its own in the user's place.
    exchange.request.user = acceptance.user;
    this.endInTime(acceptance, exchange);
  }

  /** Sees to it that what answers an accepted call does not outlive its token. */
  endInTime({ validUntil, trace }: Acceptance, exchange: Exchange): void {
    if (this.responses === undefined) return;
    exchange.endBy(new TokenEnd(validUntil, trace.tokenDigest, this.revocations), this.responses);
  }

  /** Ends what goes on with a token that has just been found to be good no longer, whoever has shown it. */
  private endRevoked({ error, trace: { tokenDigest } }: RefusalDecision): void {
    if (tokenDigest === undefined || !TELLS_REVOCATION.has(error.reason)) return;
    this.responses?.revoked(tokenDigest);
    this.revocations.revoked(tokenDigest);
  }

  /**
   * Lets a request pass, where its route is for callers without credentials too, that shows nothing by which it could be
   * judged: no credentials, and no ticket. A certificate alone says nothing of what a caller may do.
   */
  admitsAnonymous(exchange: Exchange, policy: ProtectedRoute): boolean {
    if (!policy.anonymous) return false;
    const { request, record } = exchange;
    const { decided, handshake, ticket } = record;
    if (decided?.by === this || handshake?.ticket !== undefined || ticket !== undefined) return false;
    if (!this.server.isAnonymous(request)) return false;
    if (!record.anonymous) this.server.reportAnonymous(request, exchange.route);
    record.anonymous = true;
    return true;
  }

  /** Whether a guard has found that the request may pass this route. */
  hasPassed(exchange: Exchange, policy: ProtectedRoute): boolean {
    const { decided } = exchange.record;
    if (decided?.by !== this) return false;
    if (policy.checks.length === 0) return decided.passed === policy;
    // A request may bring several calls, and the app's own checks may tell them apart.
    return decided.passedCalls?.get(exchange.params ?? decided) === policy;
  }

  /** Notes that the request may pass this route: token, binding and rules. */
  notePass({ record: { decided }, params }: Exchange, policy: ProtectedRoute): void {
    if (decided === undefined) return;
    if (policy.checks.length === 0) decided.passed = policy;
    else (decided.passedCalls ??= new Map()).set(params ?? decided, policy);
  }

  /** Tells, once, that the request goes on to its handler. */
  admitted(acceptance: Acceptance, exchange: Exchange): void {
    const { decided } = exchange.record;
    if (decided === undefined || decided.reported) return;
    decided.reported = true;
    this.server.reportAcceptance(acceptance, routeOf, exchange);
  }

  /** Hands out the nonce for the client's next proof, where it needs another one (RFC 9449 §8.2). */
  offerNonce({ nextNonce }: Acceptance, exchange: Exchange): void {
    if (nextNonce !== undefined) exchange.offerNonce(nextNonce);
  }

  /** Refuses a request whose token is valid, but not enough for the route. */
  refuseRoute({ trace }: Acceptance, error: OAuthError, policy: ProtectedRoute, exchange: Exchange): Error {
    const { decided } = exchange.record;
    if (decided !== undefined) decided.reported = true;
    this.server.reportRefusal({ error, trace }, exchange.route);
    return this.exceptionFor({ error, trace }, exchange, policy);
  }

  /**
   * Tells the caller, with the challenge, and makes the exception.
   * @param policy of the route; without it, every scheme that this API accepts is offered
   */
  exceptionFor(refused: RefusedRequest, exchange: Exchange, policy?: ProtectedRoute): Error {
    return exchange.refuse(refused.error, this.server.challengeFor(refused, policy));
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
    this.responses?.close();
    await this.server.close();
  }
}

/**
 * What is said of a token that was good before: its server calls it inactive, or has taken back the key that it is signed
 * with. All else is said of whoever has sent it, or would have been so from the beginning.
 */
const TELLS_REVOCATION: ReadonlySet<RefusalReason> = new Set<RefusalReason>([
  'token_inactive',
  'key_unknown',
  'key_unusable',
  'signature_invalid',
]);

/** Whether a valid token is enough: where the route has rules, a guard follows that checks them. */
export function isFinal({ rules, constraints, checks }: ProtectedRoute): boolean {
  return rules.length === 0 && constraints.length === 0 && checks.length === 0;
}

function routeOf({ route }: Exchange): string {
  return route;
}
