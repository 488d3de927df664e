import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { NodeRequest } from '../../request/http-request.js';
import { TOKEN_ALONE } from '../exchange/protect.js';
import { noteDecidedElsewhere } from '../exchange/request-record.js';
import { decideHandshake } from './decide-handshake.js';
import type { GatewayApp } from './gateway-app.js';
import { type HandshakeExchange, handshakeFor } from './handshake-exchange.js';
import type { HandshakePolicy } from './handshake-policy.js';
import { holdRequest, holdUpgrade } from './hold.js';

/** What serves gateways behind a server of HTTP: a server of `ws`, or socket.io. */
export interface GatewayServer {
  /** What it is called in the log and in events. */
  readonly route: string;
  readonly policy: HandshakePolicy;
  /** Whether it takes this upgrade. Where that is not certain, it does not. */
  takesUpgrade(request: IncomingMessage): boolean;
  /** Whether it takes this plain request. */
  takesRequest(request: IncomingMessage): boolean;
}

type Emit = (event: string | symbol, ...args: readonly unknown[]) => boolean;

/** What is used of a server of `node:http` or `node:https`. */
export interface EmittingServer {
  emit: Emit;
}

const doors = new WeakMap<object, ServerDoor>();

/** The door before a server of HTTP: the first one who asks puts it there. */
export function doorOf(server: EmittingServer, app: GatewayApp): ServerDoor {
  const known = doors.get(server);
  if (known !== undefined) return known;
  const door = new ServerDoor(app);
  doors.set(server, door);
  const emit = server.emit.bind(server);
  server.emit = (event, ...args) =>
    door.isConcerned(event, args[0]) ? door.emitted(emit, event, args) : emit(event, ...args);
  return door;
}

/**
 * Decides about every upgrade that comes to a server, and about the polling of socket.io, before any listener hears of it.
 * A listener cannot stop others, so this stands where events are emitted.
 */
export class ServerDoor {
  private readonly gateways = new Set<GatewayServer>();
  /** The upgrade of which no gateway is known: of a library, or of nobody. */
  private readonly unknown: HandshakePolicy;

  constructor(private readonly app: GatewayApp) {
    const demanded = app.protectsAll ? TOKEN_ALONE : undefined;
    this.unknown = { demanded, messagesDemand: false, policy: undefined };
  }

  /** Tells of gateways behind this server. */
  add(server: GatewayServer): void {
    this.gateways.add(server);
  }

  /** Whether an event is one to decide about: of a plain request only where socket.io takes it. */
  isConcerned(event: string | symbol, request: unknown): boolean {
    if (event === 'request') return this.gateways.size > 0 && this.isTaken(request as IncomingMessage);
    return event === 'upgrade' || event === 'connect';
  }

  private isTaken(request: IncomingMessage): boolean {
    for (const server of this.gateways) if (server.takesRequest(request)) return true;
    return false;
  }

  emitted(emit: Emit, event: string | symbol, args: readonly unknown[]): boolean {
    const [request, answering] = args as readonly [NodeRequest, ServerResponse | Duplex];
    const isUpgrade = event !== 'request';
    const server = this.serverOf(request, isUpgrade);
    const exchange = handshakeFor(this.app, request, server?.route ?? 'upgrade');
    const refusal = decideHandshake(exchange, server?.policy ?? this.policyOfUnknown(request));
    if (!isUpgrade)
      holdRequest(refusal, answering as ServerResponse, () => {
        // Of a public gateway nobody decides: what it answers is not held back for that.
        noteDecidedElsewhere(request);
        emit(event, ...args);
      });
    else
      holdUpgrade(refusal, answering as Duplex, () => {
        if (server === undefined) endSocketWithToken(exchange, answering as Duplex);
        emit(event, ...args);
      });
    return true;
  }

  /** What the app has left open may show credentials all the same: what is sent over it may need them. */
  private policyOfUnknown(request: NodeRequest): HandshakePolicy {
    return this.app.isPublic(request)
      ? { demanded: undefined, messagesDemand: true, policy: undefined }
      : this.unknown;
  }

  private serverOf(request: IncomingMessage, isUpgrade: boolean): GatewayServer | undefined {
    for (const server of this.gateways)
      if (isUpgrade ? server.takesUpgrade(request) : server.takesRequest(request)) return server;
    return undefined;
  }
}

/** How long a library has to end its connection in its own way, in milliseconds. */
const GRACE_MS = 1_000;

/** The connection of a library, which may know nothing of tokens. */
function endSocketWithToken({ tokenEnd }: HandshakeExchange, socket: Duplex): void {
  const takeBack = tokenEnd?.whenOver(() => setTimeout(() => socket.destroy(), GRACE_MS).unref());
  if (takeBack !== undefined) socket.once('close', takeBack);
}
