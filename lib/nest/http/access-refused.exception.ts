import { HttpException } from '@nestjs/common';
import type { RenderedRefusal } from '../../challenge/challenge.js';
import type { OAuthError } from '../../challenge/oauth-error.js';
import type { RefusalReason } from '../../challenge/reasons.js';

/**
 * What the guards and the strategy throw. The challenge is on the response already, so an exception filter may
 * render the body as it likes.
 */
export class AccessRefusedException extends HttpException {
  /** The exact reason: for logs, not for the caller. */
  readonly reason: RefusalReason;

  constructor(rendered: RenderedRefusal, error: OAuthError) {
    super({ ...rendered.body }, rendered.status, { cause: error });
    this.reason = error.reason;
  }
}

/** The HTTP status that an error of the app's own stands for. */
export function statusOfHttpException(error: unknown): number | undefined {
  return error instanceof HttpException ? error.getStatus() : undefined;
}
