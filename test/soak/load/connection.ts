import { createHash } from 'node:crypto';
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { type Response, ResponseReader } from './response-reader.js';

/** The server has closed the connection instead of an answer; the request may be sent again on another one. */
export class ConnectionLostError extends Error {}

interface Waiting {
  readonly resolve: (response: Response) => void;
  readonly reject: (error: Error) => void;
}

/** A keep-alive connection over a bare TLS socket: one request at a time. */
export class Connection {
  private readonly responses = new ResponseReader();
  private waiting: Waiting | undefined;

  private constructor(private readonly socket: TLSSocket) {
    socket.on('data', (chunk: Buffer) => this.receive(chunk));
    // Each error is followed by the end.
    socket.on('error', () => undefined);
    socket.on('close', () => this.end());
  }

  /** Connects. @throws ConnectionLostError where the handshake fails */
  static async open(options: ConnectionOptions): Promise<Connection> {
    const socket = connect(options);
    socket.setNoDelay(true);
    await new Promise<void>((resolve, reject) => {
      socket.once('secureConnect', resolve);
      socket.once('error', (error) => reject(new ConnectionLostError(`no handshake: ${error.message}`)));
      socket.once('close', () => reject(new ConnectionLostError('closed in the handshake')));
    });
    return new Connection(socket);
  }

  get closed(): boolean {
    return this.socket.destroyed || this.socket.readableEnded;
  }

  /** SHA-256 of the certificate that the server has just shown; `undefined` where a session was resumed. */
  get shownCertificate(): string | undefined {
    const { raw } = this.socket.getPeerX509Certificate() ?? {};
    if (raw === undefined || this.socket.isSessionReused()) return undefined;
    return createHash('sha256').update(raw).digest('base64url');
  }

  get resumed(): boolean {
    return this.socket.isSessionReused();
  }

  /** Is told of sessions that can be resumed. */
  onSession(keep: (session: Buffer) => void): void {
    this.socket.on('session', keep);
  }

  /** Sends a request. @throws ConnectionLostError when the connection ends before a response has begun */
  async send(request: Buffer): Promise<Response> {
    if (this.closed) throw new ConnectionLostError('closed before the request');
    return new Promise((resolve, reject) => {
      this.waiting = { resolve, reject };
      this.socket.write(request);
    });
  }

  /** Goes away, in the midst of an answer too. */
  leave(): void {
    this.socket.destroy();
  }

  /** Sends a request and goes away without the answer. */
  async abandon(request: Buffer): Promise<void> {
    await new Promise<void>((resolve) => {
      this.socket.write(request, () => resolve());
      this.socket.once('close', resolve);
    });
    this.socket.destroy();
  }

  private receive(chunk: Buffer): void {
    const { waiting } = this;
    try {
      const response = this.responses.read(chunk);
      if (response === undefined) return;
      this.waiting = undefined;
      waiting?.resolve(response);
    } catch (error) {
      waiting?.reject(error as Error);
      this.socket.destroy();
    }
  }

  private end(): void {
    const text = 'the connection ended';
    this.waiting?.reject(
      this.responses.begun ? new Error(`${text} in the midst of an answer`) : new ConnectionLostError(text),
    );
    this.waiting = undefined;
  }
}
