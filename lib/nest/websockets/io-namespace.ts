import type { Type } from '@nestjs/common';
import { log } from '../../common/log.js';
import { isPromise, type MaybePromise, orReject } from '../../common/maybe-promise.js';
import { messageOf } from '../../common/message-of.js';
import { protect } from '../exchange/protect.js';
import { type TokenEnded, toldOfEnd } from '../exchange/token-end.js';
import { ClientExchange, noteClient } from './client-exchange.js';
import { endWithToken } from './end-with-token.js';
import type { GatewayApp } from './gateway-app.js';
import { type HandshakeExchange, handshakeOf } from './handshake-exchange.js';
import { type HandshakePolicy, handshakePolicyOf } from './handshake-policy.js';
import type { IoConnection, IoNamespace, IoSocket } from './io-api.js';
import { MessageRefusedException } from './message-refused.exception.js';
import { tellClient } from './tell-client.js';

type Next = (error?: Error) => void;

/**
 * The gateways of one namespace of socket.io. Which namespaces a client wants is not known at its handshake, and a connection
 * has several: what the gateways of one demand is asked before they hear of a client.
 */
export class NamespaceGateways {
  private readonly types = new Set<Type>();
  private known: HandshakePolicy | undefined;

  constructor(
    namespace: IoNamespace,
    private readonly app: GatewayApp,
  ) {
    namespace.use((socket, next) => this.admit(socket, next));
    namespace.on('connection', (socket) => connected(socket));
  }

  get gateways(): readonly Type[] {
    return [...this.types];
  }

  get names(): readonly string[] {
    return this.gateways.map(({ name }) => name);
  }

  get policy(): HandshakePolicy {
    this.known ??= handshakePolicyOf([...this.types], this.app.protectsAll);
    return this.known;
  }

  add(gateway: Type): void {
    this.types.add(gateway);
    this.known = undefined;
  }

  private admit(socket: IoSocket, next: Next): void {
    const handshake = handshakeOfSocket(socket);
    const decided = orReject(() => this.decide(handshake));
    const letIn = (): void => {
      if (handshake !== undefined) noteClient(socket, handshake);
      next();
    };
    if (isPromise(decided)) decided.then(letIn, (error: unknown) => next(connectErrorOf(error)));
    else letIn();
  }

  private decide(handshake: HandshakeExchange | undefined): MaybePromise<true> {
    const { demanded } = this.policy;
    if (demanded === undefined) return true;
    // Not by a request of a server that this module watches: nothing is known of who has sent it.
    if (handshake?.app !== this.app) throw new Error('a connection whose handshake nobody has decided about');
    const { authenticator } = this.app;
    if (authenticator.of(demanded).hasPassed(handshake, demanded)) return true;
    const route = `${this.names.join(', ')} connection`;
    return protect(authenticator, new ClientExchange(handshake, route, undefined), demanded);
  }
}

function handshakeOfSocket({ conn }: IoSocket): HandshakeExchange | undefined {
  return conn.request === null ? undefined : handshakeOf(conn.request);
}

/** What the client gets by the event `connect_error`. */
function connectErrorOf(error: unknown): Error {
  if (error instanceof MessageRefusedException)
    return Object.assign(new Error(error.told.message), { data: error.told });
  log.error(`socket.io: ${messageOf(error)}`);
  return new Error('Unauthorized');
}

/** The clients of each connection: one for each namespace. */
const connections = new WeakMap<IoConnection, Set<IoSocket>>();

function connected(socket: IoSocket): void {
  const sockets = connections.get(socket.conn) ?? watch(socket);
  sockets.add(socket);
  socket.once('disconnect', () => sockets.delete(socket));
}

function watch(first: IoSocket): Set<IoSocket> {
  const sockets = new Set<IoSocket>();
  const { conn } = first;
  connections.set(conn, sockets);
  const handshake = handshakeOfSocket(first);
  const end = (ended: TokenEnded): void => {
    for (const socket of sockets) tellClient(socket, toldOfEnd(ended));
    for (const socket of sockets) socket.disconnect(true);
    conn.close();
  };
  if (handshake !== undefined) endWithToken(handshake, { end, whenClosed: (act) => conn.once('close', act) });
  return sockets;
}
