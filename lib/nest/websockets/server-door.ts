import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { decideHandshake } from './decide-handshake.js';
import type { GatewayApp } from './gateway-app.js';
import { handshakeFor } from './handshake-exchange.js';
import { type HandshakePolicy, TOKEN_ALONE } from './handshake-policy.js';
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
  server.emit = (event, ...args) => door.emitted(emit, event, args);
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
    this.unknown = { demanded: app.protectsAll ? TOKEN_ALONE : undefined, messagesDemand: false };
  }

  /** Tells of gateways behind this server. */
  add(server: GatewayServer): void {
    this.gateways.add(server);
  }

  emitted(emit: Emit, event: string | symbol, args: readonly unknown[]): boolean {
    if (event === 'request') return this.requested(emit, args as readonly [IncomingMessage, ServerResponse]);
    if (event !== 'upgrade' && event !== 'connect') return emit(event, ...args);
    const [request, socket] = args as readonly [IncomingMessage, Duplex];
    const { route = 'upgrade', policy = this.unknown } =
      this.find((server) => server.takesUpgrade(request)) ?? {};
    const refusal = decideHandshake(handshakeFor(this.app, request, route), policy);
    holdUpgrade(refusal, socket, () => emit(event, ...args));
    return true;
  }

  private requested(emit: Emit, args: readonly [IncomingMessage, ServerResponse]): boolean {
    const [request, response] = args;
    const server = this.find((each) => each.takesRequest(request));
    if (server === undefined) return emit('request', request, response);
    const refusal = decideHandshake(handshakeFor(this.app, request, server.route), server.policy);
    holdRequest(refusal, response, () => emit('request', request, response));
    return true;
  }

  private find(isSearched: (server: GatewayServer) => boolean): GatewayServer | undefined {
    for (const server of this.gateways) if (isSearched(server)) return server;
    return undefined;
  }
}
