import type { CertificateChecksHealth } from '../../client-certificate/certificate-checks.js';
import type { Expiring } from '../../common/expiry-watch.js';
import type { DecisionListener } from '../../events/decision-listener.js';
import type { HttpRequest } from '../../request/http-request.js';
import type { ResourceServer } from '../../resource-server.js';
import type { NamedPolicy } from '../demands/route-policy.js';
import { RequestAuthenticator } from './request-authenticator.js';
import { recordOf } from './request-record.js';
import { TokenEnds } from './token-ends.js';

/** How the sources are doing by which one of them checks certificates. */
export interface PolicyCertificateSources extends CertificateChecksHealth {
  /** `undefined` for the options of the module itself. */
  readonly policy: string | undefined;
}

/** What decides for each policy of an app, by its name. */
export type PolicyServers = ReadonlyMap<string, ResourceServer>;

/**
 * All that decides in one app. Whoever wants a decision says first what for: a route is decided by its policy, and what is no
 * route by the options of the module itself.
 */
export class AppAuthenticator {
  private readonly own: RequestAuthenticator;
  private readonly named: ReadonlyMap<string, RequestAuthenticator>;
  private readonly ends: TokenEnds;

  /** @param streams whether responses may outlive the token that they were accepted with */
  constructor(
    private readonly server: ResourceServer,
    private readonly policies: PolicyServers,
    streams: 'end-at-expiry' | 'keep',
  ) {
    this.ends = new TokenEnds(streams, server.revocations);
    this.own = new RequestAuthenticator(server, this.ends);
    this.named = new Map(
      [...policies].map(([name, each]) => [name, new RequestAuthenticator(each, this.ends)]),
    );
  }

  /** What decides by the policy of a route. @throws Error where the app has no such policy */
  of({ policy }: NamedPolicy): RequestAuthenticator {
    return policy === undefined ? this.own : this.ofNamed(policy);
  }

  /** What decides about a request at the route that it has come to; by the module's own options where none is known. */
  atRouteOf(request: HttpRequest): RequestAuthenticator {
    const { policy } = recordOf(request);
    return policy === undefined ? this.own : this.of(policy);
  }

  /** Whether a request shows a session, good or bad. */
  showsSession(request: HttpRequest): boolean {
    return this.server.sessions?.isShownBy(request) === true;
  }

  private get all(): readonly ResourceServer[] {
    return [this.server, ...this.policies.values()];
  }

  private ofNamed(policy: string): RequestAuthenticator {
    const named = this.named.get(policy);
    if (named !== undefined) return named;
    // A spec that gives no options stands in for all policies.
    if (this.server.isStandIn && this.named.size === 0) return this.own;
    throw new Error(`@Policy('${policy}'): there is no such policy in this app`);
  }

  /** Tells these of every decision from now on. */
  listenBy(listeners: readonly DecisionListener[]): void {
    for (const server of this.all) server.listenBy(listeners);
  }

  /** How the sources are doing that say which certificates are revoked. @param now milliseconds since the epoch */
  certificateSources(now: number): readonly PolicyCertificateSources[] {
    return this.all.flatMap((server) => {
      const health = server.certificateSources(now);
      return health === undefined ? [] : { policy: server.policy, ...health };
    });
  }

  /** What clients' certificates are checked by, and somebody has to renew. @param now milliseconds since the epoch */
  expiring(now: number): readonly Expiring[] {
    return this.all.flatMap((server) => server.expiring(now));
  }

  /** Begins what goes on in the background: called once, before the app listens. */
  async start(): Promise<void> {
    await Promise.all(this.all.map(async (server) => server.start()));
  }

  /** Ends the connections to the authorization servers. */
  async close(): Promise<void> {
    this.ends.responses?.close();
    await Promise.all(this.all.map(async (server) => server.close()));
  }
}
