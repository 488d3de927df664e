import type { Type } from '@nestjs/common';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { TOKEN_ENDED } from '../exchange/token-end.js';
import { noteClient } from './client-exchange.js';
import { decideHandshake } from './decide-handshake.js';
import { endWithToken } from './end-with-token.js';
import type { GatewayApp } from './gateway-app.js';
import { handshakeFor, handshakeOf } from './handshake-exchange.js';
import { type HandshakePolicy, handshakePolicyOf } from './handshake-policy.js';
import { holdUpgrade } from './hold.js';
import type { GatewayServer } from './server-door.js';

type HandleUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer, done: unknown) => void;

/** What is used of a client of `ws`. */
interface RawClient {
  close(code: number, reason: string): void;
  once(event: 'close', listener: () => void): unknown;
}

/** What is used of `WebSocketServer` of `ws`. */
export interface RawServer {
  handleUpgrade: HandleUpgrade;
  /** Nest puts it there. */
  readonly path?: unknown;
  readonly options: { readonly path?: unknown };
  prependListener(
    event: 'connection',
    listener: (client: RawClient, request: IncomingMessage) => void,
  ): unknown;
  on(event: 'headers', listener: (headers: string[], request: IncomingMessage) => void): unknown;
}

/** "Unauthorized" in IANA's registry of close codes. */
const UNAUTHORIZED = 3000;

/** The gateways that one server of `ws` serves. */
export class WsGateways implements GatewayServer {
  private readonly types = new Set<Type>();
  private known: HandshakePolicy | undefined;

  constructor(
    private readonly server: RawServer,
    private readonly app: GatewayApp,
  ) {
    const handleUpgrade = server.handleUpgrade.bind(server);
    server.handleUpgrade = (request, socket, head, done) =>
      holdUpgrade(this.decide(request), socket, () => handleUpgrade(request, socket, head, done));
    server.prependListener('connection', (client, request) => this.connected(client, request));
    server.on('headers', (headers, request) => {
      const nonce = handshakeOf(request)?.nonce;
      if (nonce !== undefined) headers.push(`DPoP-Nonce: ${nonce}`);
    });
  }

  get gateways(): readonly Type[] {
    return [...this.types];
  }

  get route(): string {
    return `${this.gateways.map(({ name }) => name).join(', ')} handshake`;
  }

  get policy(): HandshakePolicy {
    this.known ??= handshakePolicyOf([...this.types], this.app.protectsAll);
    return this.known;
  }

  add(gateway: Type): void {
    this.types.add(gateway);
    this.known = undefined;
  }

  takesUpgrade({ url = '' }: IncomingMessage): boolean {
    const path = this.server.path ?? this.server.options.path;
    return path !== undefined && path !== null && url.split('?', 1)[0] === path;
  }

  takesRequest(): boolean {
    return false;
  }

  private decide(request: IncomingMessage): ReturnType<typeof decideHandshake> {
    return decideHandshake(handshakeFor(this.app, request, this.route), this.policy);
  }

  private connected(client: RawClient, request: IncomingMessage): void {
    const handshake = handshakeOf(request);
    if (handshake?.app !== this.app) return;
    noteClient(client, handshake);
    endWithToken(handshake, {
      end: (ended) => client.close(UNAUTHORIZED, TOKEN_ENDED[ended]),
      whenClosed: (act) => client.once('close', act),
    });
  }
}
