import type { ServerResponse } from 'node:http';
import { createServer as createHttpsServer, type Server as HttpsServer } from 'node:https';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import type { TestCertificate } from 'nestjs-cert-bound-auth/testing';
import type { Fault } from './faults.js';

/** Certificates of a {@link FaultyServer}: what it shows when it is well, and what with faults of TLS. */
export interface ServerCertificates {
  readonly good: TestCertificate;
  readonly unknownCa: TestCertificate;
  readonly wrongName: TestCertificate;
  readonly expired: TestCertificate;
}

/**
 * A server that answers every request with one JSON document, or goes wrong in a way of choice. All happens on real
 * sockets: a fault gets the bare TCP connection, or the connection of a request that has been read, and does to it what
 * it does.
 */
export class FaultyServer {
  /** Every connection so far. */
  connections = 0;
  /** Those that are open. */
  readonly open = new Set<Socket>();
  /** The most that were open at a time. */
  mostOpen = 0;
  /** The paths of the requests that were read. */
  readonly requests: string[] = [];
  /** Connections on which a request was answered. */
  private readonly used = new WeakSet<Socket>();
  private fault: Fault | undefined;
  private front: Server | undefined;
  private port = 0;
  /** By its certificate, what TLS and HTTP are spoken by. */
  private readonly behind = new Map<keyof ServerCertificates, HttpsServer>();

  private constructor(
    private readonly certificates: ServerCertificates,
    private readonly document: (url: string) => string,
  ) {}

  /** @param document what it answers when it is well, by its own URL */
  static async start(
    certificates: ServerCertificates,
    document: (url: string) => string,
  ): Promise<FaultyServer> {
    const server = new FaultyServer(certificates, document);
    await server.listen();
    return server;
  }

  /** Its origin. */
  get url(): string {
    return `https://127.0.0.1:${this.port}`;
  }

  /** Goes wrong from now on; what was open is cut. */
  async break(fault: Fault): Promise<void> {
    this.fault = fault;
    this.cutAll();
    if (fault.at === 'nowhere') await this.close();
  }

  /** Is well again, on the same port. */
  async heal(): Promise<void> {
    this.fault = undefined;
    this.cutAll();
    if (this.front === undefined) await this.listen();
  }

  async stop(): Promise<void> {
    this.cutAll();
    await this.close();
  }

  private cutAll(): void {
    for (const socket of this.open) socket.destroy();
  }

  private async listen(): Promise<void> {
    const front = createServer((socket) => this.accept(socket));
    this.front = front;
    await new Promise<void>((resolve) => front.listen(this.port, '127.0.0.1', resolve));
    this.port = (front.address() as AddressInfo).port;
  }

  private async close(): Promise<void> {
    const { front } = this;
    this.front = undefined;
    await new Promise<void>((resolve) => (front === undefined ? resolve() : front.close(() => resolve())));
  }

  private accept(socket: Socket): void {
    this.connections += 1;
    this.open.add(socket);
    this.mostOpen = Math.max(this.mostOpen, this.open.size);
    socket.on('close', () => this.open.delete(socket));
    // Clients go away in the midst of things here.
    socket.on('error', () => undefined);
    const { fault } = this;
    if (fault?.at === 'connection') fault.act(socket);
    else
      this.httpsServer(fault?.at === 'certificate' ? fault.certificate : 'good').emit('connection', socket);
  }

  private httpsServer(name: keyof ServerCertificates): HttpsServer {
    const server = this.behind.get(name) ?? this.createHttpsServer(this.certificates[name]);
    this.behind.set(name, server);
    return server;
  }

  private createHttpsServer({ key, cert }: TestCertificate): HttpsServer {
    const server = createHttpsServer({ key, cert }, (request, response) => {
      this.requests.push(request.url ?? '');
      request.resume().on('end', () => this.answer(request.socket, response));
    });
    server.on('secureConnection', (socket) => socket.on('error', () => undefined));
    server.on('tlsClientError', () => undefined);
    return server;
  }

  private answer(socket: Socket, response: ServerResponse): void {
    const connection = this.connectionOf(socket);
    if (this.fault?.at === 'answer') this.fault.act(socket, connection);
    else if (this.fault?.at === 'kept connection' && this.used.has(connection)) connection.resetAndDestroy();
    else {
      this.used.add(connection);
      response.setHeader('content-type', 'application/json').end(this.document(this.url));
    }
  }

  /** The TCP connection that TLS is spoken on. */
  private connectionOf({ remotePort }: Socket): Socket {
    const found = [...this.open].find((socket) => socket.remotePort === remotePort);
    if (found === undefined) throw new Error('the connection is gone');
    return found;
  }
}
