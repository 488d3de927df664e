import { atTime } from '../../common/at-time.js';
import type { HandshakeExchange } from './handshake-exchange.js';

/** A connection that may outlive its token. */
export interface OpenConnection {
  /** Ends it, and says that its token has expired. */
  readonly expire: () => void;
  /** Ends it, when its client has been told why. */
  readonly end: () => void;
  readonly whenClosed: (act: () => void) => unknown;
}

/** Ends a connection with the token that it was made with, or as soon as that is found to be revoked, unless it may go on. */
export function endAtExpiry(handshake: HandshakeExchange, { expire, end, whenClosed }: OpenConnection): void {
  const { validUntil } = handshake;
  if (validUntil === undefined) return;
  handshake.end = end;
  whenClosed(atTime(validUntil, expire));
}
