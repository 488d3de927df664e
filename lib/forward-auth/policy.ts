import type { IncomingMessage } from 'node:http';
import { startOfProgress } from '../authenticate-request.js';
import { unmetDemand } from '../authorization/authorize.js';
import type { RenderedRefusal } from '../challenge/challenge.js';
import { OAuthError } from '../challenge/oauth-error.js';
import type { ClientCertificateSource } from '../client-certificate/client-certificate.js';
import type { PresentedCertificate } from '../client-certificate/presented-certificate.js';
import { SeldomLog } from '../common/seldom-log.js';
import type { Acceptance, RequestTrace } from '../decision.js';
import type { DpopRules } from '../dpop/check-dpop-proof.js';
import type { DecisionListener } from '../events/decision-listener.js';
import type { HttpRequest } from '../request/http-request.js';
import { ResourceServer } from '../resource-server.js';
import { credentialHeaders, emptyHeaders } from './credential-headers.js';
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
import type { ResolvedPolicy } from './resolved-forward-auth.js';
import { moveToken } from './token-place.js';
import type { ResolvedOptions } from '../options/resolve-options.js';

/** What a policy says of a request. */
export type PolicyDecision =
  | { readonly outcome: 'accepted'; readonly headers: Readonly<Record<string, string>> }
  | { readonly outcome: 'refused'; readonly refusal: RenderedRefusal };

/** What a policy is told by its endpoint. */
export interface PolicyContext {
  readonly proxy: AskingProxy;
  /** Where it is asked for, as `/auth/payments`: the log calls it so. */
  readonly path: string;
  /** `undefined` where it accepts no DPoP proof. */
  readonly dpop: DpopRules | undefined;
}

/** How far a request came, for its refusal and the log. */
interface Progress {
  readonly route: string;
  readonly trace: RequestTrace;
}

/** One policy at work: decides about the requests of a proxy's clients, one by one. */
export class Policy {
  private readonly warnings = new SeldomLog('warnings about proxies');
  private readonly server: ResourceServer;
  private readonly phantomToken: PhantomTokenMaker;
  /** Whether functions of the app see the requests. */
  private readonly isShown: boolean;

  constructor(
    private readonly settings: ResolvedPolicy,
    private readonly context: PolicyContext,
  ) {
    const { options, phantomToken } = settings;
    this.server = new ResourceServer(options, { dpop: context.dpop });
    this.phantomToken = phantomTokenMaker(phantomToken);
    this.isShown = hasFunctionsOfApp(options);
  }

  /**
   * The way of a request: what the client wants → its token → the pipeline → scopes → the headers for the API.
   * @param rest what follows the policy's path in the URL of the request that asks
   */
  async decide(raw: IncomingMessage, rest: string): Promise<PolicyDecision> {
    const start: Progress = { route: this.context.path, trace: startOfProgress() };
    return this.orRefuse(start, async () => {
      const request = this.clientRequest(raw, rest);
      const route = `${request.method ?? 'unknown method'} ${this.context.path}`;
      const source = onlyOnce((from) => this.server.findCertificate(from));
      const decision = await this.server.decideWith(request, source);
      if (decision.outcome === 'refused') return this.refuse(decision.error, { ...decision, route });
      return this.orRefuse({ route, trace: decision.trace }, async () => {
        const certificate = await this.server.countedCertificate(() => source(request));
        const headers = await this.admit(decision, certificate, route);
        this.server.reportAcceptance(decision, itself, route);
        return { outcome: 'accepted', headers };
      });
    });
  }

  listenBy(listeners: readonly DecisionListener[]): void {
    this.server.listenBy(listeners);
  }

  /** Ends the connections to the authorization servers. */
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

  /** @param asked what follows the policy's path, where that is not the client's own */
  private movedRequest(
    raw: IncomingMessage,
    target: ForwardedTarget | undefined,
    asked: string,
  ): ClientsRequest {
    const sent = { target, fields: headerFieldsOf(raw), asked };
    const moved = moveToken(sent, this.settings.token, this.server.schemes);
    return this.isShown
      ? inheritingRequest(raw, moved)
      : new ForwardedRequest(raw, moved.target, moved.fields.flat());
  }

  /** @throws OAuthError 401 and 403, where the token is not enough; 503 where there is none to hand on */
  private async admit(
    acceptance: Acceptance,
    certificate: PresentedCertificate | undefined,
    route: string,
  ): Promise<Readonly<Record<string, string>>> {
    const { token, proved, trace, nextNonce } = acceptance;
    const error = unmetDemand(proved, this.settings.demands, 'policy');
    if (error !== undefined) throw error;
    this.server.reportUnbound(acceptance, itself, route);
    return {
      ...emptyHeaders(this.settings.otherHeaders),
      ...credentialHeaders(
        { token, scheme: trace.scheme ?? 'Bearer', certificate },
        this.settings.credentialHeaders,
      ),
      ...(await this.phantomToken(token, proved.signedAnswer)),
      ...(nextNonce === undefined ? {} : { 'DPoP-Nonce': nextNonce }),
    };
  }

  private async orRefuse(progress: Progress, step: () => Promise<PolicyDecision>): Promise<PolicyDecision> {
    try {
      return await step();
    } catch (error) {
      if (error instanceof OAuthError) return this.refuse(error, progress);
      throw error;
    }
  }

  private refuse(error: OAuthError, { route, trace }: Progress): PolicyDecision {
    this.server.reportRefusal({ error, trace }, route);
    const refusal = this.server.challengeFor({ error, trace }, this.settings.demands);
    return { outcome: 'refused', refusal };
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

/** The certificate of one request is looked for once, for the binding and for the headers. */
function onlyOnce(source: ClientCertificateSource): ClientCertificateSource {
  let finding: ReturnType<ClientCertificateSource> | undefined;
  return (request) => (finding ??= source(request));
}

/** A route that is known already. */
function itself(route: string): string {
  return route;
}
