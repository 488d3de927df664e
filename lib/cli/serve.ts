import { once } from 'node:events';
import { lstat, unlink } from 'node:fs/promises';
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { connect, type Socket } from 'node:net';
import { Server as TlsServer } from 'node:tls';
import { ForwardAuth } from '../forward-auth/forward-auth.js';
import { ExpiryWatch } from '../common/expiry-watch.js';
import { logTo } from '../common/log.js';
import { expiringCertificates } from '../tls/expiring-certificates.js';
import type { Listen, ServeConfig } from './serve-config.js';
import { ServeLog } from './serve-log.js';

/** A server that answers proxies. */
export interface RunningServer {
  /** Where it listens: `http://127.0.0.1:4180`, or the path of a socket. */
  readonly address: string;
  /** Ends it when the requests under way are answered. */
  close(): Promise<void>;
}

/**
 * Token, certificate and cookies come in one request: as many bytes as nginx takes of a client by default, and those of
 * a certificate. A proxy keeps an idle connection for two minutes (Caddy), and must not use one that is just closed.
 */
const LIMITS = { maxHeaderSize: 65_536, keepAliveTimeout: 130_000 } as const;

/** Milliseconds that requests under way get to be answered when the server is to end. */
const PATIENCE = 10_000;

/** Starts a server. @throws Error when it can't listen there */
export async function serve({
  listen,
  tls,
  logLevel,
  forwardAuth: settings,
}: ServeConfig): Promise<RunningServer> {
  const log = new ServeLog(logLevel);
  logTo(log);
  const forwardAuth = new ForwardAuth(settings);
  await forwardAuth.start();
  const answer: RequestListener = (request, response) => void forwardAuth.respond(request, response);
  const server =
    tls === undefined ? createServer(LIMITS, answer) : createTlsServer({ ...LIMITS, ...tls }, answer);
  const connections = connectionsOf(server);
  await startListening(server, listen);
  const expiry = new ExpiryWatch(() => (server instanceof TlsServer ? expiringCertificates(server) : []));
  expiry.start();
  return {
    address: addressOf(server, tls === undefined ? 'http' : 'https'),
    close: async () => {
      expiry.close();
      await endConnections(server, connections);
      await forwardAuth.close();
      log.flush();
    },
  };
}

async function startListening(server: Server, listen: Listen): Promise<void> {
  if ('unix' in listen) {
    await removeStaleSocket(listen.unix);
    server.listen(listen.unix);
  } else {
    server.listen(listen.port, listen.host);
  }
  await once(server, 'listening');
}

/**
 * A server that was killed leaves its socket, at which nobody answers.
 * @throws Error when something else is there, which is not ours to remove
 */
async function removeStaleSocket(path: string): Promise<void> {
  const found = await lstat(path).catch(() => undefined);
  if (found === undefined) return;
  if (!found.isSocket()) {
    throw new Error(`listen.unix: ${path} is there and is no socket: remove it, or name another path`);
  }
  const socket = connect(path);
  const code = await once(socket, 'connect').then(
    () => 'IN_USE',
    (error: NodeJS.ErrnoException) => error.code,
  );
  socket.destroy();
  if (code === 'ECONNREFUSED') await unlink(path);
}

function addressOf(server: Server, scheme: 'http' | 'https'): string {
  const address = server.address();
  if (address === null || typeof address === 'string') return String(address);
  const host = address.family === 'IPv6' ? `[${address.address}]` : address.address;
  return `${scheme}://${host}:${address.port}`;
}

/** Every connection that is open, as it is now: Node forgets one on which TLS is not agreed yet. */
function connectionsOf(server: Server): ReadonlySet<Socket> {
  const connections = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    connections.add(socket);
    socket.once('close', () => connections.delete(socket));
  });
  return connections;
}

async function endConnections(server: Server, connections: ReadonlySet<Socket>): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  const timer = setTimeout(() => {
    for (const socket of connections) socket.destroy();
  }, PATIENCE);
  await closed;
  clearTimeout(timer);
}
