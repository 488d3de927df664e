import type { TokenEnded } from '../exchange/token-end.js';
import type { HandshakeExchange } from './handshake-exchange.js';

/** A connection that may outlive its token. */
export interface OpenConnection {
  /** Ends it, and says what has become of its token. */
  readonly end: (ended: TokenEnded) => void;
  readonly whenClosed: (act: () => void) => unknown;
}

/** How long the message which shows that a token is revoked has to be answered by its refusal, in milliseconds. */
const GRACE_MS = 500;

/** Ends a connection with the token that it was made with, or when that is found to be revoked, unless it may go on. */
export function endWithToken(handshake: HandshakeExchange, { end, whenClosed }: OpenConnection): void {
  const { tokenEnd } = handshake;
  if (tokenEnd === undefined) return;
  handshake.end = () => end('revoked');
  whenClosed(
    tokenEnd.whenOver((ended) => {
      if (ended === 'expired') end(ended);
      else setTimeout(() => end(ended), GRACE_MS).unref();
    }),
  );
}
