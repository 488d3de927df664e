import { AuthorizationServer } from './access-token/authorization-server.js';
import { KnownTokens } from './access-token/known-tokens.js';
import { ResolvedServers } from './access-token/resolved-servers.js';
import {
  authenticateByTicket,
  authenticateRequest,
  type AuthenticationRules,
  type RedeemTicket,
  progressOf,
} from './authenticate-request.js';
import { type Demands, scopesOfRules } from './authorization/demands.js';
import { schemesFor } from './authorization/schemes-for.js';
import { type RenderedRefusal, renderRefusal } from './challenge/challenge.js';
import { OAuthError } from './challenge/oauth-error.js';
import type { ChainVerdict } from './client-certificate/chain/chain-verdict.js';
import { certificateChecksOf } from './client-certificate/certificate-checks-of.js';
import type {
  CertificateChecks,
  CertificateChecksHealth,
  CertificateProblem,
} from './client-certificate/certificate-checks.js';
import { chainTrust } from './client-certificate/certificate-settings.js';
import { createCertificateSource } from './client-certificate/certificate-source.js';
import type {
  ClientCertificate,
  ClientCertificateFinding,
  ClientCertificateSource,
} from './client-certificate/client-certificate.js';
import { expiringCas, expiringLists } from './client-certificate/expiring.js';
import { clientCheckOf } from './client-certificate/policy/client-check.js';
import {
  type PresentedCertificate,
  presentedCertificate,
} from './client-certificate/presented-certificate.js';
import { SeenCertificates } from './client-certificate/seen-certificates.js';
import type { Expiring } from './common/expiry-watch.js';
import { andThenWith, type MaybePromise } from './common/maybe-promise.js';
import { isWithinValidity } from './confirmation/check-confirmation.js';
import type { Acceptance, AuthenticationScheme, Decision, RefusalDecision } from './decision.js';
import type { DpopRules } from './dpop/check-dpop-proof.js';
import { createDpopRules } from './dpop/dpop-rules.js';
import type { DecisionListener } from './events/decision-listener.js';
import { DecisionReporter } from './events/decision-reporter.js';
import { UnboundReport } from './events/unbound-report.js';
import type { ResolvedOptions } from './options/resolve-options.js';
import { metadataUrlOf } from './protected-resource/metadata-url.js';
import { hasNoCredentials } from './request/credentials.js';
import type { HttpRequest } from './request/http-request.js';
import type { RevocationList } from './revocation/revocation-list.js';
import type { SessionCookies } from './session/session-cookies.js';

/** What of a resource server may be shared with another one, or known to a framework alone. */
export interface ResourceServerParts {
  /** Several resource servers may know each other's nonces and used proofs. @default its own */
  readonly dpop?: DpopRules | undefined;
  /** What has been revoked: the same for all that decide in one app. @default nothing can be */
  readonly revocations?: RevocationList | undefined;
  /** The cookies that stand for tokens: the same for all that decide in one app. @default none does */
  readonly sessions?: SessionCookies | undefined;
  /** Where certificates are looked for. @default what the options say */
  readonly certificateSource?: ClientCertificateSource;
  /** What must hold of a certificate beside its chain. @default what the options say */
  readonly certificateChecks?: CertificateChecks | undefined;
  /** Whether what is accepted gets a copy of its token at once, for a handler; else whoever reads it does. @default true */
  readonly handsOutTokens?: boolean;
  /** Bytes that a known token takes for each character of its JSON. @default 3 */
  readonly bytesPerCharacter?: number;
  /** The name of the policy that it is for. @default none: it is for the module itself */
  readonly policy?: string | undefined;
  /** The HTTP status that an error of the app's own `validate` stands for. @default none */
  readonly statusOf?: AuthenticationRules['statusOf'];
}

/** A certificate that counts. */
export interface CountedCertificate {
  readonly certificate: ClientCertificate;
  /** Whether its chain leads to a trusted CA, by us or by the proxy. */
  readonly chainVerified: boolean;
}

/** Why a request is refused, and how far it came. */
export type RefusedRequest = Pick<RefusalDecision, 'error' | 'trace'>;

/**
 * One configuration at work, whatever framework the requests come by: decides about them, says which certificate counts,
 * renders the challenge, and reports.
 */
export class ResourceServer {
  /** Whether it checks nothing, because it stands in for another one in a test. */
  readonly isStandIn: boolean = false;
  /** The name of its policy; `undefined` for the module itself. */
  readonly policy: string | undefined;
  private readonly rules: AuthenticationRules;
  private readonly reporter: DecisionReporter;
  private readonly unbound: UnboundReport | undefined;
  /** Where clients learn more of this API; `undefined` where it tells nothing. */
  private readonly metadataUrl: string | undefined;
  private readonly cas: readonly Expiring[];

  constructor(options: ResolvedOptions, parts: ResourceServerParts = {}) {
    this.policy = parts.policy;
    this.reporter = new DecisionReporter(parts.policy);
    this.rules = createAuthenticationRules(options, parts);
    const { byIssuer, resolved } = this.rules.servers;
    parts.revocations?.serve(byIssuer.keys(), resolved !== undefined);
    this.unbound = options.reportUnbound === undefined ? undefined : new UnboundReport(options.reportUnbound);
    const { protectedResource } = options;
    this.metadataUrl =
      protectedResource === undefined ? undefined : metadataUrlOf(protectedResource.resource);
    this.cas = expiringCas(options.clientCertificate);
  }

  /** What clients' certificates are checked by, and somebody has to renew. @param now milliseconds since the epoch */
  expiring(now: number): readonly Expiring[] {
    return [...this.cas, ...expiringLists(this.certificateSources(now)?.sources ?? [])];
  }

  /**
   * How the sources are doing that say which certificates are revoked; `undefined` where none is asked.
   * @param now milliseconds since the epoch
   */
  certificateSources(now: number): CertificateChecksHealth | undefined {
    return this.rules.certificateChecks?.health(now);
  }

  /** The authorization servers whose tokens are accepted, by issuer: those of the options, not those that the app names. */
  get authorizationServers(): ReadonlyMap<string, AuthorizationServer> {
    return this.rules.servers.byIssuer;
  }

  /** Those that the app has named, and that are held at present; `undefined` where it names none. */
  get resolvedServers(): ResolvedServers | undefined {
    return this.rules.servers.resolved;
  }

  /** The schemes that a token may be sent by. */
  get schemes(): readonly AuthenticationScheme[] {
    return this.rules.schemes;
  }

  /** What has been revoked before its time; `undefined` where nothing can be. */
  get revocations(): RevocationList | undefined {
    return this.rules.revocations;
  }

  /** The cookies that stand for tokens; `undefined` where none does. */
  get sessions(): SessionCookies | undefined {
    return this.rules.sessions;
  }

  /** What DPoP proofs are checked by: two that have the same find the same of a proof. */
  get proofRules(): DpopRules | undefined {
    return this.rules.dpop;
  }

  /** What requests are decided by, for what explains a decision. */
  get decidesBy(): AuthenticationRules {
    return this.rules;
  }

  /** Makes one for a policy of the same app. */
  forPolicy(options: ResolvedOptions, parts: ResourceServerParts): ResourceServer {
    return new ResourceServer(options, parts);
  }

  /** Decides about a request; at once where nothing has to be waited for. It reports nothing yet. */
  decide(request: HttpRequest): MaybePromise<Decision> {
    return authenticateRequest(request, this.rules);
  }

  /**
   * Decides again about the handshake of a connection that lives on, for what comes over it: the token is still good, the
   * certificate still counts, and the app's `validate` still accepts it. No second DPoP proof is asked for: the connection
   * was made with the first one. The same holds for one request that several policies decide about, with the same rules of DPoP.
   * @param earlier what was decided of the same handshake, or of the same request
   */
  decideAgain(request: HttpRequest, earlier: Acceptance): MaybePromise<Decision> {
    const { boundBy, confirmation } = earlier.proved;
    const provenKey = boundBy.includes('dpop') ? confirmation?.jwkThumbprint : undefined;
    return authenticateRequest(request, this.rules, { provenKey, wasAccepted: true });
  }

  /** Decides about a handshake that came with a ticket instead of credentials. */
  async decideByTicket(request: HttpRequest, redeem: RedeemTicket): Promise<Decision> {
    return authenticateByTicket(request, this.rules, async () => redeem(this.policy));
  }

  /** Whether a request shows no credentials of any kind, good or bad. */
  isAnonymous(request: HttpRequest): boolean {
    return hasNoCredentials(request) && this.rules.sessions?.isShownBy(request) !== true;
  }

  /** The certificate that the client proved, or why there is none. @throws OAuthError where it can't be read */
  findCertificate(request: HttpRequest): ClientCertificateFinding {
    return this.rules.certificateSource(request);
  }

  /**
   * The certificate that counts: within its validity, and trusted as the options ask for.
   * @param find how it is found; an `OAuthError` that it throws stands for none
   */
  async countedCertificate(find: () => ClientCertificateFinding): Promise<PresentedCertificate | undefined> {
    const { options, certificateChecks } = this.rules;
    try {
      const counted = await this.verifiedCertificate(find());
      return counted === undefined
        ? undefined
        : await presentedCertificate(
            counted.certificate,
            options.clientCertificate.policy,
            certificateChecks,
          );
    } catch (error) {
      if (error instanceof OAuthError) return undefined;
      throw error;
    }
  }

  /** The same of a certificate that has been found: at once, where nothing has to be waited for. */
  verifiedCertificate(finding: ClientCertificateFinding): MaybePromise<CountedCertificate | undefined> {
    if (finding.kind === 'none') return undefined;
    const { certificate } = finding;
    if (!isWithinValidity(certificate, Date.now())) return undefined;
    return andThenWith(certificate.chain(), countedWith, certificate, this.rules);
  }

  /**
   * Renders a refusal: status, challenge, headers and body.
   * @param demands of the route; without them, every scheme that this API accepts is offered
   */
  challengeFor({ error, trace }: RefusedRequest, demands?: Demands): RenderedRefusal {
    return renderRefusal(error.refusal, {
      realm: this.rules.options.realm,
      schemes: schemesFor(demands?.constraints ?? [], this.rules.schemes),
      used: trace.scheme,
      algorithms: this.rules.dpop?.algorithms ?? [],
      resource:
        this.metadataUrl === undefined
          ? undefined
          : { metadataUrl: this.metadataUrl, scopes: scopesOfRules(demands?.rules ?? []) },
    });
  }

  /** Tells these of every decision from now on. */
  listenBy(listeners: readonly DecisionListener[]): void {
    this.reporter.listenBy(listeners);
  }

  /** Tells of a refusal, in the log and to listeners. @param route method and path pattern */
  reportRefusal({ error, trace }: RefusedRequest, route: string): void {
    this.reporter.refused(error, trace, route);
  }

  /** Tells listeners of a request that goes on. @param routeOf its route, asked for only where somebody listens */
  reportAcceptance<At>(acceptance: Acceptance, routeOf: (at: At) => string, at: At): void {
    if (this.reporter.isHeard()) this.reporter.accepted(acceptance, routeOf(at));
  }

  /** Tells listeners of a request that goes on without credentials. */
  reportAnonymous(request: HttpRequest, route: string): void {
    if (!this.reporter.isHeard()) return;
    this.reporter.anonymous(
      { ...progressOf(request, this.rules), certificateThumbprint: this.thumbprintOf(request) },
      route,
    );
  }

  private thumbprintOf(request: HttpRequest): string | undefined {
    try {
      const finding = this.findCertificate(request);
      return finding.kind === 'found' ? finding.certificate.thumbprint : undefined;
    } catch (error) {
      if (error instanceof OAuthError) return undefined;
      throw error;
    }
  }

  /** Tells of a valid token that is bound to nothing, where `reportUnbound` asks for that. */
  reportUnbound<At>(accepted: Acceptance, routeOf: (at: At) => string, at: At): void {
    if (accepted.proved.boundBy.length === 0) this.unbound?.add(accepted.token, routeOf(at));
  }

  /** Begins what goes on in the background: called once, before the app listens. */
  async start(): Promise<void> {
    const { certificateChecks, revocations } = this.rules;
    await Promise.all([certificateChecks?.start(), revocations?.start()]);
  }

  /** Ends what goes on in the background, and the connections to the authorization servers. */
  async close(): Promise<void> {
    const { certificateChecks, revocations } = this.rules;
    revocations?.close();
    const all = [...this.authorizationServers.values(), this.resolvedServers, certificateChecks];
    await Promise.all(all.map(async (part) => part?.close()));
  }
}

function countedWith(
  verdict: ChainVerdict,
  certificate: ClientCertificate,
  { options, certificateChecks }: AuthenticationRules,
): MaybePromise<CountedCertificate | undefined> {
  if (verdict.kind === 'unverified') {
    return chainTrust(options.clientCertificate) === 'any'
      ? { certificate, chainVerified: false }
      : undefined;
  }
  if (certificateChecks === undefined) return { certificate, chainVerified: true };
  return andThenWith(certificateChecks.problemOf(certificate, verdict), countedUnless, certificate);
}

function countedUnless(
  problem: CertificateProblem | undefined,
  certificate: ClientCertificate,
): CountedCertificate | undefined {
  return problem === undefined ? { certificate, chainVerified: true } : undefined;
}

/** Makes what requests are decided by: the authorization servers, the source of certificates, the rules of DPoP. */
function createAuthenticationRules(
  options: ResolvedOptions,
  {
    dpop = options.dpop === undefined ? undefined : createDpopRules(options.dpop),
    certificateSource = createCertificateSource(options.clientCertificate),
    certificateChecks = certificateChecksOf(options.clientCertificate),
    statusOf = () => undefined,
    handsOutTokens = true,
    bytesPerCharacter,
    revocations,
    sessions,
  }: ResourceServerParts,
): AuthenticationRules {
  const servers = options.authorizationServers.map((settings) => new AuthorizationServer(settings));
  return {
    servers: {
      byIssuer: new Map(servers.map((server) => [server.settings.issuer, server])),
      forOpaqueTokens: servers.filter((server) => server.settings.introspection !== undefined),
      resolved: options.resolver === undefined ? undefined : new ResolvedServers(options.resolver),
    },
    knownTokens:
      options.tokenCache === undefined ? undefined : new KnownTokens(options.tokenCache, bytesPerCharacter),
    revocations,
    sessions,
    certificateSource,
    certificateChecks,
    hasPsd2Roles: options.clientCertificate.policy?.profile === 'psd2-qwac',
    clientCheck: clientCheckOf(options.clientCertificate),
    seenCertificates: new SeenCertificates(),
    schemes: dpop === undefined ? ['Bearer'] : ['Bearer', 'DPoP'],
    dpop,
    options,
    statusOf,
    handsOutTokens,
  };
}
