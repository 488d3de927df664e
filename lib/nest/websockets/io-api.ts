import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { EmittingServer } from './server-door.js';

/** What is used of socket.io: none of the package is loaded from here. */
export interface IoServer {
  readonly engine: IoEngine;
  readonly httpServer?: EmittingServer;
  readonly opts?: { readonly connectionStateRecovery?: { skipMiddlewares?: boolean } };
  path(): string;
  of(name: string): IoNamespace;
}

/** What is used of engine.io, which carries it. */
export interface IoEngine {
  handleRequest: (request: IncomingMessage, response: ServerResponse) => void;
  handleUpgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) => void;
  readonly opts: { readonly addTrailingSlash?: boolean };
  readonly clients: Readonly<Record<string, IoConnection>>;
  on(
    event: 'headers',
    listener: (headers: Record<string, string>, request: IncomingMessage) => void,
  ): unknown;
}

/** A connection of engine.io, whatever carries it. */
export interface IoConnection {
  readonly request: IncomingMessage | null;
  close(): void;
  once(event: 'close', listener: () => void): unknown;
}

/** What is used of a namespace. */
export interface IoNamespace {
  readonly server: IoServer;
  use(middleware: (socket: IoSocket, next: (error?: Error) => void) => void): unknown;
  on(event: 'connection', listener: (socket: IoSocket) => void): unknown;
}

/** What is used of a client in a namespace: what Nest hands to handlers. */
export interface IoSocket {
  readonly conn: IoConnection;
  /** @param close whether the connection ends as well, with all its namespaces */
  disconnect(close: boolean): unknown;
  once(event: 'disconnect', listener: () => void): unknown;
}

/** The namespace that Nest has got from its adapter: a server stands for its main one. */
export function namespaceOf(server: object): IoNamespace | undefined {
  if (isIoServer(server)) return server.of('/');
  const { use, server: parent } = server as Partial<IoNamespace>;
  return typeof use === 'function' && isIoServer(parent) ? (server as IoNamespace) : undefined;
}

function isIoServer(server: unknown): server is IoServer {
  const { of, path, engine } = (server ?? {}) as Partial<IoServer>;
  if (typeof of !== 'function' || typeof path !== 'function') return false;
  return typeof engine?.handleRequest === 'function' && typeof engine.handleUpgrade === 'function';
}
