import type { ExecutionContext } from '@nestjs/common';
import type { RenderedRefusal } from '../../challenge/challenge.js';
import type { OAuthError } from '../../challenge/oauth-error.js';
import { Exchange } from '../exchange/exchange.js';
import { recordOfMessage } from '../exchange/request-record.js';
import type { HandshakeExchange } from './handshake-exchange.js';
import { MessageRefusedException, toldOfMessage } from './message-refused.exception.js';

/** What a client sends over a connection: it is decided by the credentials of the handshake, each time anew. */
export class ClientExchange extends Exchange {
  constructor(
    handshake: HandshakeExchange,
    /** `Class.method`. */
    readonly route: string,
    readonly params: unknown,
  ) {
    super(handshake.request, recordOfMessage(handshake.record));
  }

  refuse(error: OAuthError, rendered: RenderedRefusal): Error {
    return new MessageRefusedException(rendered, error, toldOfMessage(error, rendered));
  }

  /** The connection itself ends with the token. */
  endBy(): void {
    return undefined;
  }

  /** No second proof is asked for. */
  offerNonce(): void {
    return undefined;
  }
}

/** The handshakes of the clients that are connected, by what Nest hands to handlers as the client. */
const clients = new WeakMap<object, HandshakeExchange>();

/** Notes which handshake a client has come by. */
export function noteClient(client: object, handshake: HandshakeExchange): void {
  clients.set(client, handshake);
}

/** The handshake of a client; `undefined` for one that came to no server that this module watches. */
export function handshakeOfClient(client: unknown): HandshakeExchange | undefined {
  return typeof client === 'object' && client !== null ? clients.get(client) : undefined;
}

/** By the arguments of a message, which all of its guards get as one list. */
const byArguments = new WeakMap<object, ClientExchange>();
/** By what is in a message: parameter decorators get a list of their own. */
const byContent = new WeakMap<object, ClientExchange>();

/** The exchange of a message, for its guards: a new one for each message, whatever is in it. */
export function clientExchangeOf(context: ExecutionContext): Exchange | undefined {
  const args = context.getArgs<unknown[]>();
  const known = byArguments.get(args);
  if (known !== undefined) return known;
  const handshake = handshakeOfClient(args[0]);
  if (handshake === undefined) return undefined;
  const exchange = new ClientExchange(
    handshake,
    `${context.getClass().name}.${context.getHandler().name}`,
    args[1],
  );
  byArguments.set(args, exchange);
  byContent.set(contentOf(args), exchange);
  return exchange;
}

/** The exchange of a message, for the decorators of a handler's parameters: that of its guards, where there were any. */
export function parameterExchangeOf(context: ExecutionContext): Exchange | undefined {
  const args = context.getArgs<unknown[]>();
  if (handshakeOfClient(args[0]) === undefined) return undefined;
  return byContent.get(contentOf(args)) ?? clientExchangeOf(context);
}

/**
 * What tells a message from others: its data, or the function that acknowledges it. Where it has neither, its client: what
 * is decided of all messages of a client is decided by the same credentials.
 */
function contentOf([client, ...content]: readonly unknown[]): object {
  return (content.find(isObject) ?? client) as object;
}

function isObject(value: unknown): boolean {
  return (typeof value === 'object' && value !== null) || typeof value === 'function';
}
