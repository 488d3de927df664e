import { invalidRequest, type OAuthError } from '../challenge/oauth-error.js';
import type { RefusalReason } from '../challenge/reasons.js';
import { BoundedLog } from '../common/bounded-log.js';
import type { Acceptance } from '../decision.js';
import { cookiesNamed } from '../request/cookies.js';
import { readAuthorization, readToken } from '../request/credentials.js';
import { headerValues } from '../request/header-values.js';
import { type HttpRequest, rawRequestOf } from '../request/http-request.js';
import { saysOwnPage } from './own-page.js';
import { isForSessions, SentSession } from './sent-session.js';
import { MOST_BYTES, SessionRules } from './session-rules.js';
import type { SessionSettings } from './session-settings.js';

const TOO_LARGE = 'no session for a token that is too large';

/** What tells that a session will be good at no request any more. */
const FINAL: ReadonlySet<RefusalReason> = new Set<RefusalReason>([
  'session_invalid',
  'session_expired',
  'token_expired',
  'token_inactive',
  'token_revoked',
]);

/** The cookies that stand for tokens: they hold them, sealed, and nothing is kept here. */
export class SessionCookies {
  private readonly rules: SessionRules;
  private readonly lines = new BoundedLog();
  /** Makes a browser forget its session. */
  readonly ended: string;

  constructor(private readonly settings: SessionSettings) {
    this.rules = new SessionRules(settings);
    this.ended = `${this.rules.lineOf('')}; Max-Age=0`;
  }

  /** Whether a request shows a session, good or bad. */
  isShownBy(request: HttpRequest): boolean {
    return this.valuesIn(request).length > 0;
  }

  /**
   * The session by which a request is to be judged; `undefined` where it has an `Authorization` header, which counts instead.
   * @throws OAuthError 400 where there are several
   */
  sentIn(request: HttpRequest): SentSession | undefined {
    if (headerValues(rawRequestOf(request), 'authorization').length > 0) return undefined;
    const [value, ...others] = this.valuesIn(request);
    if (others.length === 0)
      return value === undefined ? undefined : new SentSession(this.rules, request, value);
    const detail = `more than one cookie ${this.settings.cookie}`;
    throw invalidRequest('credentials_repeated', { detail });
  }

  private valuesIn(request: HttpRequest): readonly string[] {
    return cookiesNamed(this.settings.cookie, headerValues(rawRequestOf(request), 'cookie'));
  }

  /** Whether a request says that it is from a page of this origin, or from a program. */
  isFromOwnPage(request: HttpRequest): boolean {
    return saysOwnPage(rawRequestOf(request), this.settings);
  }

  /**
   * Starts a session for the token that a request was accepted with.
   * @returns a `Set-Cookie`; `undefined` for a token that a certificate does not bind, or not alone, and for one that no cookie
   * can hold, of which the log tells
   */
  startedBy(request: HttpRequest, { proved: { boundBy }, trace }: Acceptance): string | undefined {
    const { certificateThumbprint } = trace;
    if (!isForSessions(boundBy) || certificateThumbprint === undefined) return undefined;
    const now = Math.floor(Date.now() / 1_000);
    const token = readToken(readAuthorization(request, ['Bearer']), request);
    const session = { token, startedAt: now, sealedAt: now };
    const line = this.rules.lineOf(this.rules.seal.seal(session, certificateThumbprint));
    if (line.length <= MOST_BYTES) return line;
    this.lines.write('warn', TOO_LARGE, `${TOO_LARGE}: its cookie would take ${line.length} bytes`);
    return undefined;
  }

  /**
   * What ends the session of a refused request, where it will be good for nothing any more.
   * @param bySession whether it was judged by one
   */
  endedBy({ reason }: OAuthError, bySession: boolean): string | undefined {
    return bySession && FINAL.has(reason) ? this.ended : undefined;
  }
}
