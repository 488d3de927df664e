import type { IncomingMessage } from 'node:http';
import { startOfProgress } from '../authenticate-request.js';
import { unmetAtOnce } from '../authorization/authorize.js';
import { OAuthError } from '../challenge/oauth-error.js';
import { createCertificateSource } from '../client-certificate/certificate-source.js';
import type { ClientCertificateSource } from '../client-certificate/client-certificate.js';
import type { Expiring } from '../common/expiry-watch.js';
import { andThenWith, isPromise, type MaybePromise } from '../common/maybe-promise.js';
import { SeldomLog } from '../common/seldom-log.js';
import type { Acceptance, Decision, RequestTrace, TokenDescription } from '../decision.js';
import type { DpopRules } from '../dpop/check-dpop-proof.js';
import type { DecisionListener } from '../events/decision-listener.js';
import type { ResolvedOptions } from '../options/resolve-options.js';
import type { HttpRequest } from '../request/http-request.js';
import type { RevocationList } from '../revocation/revocation-list.js';
import type { SessionCookies } from '../session/session-cookies.js';
import { type CountedCertificate, ResourceServer } from '../resource-server.js';
import { AnswerLines, type HeaderLines, linesOf } from './answer-lines.js';
import { acceptance, type ForwardAuthAnswer, RefusalAnswers, withCookie } from './forward-auth-answer.js';
import type { AskingProxy } from './forward-auth.options.js';
import {
  ForwardedRequest,
  type ForwardedTarget,
  forwardedTarget,
  headerFieldsOf,
  inheritingRequest,
  targetHeadersOf,
} from './forwarded-request.js';
import { type PhantomTokenMaker, phantomTokenMaker } from './phantom-token.js';
import { ownHeadersOf, type ResolvedPolicy } from './resolved-forward-auth.js';
import { holds, moveToken, type RequestWithToken, withoutAuthorization } from './token-place.js';

/** What a policy is told by its endpoint. */
export interface PolicyContext {
  readonly proxy: AskingProxy;
  /** Where it is asked for, as `/auth/payments`: the log calls it so. */
  readonly path: string;
  /** `undefined` where it accepts no DPoP proof. */
  readonly dpop: DpopRules | undefined;
  /** What has been revoked before its time; `undefined` where nothing can be. */
  readonly revocations: RevocationList | undefined;
  /** The cookies that stand for tokens; `undefined` where none does. */
  readonly sessions: SessionCookies | undefined;
}

/** Bytes of a known token for each character of its JSON: its lines are kept beside it. */
const BYTES_PER_CHARACTER = 5;

/** One policy at work: decides about the requests of a proxy's clients, one by one. */
export class Policy {
  private readonly warnings = new SeldomLog('warnings about proxies');
  private readonly server: ResourceServer;
  /** `undefined` where the API gets none. */
  private readonly phantomToken: PhantomTokenMaker | undefined;
  private readonly lines: AnswerLines;
  private readonly refusals: RefusalAnswers;
  /** Whether functions of the app see the requests. */
  private readonly isShown: boolean;

  constructor(
    private readonly settings: ResolvedPolicy,
    private readonly context: PolicyContext,
  ) {
    const { options, phantomToken, credentialHeaders, otherHeaders, demands } = settings;
    this.server = new ResourceServer(options, {
      policy: settings.name,
      dpop: context.dpop,
      revocations: context.revocations,
      sessions: context.sessions,
      certificateSource: oncePerRequest(createCertificateSource(options.clientCertificate)),
      handsOutTokens: false,
      bytesPerCharacter: BYTES_PER_CHARACTER,
    });
    this.phantomToken = phantomToken === undefined ? undefined : phantomTokenMaker(phantomToken);
    this.lines = new AnswerLines(credentialHeaders, otherHeaders, options.clientCertificate.policy);
    this.refusals = new RefusalAnswers(
      (refused) => this.server.challengeFor(refused, demands),
      context.proxy,
    );
    this.isShown = hasFunctionsOfApp(options);
  }

  /**
   * The way of a request: what the client wants → its token → the pipeline → scopes → the headers for the API. Nothing is
   * waited for where nothing has to be.
   * @param rest what follows the policy's path in the URL of the request that asks
   */
  decide(raw: IncomingMessage, rest: string): MaybePromise<ForwardAuthAnswer> {
    const startedAt = performance.now();
    let request: ClientsRequest;
    try {
      const anonymous = this.settings.allowAnonymous ? this.anonymousRequest(raw, rest) : undefined;
      if (anonymous !== undefined) return this.answerAnonymous(anonymous);
      request = this.clientRequest(raw, rest);
    } catch (error) {
      return this.refuse(error, { ...startOfProgress(), startedAt }, this.context.path);
    }
    return andThenWith(this.server.decide(request), this.answerTo, request);
  }

  /** What clients' certificates are checked by, and somebody has to renew. @param now milliseconds since the epoch */
  expiring(now: number): readonly Expiring[] {
    return this.server.expiring(now);
  }

  listenBy(listeners: readonly DecisionListener[]): void {
    this.server.listenBy(listeners);
  }

  /** Begins what goes on in the background: called once, before the endpoint answers. */
  async start(): Promise<void> {
    await this.server.start();
  }

  /** Ends what goes on in the background, and the connections to the authorization servers. */
  async close(): Promise<void> {
    await this.server.close();
  }

  /** @throws OAuthError 400 and 401, where the request can't be told or has no token */
  private clientRequest(raw: IncomingMessage, rest: string): ClientsRequest {
    const { proxy, path, dpop } = this.context;
    const target = forwardedTarget(raw, rest, proxy);
    if (target === undefined && dpop !== undefined) {
      const names = targetHeadersOf(proxy);
      this.warnings.warn(
        path,
        () => `${path}: the proxy does not send ${names.join(' and ')}: no DPoP proof can be right`,
      );
    }
    return this.settings.token === undefined && !this.isShown
      ? new ForwardedRequest(raw, target, rawHeadersOf(raw))
      : this.movedRequest(raw, target, proxy === 'envoy' ? '' : rest);
  }

  /** The request, where it shows no credentials at any place that this policy knows. */
  private anonymousRequest(raw: IncomingMessage, rest: string): ForwardedRequest | undefined {
    const { proxy } = this.context;
    const target = forwardedTarget(raw, rest, proxy);
    const request = new ForwardedRequest(raw, target, rawHeadersOf(raw));
    if (!this.server.isAnonymous(request)) return undefined;
    const sent = { target, fields: headerFieldsOf(raw), asked: proxy === 'envoy' ? '' : rest };
    const isShown = (this.settings.token ?? []).some((place) => holds(sent, place));
    return isShown ? undefined : request;
  }

  private answerAnonymous(request: ForwardedRequest): MaybePromise<ForwardAuthAnswer> {
    const counted = this.server.verifiedCertificate(this.server.findCertificate(request));
    return andThenWith(counted, this.admitAnonymous, request);
  }

  private readonly admitAnonymous = (
    counted: CountedCertificate | undefined,
    request: ForwardedRequest,
  ): ForwardAuthAnswer => {
    this.server.reportAnonymous(request, this.routeOf(request));
    return acceptance(this.lines.anonymousLines(ownHeadersOf(this.settings), counted));
  };

  /** @param asked what follows the policy's path, where that is not the client's own */
  private movedRequest(
    raw: IncomingMessage,
    target: ForwardedTarget | undefined,
    asked: string,
  ): ClientsRequest {
    const sent = { target, fields: headerFieldsOf(raw), asked };
    const { token } = this.settings;
    const moved = this.isBySession(sent, raw)
      ? withoutAuthorization(sent)
      : moveToken(sent, token, this.server.schemes);
    return this.isShown
      ? inheritingRequest(raw, moved)
      : new ForwardedRequest(raw, moved.target, moved.fields.flat());
  }

  /** Where none of the places of a token holds anything. */
  private isBySession(sent: RequestWithToken, raw: IncomingMessage): boolean {
    const { token } = this.settings;
    if (token === undefined || this.context.sessions?.isShownBy(raw as HttpRequest) !== true) return false;
    return !token.some((place) => holds(sent, place));
  }

  private readonly answerTo = (
    decision: Decision,
    request: ClientsRequest,
  ): MaybePromise<ForwardAuthAnswer> => {
    const { trace, sessionCookie } = decision;
    if (decision.outcome === 'refused')
      return withCookie(this.refuse(decision.error, trace, this.routeOf(request)), sessionCookie);
    try {
      const counted = this.server.verifiedCertificate(this.server.findCertificate(request));
      const answer = andThenWith(counted, this.admit, decision, request);
      return isPromise(answer)
        ? answer.then(undefined, (error) => this.refuse(error, trace, this.routeOf(request)))
        : answer;
    } catch (error) {
      return this.refuse(error, trace, this.routeOf(request));
    }
  };

  /** @throws OAuthError 401 and 403, where the token is not enough; 503 where there is none to hand on */
  private readonly admit = (
    counted: CountedCertificate | undefined,
    accepted: Acceptance,
    request: ClientsRequest,
  ): MaybePromise<ForwardAuthAnswer> => {
    const { proved, nextNonce, trace } = accepted;
    const route = this.routeOf(request);
    const error = unmetAtOnce(proved, this.settings.demands, 'policy');
    if (error !== undefined) throw error;
    this.server.reportUnbound(accepted, itself, route);
    const lines = this.lines.linesFor(verifiedOf(trace), trace.scheme ?? 'Bearer', counted);
    const cookie = this.cookieFor(accepted, request);
    if (this.phantomToken === undefined && nextNonce === undefined)
      return withCookie(this.pass(lines, accepted, route), cookie);
    const nonce = nextNonce === undefined ? [] : ['DPoP-Nonce', nextNonce];
    if (this.phantomToken === undefined)
      return withCookie(this.pass([...lines, ...nonce], accepted, route), cookie);
    return this.phantomToken(accepted.token, proved.signedAnswer).then((phantom) =>
      withCookie(this.pass([...lines, ...linesOf(phantom), ...nonce], accepted, route), cookie),
    );
  };

  /** There is no route that could start a session: a token does, where a page has sent it. */
  private cookieFor(accepted: Acceptance, request: ClientsRequest): string | undefined {
    const { sessions } = this.context;
    if (accepted.trace.bySession || sessions?.isFromOwnPage(request) !== true) return accepted.sessionCookie;
    return sessions.startedBy(request, accepted);
  }

  private routeOf({ method = 'unknown method' }: ClientsRequest): string {
    return `${method} ${this.context.path}`;
  }

  private pass(lines: HeaderLines, accepted: Acceptance, route: string): ForwardAuthAnswer {
    this.server.reportAcceptance(accepted, itself, route);
    return acceptance(lines);
  }

  /** @throws whatever is no refusal */
  private refuse(error: unknown, trace: RequestTrace, route: string): ForwardAuthAnswer {
    if (!(error instanceof OAuthError)) throw error;
    this.server.reportRefusal({ error, trace }, route);
    return this.refusals.answerTo(error, trace);
  }
}

/** A request of the proxy's client. */
type ClientsRequest = HttpRequest & { readonly method?: string | undefined };

function hasFunctionsOfApp({ clientCertificate, dpop, validate }: ResolvedOptions): boolean {
  return (
    clientCertificate.from === 'custom' || typeof dpop?.publicUrl === 'function' || validate !== undefined
  );
}

/** Names and values in turn; adapters of serverless platforms leave Node's own list empty. */
function rawHeadersOf(raw: IncomingMessage): readonly string[] {
  const { rawHeaders = [] } = raw as Partial<IncomingMessage>;
  return rawHeaders.length > 0 ? rawHeaders : headerFieldsOf(raw).flat();
}

/** The certificate of one request is looked for once, for the binding and for the headers: it is kept there. */
function oncePerRequest(source: ClientCertificateSource): ClientCertificateSource {
  const finding = Symbol('finding of a client certificate');
  return (request: HttpRequest & { [finding]?: ReturnType<ClientCertificateSource> }) =>
    (request[finding] ??= source(request));
}

/** What is accepted has been verified. @throws TypeError for what has not */
function verifiedOf({ verified }: RequestTrace): TokenDescription {
  if (verified === undefined) throw new TypeError('a token was accepted that nobody has verified');
  return verified;
}

/** A route that is known already. */
function itself(route: string): string {
  return route;
}
