import { Injectable } from '@nestjs/common';
import type { SessionCookies } from '../session/session-cookies.js';
import type { AppAuthenticator } from './exchange/app-authenticator.js';
import { responseOf } from './http/reply-of.js';
import { putCookie } from './http/session-cookie.js';

/**
 * Starts and ends sessions: a page that has a certificate-bound token calls by it once, and then by a cookie that stands for it. It
 * needs the option `session`.
 * @example
 * ```ts
 * import { Controller, Delete, Post, Req } from '@nestjs/common';
 * import { Public, Sessions } from 'nestjs-cert-bound-auth';
 *
 * @Controller('session')
 * export class SessionController {
 *   constructor(private readonly sessions: Sessions) {}
 *
 *   @Post() async start(@Req() request: object) {
 *     return { started: await this.sessions.start(request) };
 *   }
 *
 *   @Delete() @Public() end(@Req() request: object): void {
 *     this.sessions.end(request);
 *   }
 * }
 * ```
 */
@Injectable()
export class Sessions {
  /** @param cookies of the app; `undefined` where there are no sessions */
  constructor(
    private readonly authenticator: AppAuthenticator,
    private readonly cookies: SessionCookies | undefined,
  ) {}

  /**
   * Answers with a cookie that stands for the token of a request: one that a guard of this module has let in. It has to be called
   * before the answer begins.
   * @param request of Express or Fastify
   * @returns `false` for a token that is not bound to a certificate alone, or too large for a cookie; `true` as well for a request
   * that has come by a session
   * @throws Error where the app asks wrongly: without the option `session`, or in a public route
   */
  async start(request: object): Promise<boolean> {
    const cookies = this.require();
    const decision = await this.authenticator.atRouteOf(request).decisionAbout(request);
    if (decision?.outcome !== 'accepted')
      throw new Error('Sessions: give a request of HTTP whose token has been accepted, of a protected route');
    if (decision.trace.bySession) return true;
    const cookie = cookies.startedBy(request, decision);
    if (cookie === undefined) return false;
    putCookie(responseOf(request), cookie);
    return true;
  }

  /**
   * Makes the browser forget its session. Who has copied the cookie before can use it on, with the key of the certificate alone: to
   * end that as well, revoke the token.
   * @param request of Express or Fastify, of any route
   * @throws Error without the option `session`
   */
  end(request: object): void {
    const { ended } = this.require();
    putCookie(responseOf(request), ended);
  }

  private require(): SessionCookies {
    if (this.cookies === undefined)
      throw new Error('Sessions: give the module the option session: { secrets }');
    return this.cookies;
  }
}
