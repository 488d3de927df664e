import type { HttpException } from '@nestjs/common';
import type { RenderedRefusal } from '../../challenge/challenge.js';
import type { OAuthError } from '../../challenge/oauth-error.js';
import { AccessRefusedException, chosenExceptionOf } from '../http/access-refused.exception.js';

/** What the caller of a refused call is told: what the response to a request would say, and nothing more. */
export interface Told {
  /** As HTTP has it. */
  readonly status: number;
  readonly error: string;
  readonly message: string;
  /** `www-authenticate`, `dpop-nonce`, `retry-after`: those that there are. */
  readonly headers: Readonly<Record<string, string>>;
  /** What guards throw. */
  readonly exception: HttpException;
}

/** @param rendered as a response of HTTP */
export function toldOfCall(error: OAuthError, rendered: RenderedRefusal): Told {
  const own = chosenExceptionOf(error);
  const exception = own ?? new AccessRefusedException(rendered, error);
  if (own === undefined || own.getStatus() === 401) {
    const { status, body } = rendered;
    return { status, error: body.error, message: body.message, headers: headersOf(rendered), exception };
  }
  // `validate` chose a status of its own, for which other credentials are no remedy.
  return { status: own.getStatus(), error: own.name, message: own.message, headers: {}, exception };
}

function headersOf({ challenge, nonce, headers }: RenderedRefusal): Readonly<Record<string, string>> {
  return {
    ...(challenge === undefined ? {} : { 'www-authenticate': challenge }),
    ...(nonce === undefined ? {} : { 'dpop-nonce': nonce }),
    ...Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value])),
  };
}
