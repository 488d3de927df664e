import { type IncomingMessage, ServerResponse } from 'node:http';
import { constants, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import { type Server, TLSSocket } from 'node:tls';
import { type ClientConnection, Http1Connection, Http2Connection } from './client-connection.js';
import { log } from '../common/log.js';

/** Events of an HTTP/1.1 server that hand a request to the app. */
const REQUEST_EVENTS: ReadonlySet<unknown> = new Set([
  'request',
  'checkContinue',
  'checkExpectation',
  'upgrade',
  'connect',
]);

/** The open connections of a TLS server, of HTTP/1.1 and HTTP/2, so that those which are too old can be ended. */
export class ClientConnections {
  private readonly known = new Map<object, ClientConnection>();
  /** Whether connections that were open before this object came are too old. */
  private unknownRetired = false;

  /** @param isCurrent whether the handshake of a connection was made by the TLS context now in force */
  constructor(
    server: Server,
    private readonly isCurrent: (socket: TLSSocket) => boolean,
  ) {
    server.on('secureConnection', (socket) => this.accept(socket));
    server.on('session', (session: ServerHttp2Session) => {
      this.add(session, new Http2Connection(session));
    });
    this.gate(server);
  }

  /** Ends every connection after its current responses; what a client sends on them from now on is not served. */
  retire(): void {
    this.unknownRetired = true;
    for (const connection of this.known.values()) connection.retire();
  }

  /** A handshake keeps the context that was in force when its TCP connection was accepted. */
  private accept(socket: TLSSocket): void {
    if (!this.isCurrent(socket)) {
      log.debug('connection closed: its handshake was made by a TLS context that is not in force');
      socket.destroy();
    } else if (socket.alpnProtocol !== 'h2') {
      this.add(socket, new Http1Connection(socket));
    }
  }

  private add<T extends ClientConnection>(key: TLSSocket | ServerHttp2Session, connection: T): T {
    this.known.set(key, connection);
    key.once('close', () => this.known.delete(key));
    return connection;
  }

  /** Every request passes `emit`: a listener could not keep it from the listeners of the app. */
  private gate(server: Server): void {
    const emit = server.emit.bind(server) as (event: unknown, ...args: readonly unknown[]) => boolean;
    const gated = (event: unknown, ...args: readonly unknown[]): boolean =>
      this.admits(event, args) ? emit(event, ...args) : true;
    server.emit = gated;
  }

  private admits(event: unknown, [subject, answer]: readonly unknown[]): boolean {
    if (event === 'stream') return this.admitsStream(subject as ServerHttp2Stream);
    return !REQUEST_EVENTS.has(event) || this.admitsRequest(subject as IncomingMessage, answer);
  }

  private admitsRequest({ httpVersionMajor, socket }: IncomingMessage, answer: unknown): boolean {
    // A request of HTTP/2 has been admitted as a stream; one without a connection was made up by the app.
    if (httpVersionMajor > 1 || !(socket instanceof TLSSocket)) return true;
    const connection = this.find(socket, Http1Connection);
    if (!connection.retired && answer instanceof ServerResponse) connection.serve(answer);
    return !connection.retired;
  }

  private admitsStream(stream: ServerHttp2Stream): boolean {
    if (stream.session === undefined) return true;
    const { retired } = this.find(stream.session as ServerHttp2Session, Http2Connection);
    if (retired) refuse(stream);
    return !retired;
  }

  /** Finds a connection, one that was open before this object came as well. */
  private find<K extends TLSSocket | ServerHttp2Session, T extends ClientConnection>(
    key: K,
    Connection: new (key: K) => T,
  ): T {
    const known = this.known.get(key);
    if (known !== undefined) return known as T;
    const connection = this.add(key, new Connection(key));
    if (this.unknownRetired) connection.retire();
    return connection;
  }
}

/** The client may send a refused stream again, on another connection (RFC 9113 §8.7). */
function refuse(stream: ServerHttp2Stream): void {
  // Nothing else listens to a stream that the app does not get: its error would end the process.
  stream.on('error', () => undefined);
  stream.close(constants.NGHTTP2_REFUSED_STREAM);
}
