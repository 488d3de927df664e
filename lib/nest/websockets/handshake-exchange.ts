import type { IncomingMessage } from 'node:http';
import type { RenderedRefusal } from '../../challenge/challenge.js';
import type { OAuthError } from '../../challenge/oauth-error.js';
import { Exchange } from '../exchange/exchange.js';
import { recordOf } from '../exchange/request-record.js';
import type { TokenEnd } from '../exchange/token-end.js';
import { type Told, toldOfCall } from '../microservices/told.js';
import type { GatewayApp } from './gateway-app.js';
import { redeemer, requestWithTicket, takeTickets } from './ticket-handshake.js';

/** A request that asks for a connection: an upgrade, or one of socket.io's polling. */
export class HandshakeExchange extends Exchange {
  /** What the client is told, where it is refused. */
  refusal: Told | undefined;
  /** Of its token; `undefined` where the connection may go on. */
  tokenEnd: TokenEnd | undefined;
  /** Ends the connection; `undefined` where it may go on. */
  end: (() => void) | undefined;
  /** For the client's next proof (RFC 9449 §8.2). */
  nonce: string | undefined;

  constructor(
    readonly app: GatewayApp,
    request: Exchange['request'],
    /** The gateways that it is for: what the client wrote belongs into no log. */
    readonly route: string,
  ) {
    const record = recordOf(request);
    record.app = app.modules;
    super(request, record);
  }

  readonly params = undefined;

  refuse(error: OAuthError, rendered: RenderedRefusal): Error {
    this.refusal = toldOfCall(error, rendered);
    return this.refusal.exception;
  }

  endBy(end: TokenEnd): void {
    this.tokenEnd = end;
  }

  offerNonce(nonce: string): void {
    this.nonce = nonce;
  }
}

const handshakes = new WeakMap<object, HandshakeExchange>();

/** The exchange of a request that asks for a connection: the same for all that ask. */
export function handshakeFor(app: GatewayApp, request: IncomingMessage, route: string): HandshakeExchange {
  const known = handshakes.get(request);
  if (known?.app === app) return known;
  const exchange = exchangeFor(app, request, route);
  handshakes.set(request, exchange);
  return exchange;
}

function exchangeFor(app: GatewayApp, request: IncomingMessage, route: string): HandshakeExchange {
  const { tickets, authenticator } = app;
  const offered = tickets === undefined ? [] : takeTickets(request);
  if (tickets === undefined || offered.length === 0)
    return new HandshakeExchange(app, request as Exchange['request'], route);
  const standing = requestWithTicket(request);
  const exchange = new HandshakeExchange(app, standing, route);
  exchange.record.ticket = redeemer(standing, offered, { tickets, authenticator });
  return exchange;
}

/** The same, where it has been made. */
export function handshakeOf(request: object): HandshakeExchange | undefined {
  return handshakes.get(request);
}
