import { atTime } from '../../common/at-time.js';
import type { HandshakeExchange } from './handshake-exchange.js';

/** A connection that may outlive its token. */
export interface OpenConnection {
  readonly end: () => void;
  readonly whenClosed: (act: () => void) => unknown;
}

/** Ends a connection with the token that it was made with, unless it may go on. */
export function endAtExpiry({ validUntil }: HandshakeExchange, { end, whenClosed }: OpenConnection): void {
  if (validUntil !== undefined) whenClosed(atTime(validUntil, end));
}
