import { andThen, isPromise, type MaybePromise } from '../../common/maybe-promise.js';
import { log } from '../../common/log.js';
import { messageOf } from '../../common/message-of.js';
import { headerValues } from '../../request/header-values.js';
import { rawRequestOf } from '../../request/http-request.js';
import { protect } from '../exchange/protect.js';
import { ORIGIN_REFUSED } from '../http/check-origin.js';
import type { HandshakeExchange } from './handshake-exchange.js';
import type { HandshakePolicy } from './handshake-policy.js';

/** What a client is told that may not connect. */
export interface HandshakeRefusal {
  readonly status: number;
  readonly error: string;
  readonly message: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Decides about a handshake. @returns how it is refused; `undefined` where it may go on */
export function decideHandshake(
  exchange: HandshakeExchange,
  { demanded, messagesDemand, policy }: HandshakePolicy,
): MaybePromise<HandshakeRefusal | undefined> {
  const { authenticator, mayCall } = exchange.app;
  if (!mayCall(rawRequestOf(exchange.request))) return OTHER_ORIGIN;
  if (demanded !== undefined) return refusalBy(exchange, () => protect(authenticator, exchange, demanded));
  if (!messagesDemand || !hasCredentials(exchange)) return undefined;
  // Messages are decided by what is found now: later a proof would be too old. Whoever is refused may connect all the same.
  return refusalBy(exchange, () => andThen(authenticator.of({ policy }).decide(exchange), () => true));
}

function hasCredentials({ app, request, record }: HandshakeExchange): boolean {
  return (
    record.ticket !== undefined ||
    headerValues(rawRequestOf(request), 'authorization').length > 0 ||
    app.authenticator.showsSession(request)
  );
}

const OTHER_ORIGIN: HandshakeRefusal = {
  status: 403,
  error: 'Forbidden',
  message: ORIGIN_REFUSED,
  headers: {},
};

const FAULT: HandshakeRefusal = {
  status: 500,
  error: 'Internal Server Error',
  message: 'Internal server error',
  headers: {},
};

function refusalBy(
  exchange: HandshakeExchange,
  decide: () => MaybePromise<unknown>,
): MaybePromise<HandshakeRefusal | undefined> {
  const refused = (error: unknown): HandshakeRefusal => {
    // What is no refusal is a fault of ours, or of the app's functions: the log is told, and nobody else.
    if (exchange.refusal === undefined) log.error(`${exchange.route}: ${messageOf(error)}`);
    return exchange.refusal ?? FAULT;
  };
  try {
    const decided = decide();
    return isPromise(decided) ? decided.then(() => undefined, refused) : undefined;
  } catch (error) {
    return refused(error);
  }
}
