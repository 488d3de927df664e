import type { IncomingMessage } from 'node:http';
import { andThen, type MaybePromise } from '../../common/maybe-promise.js';
import type { Decision } from '../../decision.js';
import type { RequestAuthenticator } from '../exchange/request-authenticator.js';
import { decidedBy } from '../exchange/request-record.js';
import type { HandshakeRefusal } from './decide-handshake.js';
import { type HandshakeExchange, handshakeOf } from './handshake-exchange.js';
import type { IoConnection, IoEngine } from './io-api.js';

/** As engine.io answers where it knows no such session. */
const UNKNOWN_SESSION: HandshakeRefusal = {
  status: 400,
  error: 'Bad Request',
  message: 'Session ID unknown',
  headers: {},
};

/**
 * Whether a request goes on with a session of engine.io that is another's: who has learned its identifier, which stands in
 * URLs, must not read its messages, nor send any in its name. It comes with the token that it was begun with.
 * @param authenticator by which the connection is decided about
 */
export function sessionRefusal(
  handshake: HandshakeExchange,
  request: IncomingMessage,
  { clients }: IoEngine,
  authenticator: RequestAuthenticator,
): MaybePromise<HandshakeRefusal | undefined> {
  const sessions = sessionsIn(request);
  // Parsers differ in which of several counts.
  if (sessions.length > 1) return UNKNOWN_SESSION;
  const [id] = sessions;
  if (id === undefined || !Object.hasOwn(clients, id)) return undefined;
  return belongsTo(clients[id], handshake, authenticator);
}

function sessionsIn({ url = '' }: IncomingMessage): readonly string[] {
  const query = url.indexOf('?');
  return query === -1 ? [] : new URLSearchParams(url.slice(query + 1)).getAll('sid');
}

function belongsTo(
  session: IoConnection | undefined,
  handshake: HandshakeExchange,
  authenticator: RequestAuthenticator,
): MaybePromise<HandshakeRefusal | undefined> {
  const begun = session?.request ? handshakeOf(session.request) : undefined;
  const decided = begun === undefined ? undefined : decidedBy(begun.record, authenticator);
  // Begun without credentials, it is nobody's.
  if (decided === undefined) return undefined;
  return andThen(decided.decision, (first) =>
    andThen(authenticator.decide(handshake), (now) =>
      isSameToken(first, now) ? undefined : UNKNOWN_SESSION,
    ),
  );
}

function isSameToken(first: Decision, now: Decision): boolean {
  if (first.outcome === 'refused') return true;
  return now.outcome === 'accepted' && now.trace.tokenDigest === first.trace.tokenDigest;
}
