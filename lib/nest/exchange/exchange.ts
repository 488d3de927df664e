import type { RenderedRefusal } from '../../challenge/challenge.js';
import type { OAuthError } from '../../challenge/oauth-error.js';
import type { HttpRequest } from '../../request/http-request.js';
import type { OpenResponses } from './open-responses.js';
import type { RequestRecord } from './request-record.js';
import type { TokenEnd } from './token-end.js';

/**
 * A call that a guard asks about, and how it is refused there. Each kind of entrance has a class of its own; the decision
 * is the same for all.
 */
export abstract class Exchange {
  constructor(
    /** The request, or what stands for one: credentials and certificate are found in it. */
    readonly request: HttpRequest & { user?: unknown },
    readonly record: RequestRecord,
  ) {}

  /** What was called, for the log and for events: a pattern, never what the caller wrote. */
  abstract get route(): string;

  /** What the app's own checks are told of the call: parameters of the route, arguments of a field, content of a message. */
  abstract readonly params: unknown;

  /**
   * Tells the caller why, where the protocol has a place for it, and makes the exception to throw.
   * @param by who has decided so
   */
  abstract refuse(error: OAuthError, rendered: RenderedRefusal, by: object): Error;

  /**
   * Sees to it that what answers this call does not outlive the token that it was accepted with.
   * @param end of that token
   */
  abstract endBy(end: TokenEnd, responses: OpenResponses): void;

  /** Hands out the nonce for the client's next proof (RFC 9449 §8.2). */
  abstract offerNonce(nonce: string): void;

  /**
   * Answers a request that came by a session, whatever becomes of it: in HTTP alone there is a place for that.
   * @param cookie the `Set-Cookie` that it is to have; `undefined` for none
   */
  answerSession(_cookie: string | undefined): void {
    return undefined;
  }
}
