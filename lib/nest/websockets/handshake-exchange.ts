import type { IncomingMessage } from 'node:http';
import type { RenderedRefusal } from '../../challenge/challenge.js';
import type { OAuthError } from '../../challenge/oauth-error.js';
import { Exchange } from '../exchange/exchange.js';
import { recordOf } from '../exchange/request-record.js';
import { type Told, toldOfCall } from '../microservices/told.js';
import type { GatewayApp } from './gateway-app.js';

/** A request that asks for a connection: an upgrade, or one of socket.io's polling. */
export class HandshakeExchange extends Exchange {
  /** What the client is told, where it is refused. */
  refusal: Told | undefined;
  /** Milliseconds since the epoch; `undefined` where the connection may go on. */
  validUntil: number | undefined;
  /** For the client's next proof (RFC 9449 §8.2). */
  nonce: string | undefined;

  constructor(
    readonly app: GatewayApp,
    request: IncomingMessage,
    /** The gateways that it is for: what the client wrote belongs into no log. */
    readonly route: string,
  ) {
    const record = recordOf(request as Exchange['request']);
    record.app = app.modules;
    super(request as Exchange['request'], record);
  }

  refuse(error: OAuthError, rendered: RenderedRefusal): Error {
    this.refusal = toldOfCall(error, rendered);
    return this.refusal.exception;
  }

  endBy(validUntil: number): void {
    this.validUntil = validUntil;
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
  const exchange = new HandshakeExchange(app, request, route);
  handshakes.set(request, exchange);
  return exchange;
}

/** The same, where it has been made. */
export function handshakeOf(request: object): HandshakeExchange | undefined {
  return handshakes.get(request);
}
