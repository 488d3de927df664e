import type { RenderedRefusal } from '../../challenge/challenge.js';
import type { OAuthError } from '../../challenge/oauth-error.js';
import { AccessRefusedException, chosenExceptionOf } from '../http/access-refused.exception.js';

/** What a client is told of a refused message, by the event `exception`. */
export interface ToldOfMessage {
  readonly status: 'error';
  /** As HTTP has it. */
  readonly statusCode: number;
  readonly error: string;
  readonly message: string;
  /** The scopes that would be enough, separated by spaces. */
  readonly scope?: string;
}

/** What guards throw in a gateway. */
export class MessageRefusedException extends AccessRefusedException {
  constructor(
    rendered: RenderedRefusal,
    error: OAuthError,
    readonly told: ToldOfMessage,
  ) {
    super(rendered, error);
  }

  /** Whether the token itself is no good any more, whatever handler is asked. */
  get isOfToken(): boolean {
    return this.getStatus() === 401 && this.reason !== 'binding_insufficient';
  }
}

/** What a client is told: no more than the challenge of HTTP would say. */
export function toldOfMessage(error: OAuthError, { status, body }: RenderedRefusal): ToldOfMessage {
  // `validate` chose a status of its own.
  const chosen = chosenExceptionOf(error);
  if (chosen !== undefined && chosen.getStatus() !== 401)
    return { status: 'error', statusCode: chosen.getStatus(), error: chosen.name, message: chosen.message };
  const { refusal } = error;
  const scope = refusal.code === 'insufficient_scope' ? { scope: refusal.scope.join(' ') } : {};
  return { status: 'error', statusCode: status, error: body.error, message: body.message, ...scope };
}
