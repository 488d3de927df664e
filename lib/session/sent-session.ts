import { invalidToken, type OAuthError } from '../challenge/oauth-error.js';
import type { BindingMethod } from '../decision.js';
import { type HttpRequest, rawRequestOf } from '../request/http-request.js';
import { requireOwnPage } from './own-page.js';
import type { OpenedSession } from './session-seal.js';
import { MOST_BYTES, type SessionRules } from './session-rules.js';

/** A part of `idle`: a session that is used is sealed again when it has passed, and not on each request. */
const RENEWED_AFTER = 0.1;

/** The cookie of a request that is to be judged by it. */
export class SentSession {
  constructor(
    private readonly rules: SessionRules,
    readonly request: HttpRequest,
    private readonly value: string,
  ) {}

  /** @throws OAuthError 403 for what a page of another site could have made a browser send */
  requireOwnPage(): void {
    requireOwnPage(rawRequestOf(this.request), this.rules.settings);
  }

  /**
   * @param thumbprint of the certificate that the client has proved now
   * @param now seconds since the epoch
   * @throws OAuthError 401 for what was not sealed here, or for another certificate, and for what lasted long enough
   */
  open(thumbprint: string, now: number): SessionInUse {
    const { value, rules } = this;
    const opened = value.length > MOST_BYTES ? undefined : rules.seal.open(value, thumbprint);
    if (opened === undefined) {
      const detail = 'the cookie was not sealed by one of the secrets, for its name and this certificate';
      throw invalidToken('session_invalid', { detail });
    }
    const session = new SessionInUse(rules, opened, thumbprint, now);
    if (now >= session.end) throw expired(`it began ${rules.settings.lifetime} s ago, or earlier`);
    return session;
  }
}

/** What a session means for the response and the time after it. */
export interface SessionGoesOn {
  /** `undefined` where the cookie that the browser has will do. */
  readonly sessionCookie: string | undefined;
  /** Milliseconds since the epoch. */
  readonly validUntil: number;
}

/** A session whose token is to be judged. */
export class SessionInUse {
  constructor(
    private readonly rules: SessionRules,
    private readonly opened: OpenedSession,
    private readonly thumbprint: string,
    private readonly now: number,
  ) {}

  get token(): string {
    return this.opened.token;
  }

  /** Seconds since the epoch. */
  get end(): number {
    return this.opened.startedAt + this.rules.settings.lifetime;
  }

  /** @throws OAuthError 401 where it has not been used for too long */
  requireInUse(): void {
    const { idle } = this.rules.settings;
    if (this.now >= this.opened.sealedAt + idle) throw expired(`it was not used for ${idle} s`);
  }

  /**
   * @param boundBy what binds its token: answers of introspection may change
   * @param validUntil milliseconds since the epoch: the end of its token, which it never outlives
   * @throws OAuthError 401 for a token that no certificate binds, or not alone
   */
  goOn(boundBy: readonly BindingMethod[], validUntil: number): SessionGoesOn {
    if (!isForSessions(boundBy)) {
      throw invalidToken('session_invalid', { detail: 'its token is not bound to a certificate alone' });
    }
    return { sessionCookie: this.renewed(), validUntil: Math.min(validUntil, this.end * 1_000) };
  }

  private renewed(): string | undefined {
    const { rules, now, thumbprint } = this;
    const { token, startedAt, sealedAt, isOld } = this.opened;
    if (!isOld && now - sealedAt < rules.settings.idle * RENEWED_AFTER) return undefined;
    return rules.lineOf(rules.seal.seal({ token, startedAt, sealedAt: Math.floor(now) }, thumbprint));
  }
}

/** A cookie brings no proof of a DPoP key, and anybody could use one for a token that nothing binds. */
export function isForSessions(boundBy: readonly BindingMethod[]): boolean {
  return boundBy.length === 1 && boundBy.includes('certificate');
}

function expired(detail: string): OAuthError {
  return invalidToken('session_expired', { detail });
}
