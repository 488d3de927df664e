import type { Acceptance, Decision } from '../../decision.js';
import { missingCredentials, OAuthError } from '../../challenge/oauth-error.js';
import type { MaybePromise } from '../../common/maybe-promise.js';
import { accessTokenFor } from '../../access-token/describe-access-token.js';
import { startOfProgress, withUser } from '../../authenticate-request.js';
import { statusOfHttpException } from '../http/access-refused.exception.js';
import type { ResolvedOptions } from '../../options/resolve-options.js';
import type { HttpRequest } from '../../request/http-request.js';
import { ResourceServer, type ResourceServerParts } from '../../resource-server.js';
import { standInCertificate } from './stand-in-certificate.js';
import { type StandInToken, standInToken } from './stand-in-token.js';
import { checkUnderTest } from './under-test.js';

/** Takes every request for one by somebody who is given, and checks no token and no certificate. */
export class StandInResourceServer extends ResourceServer {
  override readonly isStandIn = true;

  /** @throws Error outside of a test runner */
  constructor(
    private readonly settings: ResolvedOptions,
    private readonly who: StandInToken | 'nobody',
    parts: ResourceServerParts = {},
  ) {
    checkUnderTest('CertBoundAuthTestingModule');
    super(settings, parts);
  }

  /** Whoever stands in does so at every route, whatever its policy. */
  override forPolicy(options: ResolvedOptions, parts: ResourceServerParts): ResourceServer {
    return new StandInResourceServer(options, this.who, parts);
  }

  /** No certificate is checked. */
  override async start(): Promise<void> {
    await Promise.resolve();
  }

  override decide(request: HttpRequest): MaybePromise<Decision> {
    const { who } = this;
    if (who === 'nobody') {
      return {
        outcome: 'refused',
        error: missingCredentials('credentials_missing'),
        sessionCookie: undefined,
        trace: startOfProgress(),
      };
    }
    const acceptance = this.acceptanceOf(who);
    return this.settings.validate === undefined ? acceptance : this.withUser(acceptance, request);
  }

  override isAnonymous(request: HttpRequest): boolean {
    return this.who === 'nobody' && super.isAnonymous(request);
  }

  override decideAgain(request: HttpRequest): MaybePromise<Decision> {
    return this.decide(request);
  }

  private async withUser(acceptance: Acceptance, request: HttpRequest): Promise<Decision> {
    try {
      return await withUser(acceptance, request, { options: this.settings, statusOf: statusOfHttpException });
    } catch (error) {
      if (!(error instanceof OAuthError)) throw error;
      return { outcome: 'refused', error, sessionCookie: undefined, trace: acceptance.trace };
    }
  }

  private acceptanceOf(who: StandInToken): Acceptance {
    const [server] = this.settings.authorizationServers;
    const { description, proven } = standInToken(who, server?.issuer ?? 'https://as.example.com');
    const token = accessTokenFor(description, proven);
    return {
      outcome: 'accepted',
      token,
      user: token,
      proved: {
        scopes: description.scopes,
        described: description,
        ...proven,
        signedAnswer: undefined,
        psd2Roles: who.psd2Roles ?? [],
        certificate: standInCertificate(who.certificateChain),
        revocable: undefined,
      },
      nextNonce: undefined,
      sessionCookie: undefined,
      validUntil: token.expiresAt * 1_000,
      trace: { ...startOfProgress(), verified: description },
    };
  }
}
