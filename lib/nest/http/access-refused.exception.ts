import { HttpException } from '@nestjs/common';
import type { OAuthError } from '../../challenge/oauth-error.js';
import type { RefusalReason } from '../../challenge/reasons.js';

/** What of a refusal as HTTP is in the exception. */
interface RefusalBody {
  readonly status: number;
  readonly body: { readonly error: string; readonly message: string };
}

/**
 * What the guards and the strategy throw. The challenge is on the response already, so an exception filter may
 * render the body as it likes.
 */
export class AccessRefusedException extends HttpException {
  /** The exact reason: for logs, not for the caller. */
  readonly reason: RefusalReason;

  constructor({ status, body }: RefusalBody, error: OAuthError) {
    super({ ...body }, status, { cause: error });
    this.reason = error.reason;
  }
}

/** The HTTP status that an error of the app's own stands for. */
export function statusOfHttpException(error: unknown): number | undefined {
  return error instanceof HttpException ? error.getStatus() : undefined;
}

/** Where a function of the app decides, and may choose how a request is refused. */
const APP_DECIDES: ReadonlySet<RefusalReason> = new Set<RefusalReason>([
  'user_refused',
  'demand_unmet',
  'authorization_details_unmet',
]);

/** What a function of the app has thrown, where that chose how a request is refused. */
export function chosenExceptionOf({ reason, cause }: OAuthError): HttpException | undefined {
  return APP_DECIDES.has(reason) && cause instanceof HttpException ? cause : undefined;
}
