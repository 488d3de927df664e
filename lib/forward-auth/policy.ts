import type { IncomingMessage } from 'node:http';
import {
  type Acceptance,
  authenticateRequest,
  type AuthenticationRules,
  type ProvenToken,
  type RequestTrace,
  startOfProgress,
} from '../authenticate-request.js';
import { closeAuthenticationRules, createAuthenticationRules } from '../authentication-rules.js';
import { unmetScopes } from '../authorization/check-scopes.js';
import { schemesFor, unmetConstraint } from '../authorization/check-sender-constraint.js';
import { type RenderedRefusal, renderRefusal } from '../challenge/challenge.js';
import { insufficientScope, invalidToken, OAuthError } from '../challenge/oauth-error.js';
import { checkCertificateCounts } from '../confirmation/check-confirmation.js';
import type { DpopRules } from '../dpop/check-dpop-proof.js';
import { UnboundReport } from '../events/unbound-report.js';
import type { DecisionListener } from '../events/decision-listener.js';
import { DecisionReporter } from '../events/decision-reporter.js';
import { chainTrust, type ResolvedOptions } from '../options/resolved-options.js';
import type {
  ClientCertificateFinding,
  ClientCertificateSource,
} from '../client-certificate/client-certificate.js';
import type { HttpRequest } from '../request/http-request.js';
import {
  type PresentedCertificate,
  presentedCertificate,
} from '../client-certificate/presented-certificate.js';
import { credentialHeaders, emptyHeaders } from './credential-headers.js';
import type { AskingProxy } from './forward-auth.options.js';
import { forwardedRequest, forwardedTarget, headerFieldsOf, targetHeadersOf } from './forwarded-request.js';
import { type PhantomTokenMaker, phantomTokenMaker } from './phantom-token.js';
import type { ResolvedPolicy } from './resolved-forward-auth.js';
import { SeldomLog } from './seldom-log.js';
import { moveToken } from './token-place.js';

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
  private readonly reporter = new DecisionReporter();
  private readonly warnings = new SeldomLog();
  private readonly rules: AuthenticationRules;
  private readonly unbound: UnboundReport | undefined;
  private readonly phantomToken: PhantomTokenMaker;

  constructor(
    private readonly settings: ResolvedPolicy,
    private readonly context: PolicyContext,
  ) {
    const { options, phantomToken } = settings;
    this.rules = createAuthenticationRules(options, context.dpop);
    this.unbound = options.reportUnbound === undefined ? undefined : new UnboundReport(options.reportUnbound);
    this.phantomToken = phantomTokenMaker(phantomToken);
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
      const source = onlyOnce(this.rules.certificateSource);
      const decision = await authenticateRequest(request, { ...this.rules, certificateSource: source });
      if (decision.outcome === 'refused') return this.refuse(decision.error, { ...decision, route });
      return this.orRefuse({ route, trace: decision.trace }, async () => {
        const certificate = await countedCertificate(source(request), this.settings.options);
        const headers = await this.admit(decision, certificate, route);
        if (this.reporter.isHeard()) this.reporter.accepted(decision, route);
        return { outcome: 'accepted', headers };
      });
    });
  }

  listenBy(listeners: readonly DecisionListener[]): void {
    this.reporter.listenBy(listeners);
  }

  /** Ends the connections to the authorization servers. */
  async close(): Promise<void> {
    await closeAuthenticationRules(this.rules);
  }

  /** @throws OAuthError 400 and 401, where the request can't be told or has no token */
  private clientRequest(raw: IncomingMessage, rest: string): HttpRequest & { readonly method?: string } {
    const { proxy, path, dpop } = this.context;
    const target = forwardedTarget(raw, rest, proxy);
    if (target === undefined && dpop !== undefined) {
      const names = targetHeadersOf(proxy).join(' and ');
      this.warnings.warn(path, `${path}: the proxy does not send ${names}: no DPoP proof can be right`);
    }
    const asked = proxy === 'envoy' ? '' : rest;
    const sent = { target, fields: headerFieldsOf(raw), asked };
    const moved = moveToken(sent, this.settings.token, this.rules.schemes);
    return forwardedRequest(raw, moved);
  }

  /** @throws OAuthError 401 and 403, where the token is not enough; 503 where there is none to hand on */
  private async admit(
    { token, proved, trace, nextNonce }: Acceptance,
    certificate: PresentedCertificate | undefined,
    route: string,
  ): Promise<Readonly<Record<string, string>>> {
    const { constraints, rules } = this.settings.route;
    const unmet = unmetConstraint(proved.boundBy, constraints);
    if (unmet !== undefined) throw bindingInsufficient(unmet, proved);
    const needed = unmetScopes(proved.scopes, rules);
    if (needed !== undefined) throw insufficientScope(needed);
    if (proved.boundBy.length === 0) this.unbound?.add(token, route);
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
    this.reporter.refused(error, trace, route);
    const refusal = renderRefusal(error.refusal, {
      realm: this.settings.options.realm,
      schemes: schemesFor(this.settings.route.constraints, this.rules.schemes),
      used: trace.scheme,
      algorithms: this.context.dpop?.algorithms ?? [],
    });
    return { outcome: 'refused', refusal };
  }
}

/** The certificate of one request is looked for once, for the binding and for the headers. */
function onlyOnce(source: ClientCertificateSource): ClientCertificateSource {
  let finding: ReturnType<ClientCertificateSource> | undefined;
  return (request) => (finding ??= source(request));
}

/** The API behind the proxy is told of no certificate that a token could not be bound to. */
async function countedCertificate(
  finding: ClientCertificateFinding,
  { clientCertificate }: ResolvedOptions,
): Promise<PresentedCertificate | undefined> {
  if (finding.kind === 'none') return undefined;
  try {
    await checkCertificateCounts(finding.certificate, {
      trust: chainTrust(clientCertificate),
      now: Date.now(),
    });
    return await presentedCertificate(finding.certificate);
  } catch (error) {
    if (error instanceof OAuthError) return undefined;
    throw error;
  }
}

function bindingInsufficient(unmet: string, { boundBy }: ProvenToken): OAuthError {
  const detail = `the policy demands ${unmet}, the caller proved ${boundBy.join(' and ') || 'nothing'}`;
  return invalidToken('binding_insufficient', { detail });
}
