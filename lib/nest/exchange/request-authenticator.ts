import type { OAuthError } from '../../challenge/oauth-error.js';
import type { RefusalReason } from '../../challenge/reasons.js';
import type { PresentedCertificate } from '../../client-certificate/presented-certificate.js';
import { andThenWith, isPromise, type MaybePromise } from '../../common/maybe-promise.js';
import type { Acceptance, Decision, RefusalDecision } from '../../decision.js';
import type { HttpRequest } from '../../request/http-request.js';
import type { RefusedRequest, ResourceServer } from '../../resource-server.js';
import type { ProtectedRoute } from '../demands/route-policy.js';
import type { Exchange } from './exchange.js';
import {
  type DecidedRequest,
  decidedBy,
  decidedWithProofsBy,
  recordOf,
  type RequestRecord,
} from './request-record.js';
import { TokenEnd } from './token-end.js';
import type { TokenEnds } from './token-ends.js';
import { noteOrigin } from './token-origin.js';

/**
 * Asks the resource server of one policy once about each request: the guards, the strategy and the parameter decorators all
 * ask here, and get the same answer, binding included. A decision of another policy, or of another app in the same process, is
 * never taken over.
 */
export class RequestAuthenticator {
  constructor(
    private readonly server: ResourceServer,
    private readonly ends: TokenEnds,
  ) {}

  /** Decides about a request, once; at once where nothing has to be waited for. */
  decide(exchange: Exchange): MaybePromise<Decision> {
    const { record } = exchange;
    const decided = decidedBy(record, this);
    if (decided !== undefined) return decided.decision;
    const decision = andThenWith(this.decideNow(exchange), this.noted, exchange);
    record.decided = this.notedDecision(decision, record);
    return decision;
  }

  private decideNow({ request, record }: Exchange): MaybePromise<Decision> {
    const { handshake } = record;
    if (handshake === undefined) return this.decideFirst(request, record);
    const begun = decidedBy(handshake, this);
    if (begun !== undefined) return andThenWith(begun.decision, this.decideAgain, request);
    // Nobody has asked about the handshake: the first message does.
    const decision = this.decideFirst(request, handshake);
    handshake.decided = this.notedDecision(decision, handshake);
    return decision;
  }

  private decideFirst(request: HttpRequest, record: RequestRecord): MaybePromise<Decision> {
    const { ticket } = record;
    if (ticket !== undefined) return this.server.decideByTicket(request, ticket);
    const { proofRules } = this.server;
    const other = proofRules === undefined ? undefined : decidedWithProofsBy(record, proofRules);
    return other === undefined
      ? this.server.decide(request)
      : andThenWith(other.decision, this.decideBeside, request);
  }

  /** A proof is used once: what another policy has found of it holds, and nothing else that it has found. */
  private readonly decideBeside = (other: Decision, request: HttpRequest): MaybePromise<Decision> =>
    other.outcome === 'refused' ? this.server.decide(request) : this.server.decideAgain(request, other);

  private readonly decideAgain = (earlier: Decision, request: HttpRequest): MaybePromise<Decision> =>
    earlier.outcome === 'refused' ? earlier : this.server.decideAgain(request, earlier);

  /** Reports what is decided as soon as it is. */
  private readonly noted = (decision: Decision, exchange: Exchange): Decision => {
    if (decision.trace.bySession) exchange.answerSession(decision.sessionCookie);
    if (decision.outcome === 'refused') {
      this.server.reportRefusal(decision, exchange.route);
      this.endRevoked(decision);
    } else {
      noteOrigin(decision.token, exchange, this.server.policy);
      this.server.reportUnbound(decision, routeOf, exchange);
    }
    return decision;
  };

  private notedDecision(decision: MaybePromise<Decision>, { decided }: RequestRecord): DecidedRequest {
    return {
      by: this,
      proofsBy: this.server.proofRules,
      decision,
      before: decided,
      userGiven: false,
      passed: undefined,
      passedCalls: undefined,
      reported: false,
    };
  }

  /** What was decided about a request; `undefined` where nobody has asked. */
  decisionAbout(request: HttpRequest): MaybePromise<Decision> | undefined {
    return decidedBy(recordOf(request), this)?.decision;
  }

  /** The thumbprint of the certificate that the client proved; `undefined` where it has none, or none that can be read. */
  thumbprintOf(request: HttpRequest): string | undefined {
    const finding = this.server.findCertificate(request);
    return finding.kind === 'found' ? finding.certificate.thumbprint : undefined;
  }

  /** Whether anything has asked for a decision about this request. */
  hasDecided(record: RequestRecord): boolean {
    return decidedBy(record, this) !== undefined;
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
    const decided = decidedBy(exchange.record, this);
    this.offerNonce(acceptance, exchange);
    if (decided === undefined || decided.userGiven) return;
    decided.userGiven = true;
    // Once: between our guards the app may have put an object of its own in the user's place.
    exchange.request.user = acceptance.user;
    this.endInTime(acceptance, exchange);
  }

  /** Sees to it that what answers an accepted call does not outlive its token. */
  endInTime({ validUntil, trace, proved }: Acceptance, exchange: Exchange): void {
    const { responses, revocations } = this.ends;
    if (responses === undefined) return;
    const key = this.keyOf(trace.tokenDigest);
    exchange.endBy(new TokenEnd(validUntil, key, revocations, proved.revocable), responses);
  }

  /** Ends what goes on with a token that has just been found to be good no longer, whoever has shown it. */
  private endRevoked({ error, trace: { tokenDigest } }: RefusalDecision): void {
    const key = this.keyOf(tokenDigest);
    if (key === undefined || !TELLS_REVOCATION.has(error.reason)) return;
    this.ends.responses?.revoked(key);
    this.ends.revocations.revoked(key);
  }

  /** By what the end of a token is known: what it is not good for at one policy says nothing at another. */
  private keyOf(digest: string | undefined): string | undefined {
    const { policy } = this.server;
    return policy === undefined || digest === undefined ? digest : `${policy}:${digest}`;
  }

  /**
   * Lets a request pass, where its route is for callers without credentials too, that shows nothing by which it could be
   * judged: no credentials, and no ticket. A certificate alone says nothing of what a caller may do.
   */
  admitsAnonymous(exchange: Exchange, policy: ProtectedRoute): boolean {
    if (!policy.anonymous) return false;
    const { request, record } = exchange;
    const { handshake, ticket } = record;
    if (handshake?.ticket !== undefined || ticket !== undefined) return false;
    const decided = decidedBy(record, this);
    // Another field of the same operation may have asked for credentials: that says nothing of this one.
    if (decided !== undefined && !lacksCredentials(decided.decision)) return false;
    if (!this.server.isAnonymous(request)) return false;
    if (!record.anonymous) this.server.reportAnonymous(request, exchange.route);
    record.anonymous = true;
    return true;
  }

  /** Whether a guard has found that the request may pass this route. */
  hasPassed(exchange: Exchange, policy: ProtectedRoute): boolean {
    const decided = decidedBy(exchange.record, this);
    if (decided === undefined) return false;
    if (policy.checks.length === 0) return decided.passed === policy;
    // A request may bring several calls, and the app's own checks may tell them apart.
    return decided.passedCalls?.get(exchange.params ?? decided) === policy;
  }

  /** Notes that the request may pass this route: token, binding and rules. */
  notePass({ record, params }: Exchange, policy: ProtectedRoute): void {
    const decided = decidedBy(record, this);
    if (decided === undefined) return;
    if (policy.checks.length === 0) decided.passed = policy;
    else (decided.passedCalls ??= new Map()).set(params ?? decided, policy);
  }

  /** Tells, once, that the request goes on to its handler. */
  admitted(acceptance: Acceptance, exchange: Exchange): void {
    const decided = decidedBy(exchange.record, this);
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
    const decided = decidedBy(exchange.record, this);
    if (decided !== undefined) decided.reported = true;
    this.server.reportRefusal({ error, trace }, exchange.route);
    return this.exceptionFor({ error, trace }, exchange, policy);
  }

  /**
   * Tells the caller, with the challenge, and makes the exception.
   * @param policy of the route; without it, every scheme that this API accepts is offered
   */
  exceptionFor(refused: RefusedRequest, exchange: Exchange, policy?: ProtectedRoute): Error {
    return exchange.refuse(refused.error, this.server.challengeFor(refused, policy), this);
  }

  /** The certificate that the client proved, if it is one that counts. */
  async certificateOf(request: HttpRequest): Promise<PresentedCertificate | undefined> {
    return this.server.countedCertificate(() => this.server.findCertificate(request));
  }
}

/**
 * What is said of a token that was good before: its server calls it inactive, or has taken back the key that it is signed
 * with; or it has been revoked here. All else is said of whoever has sent it, or would have been so from the beginning.
 */
const TELLS_REVOCATION: ReadonlySet<RefusalReason> = new Set<RefusalReason>([
  'token_inactive',
  'token_revoked',
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

function lacksCredentials(decision: MaybePromise<Decision>): boolean {
  if (isPromise(decision) || decision.outcome !== 'refused') return false;
  return decision.error.reason === 'credentials_missing';
}
