import type { Acceptance, ProvenToken, RequestTrace, VerifiedAccessToken } from '../decision.js';
import { accessTokenFor } from './describe-access-token.js';

/** What became of a request whose token nobody but this library is expected to read: it is copied only for whoever does. */
export class UnreadAcceptance implements Acceptance {
  readonly outcome = 'accepted';

  constructor(
    readonly proved: ProvenToken,
    readonly nextNonce: string | undefined,
    readonly sessionCookie: string | undefined,
    readonly validUntil: number,
    readonly trace: RequestTrace,
  ) {}

  /** A new copy each time. */
  get token(): VerifiedAccessToken {
    return accessTokenFor(this.proved.described, this.proved);
  }

  get user(): VerifiedAccessToken {
    return this.token;
  }
}
