import { once } from 'node:events';
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls';

/** A response as it came over the connection. */
export interface RawResponse {
  readonly status: number;
  readonly head: string;
}

/** One TLS connection, on which requests are written by hand. */
export class RawConnection {
  private received = Buffer.alloc(0);
  private session: Buffer | undefined;
  private ended = false;

  private constructor(private readonly socket: TLSSocket) {
    socket.on('data', (chunk: Buffer) => {
      this.received = Buffer.concat([this.received, chunk]);
    });
    socket.on('session', (session) => {
      this.session = session;
    });
    socket.on('close', () => {
      this.ended = true;
    });
  }

  static async open(port: number, options: ConnectionOptions): Promise<RawConnection> {
    const socket = connect({ host: '127.0.0.1', servername: 'localhost', port, ...options });
    const connection = new RawConnection(socket);
    await once(socket, 'secureConnect');
    return connection;
  }

  get reused(): boolean {
    return this.socket.isSessionReused();
  }

  get protocol(): string | null {
    return this.socket.getProtocol();
  }

  /** Writes one request for each token in a single write, and reads as many responses. */
  async send(...tokens: readonly string[]): Promise<readonly RawResponse[]> {
    this.socket.write(tokens.map(requestText).join(''));
    return this.read(tokens.length);
  }

  async statuses(...tokens: readonly string[]): Promise<readonly number[]> {
    return (await this.send(...tokens)).map((response) => response.status);
  }

  /** A session to resume. With TLS 1.3 it comes after the handshake: a request has to have been answered. */
  ticket(): Buffer {
    if (this.session === undefined) throw new Error('the server gave no session');
    return this.session;
  }

  close(): void {
    this.socket.destroy();
  }

  private async read(count: number): Promise<readonly RawResponse[]> {
    if (count === 0) return [];
    const response = this.take();
    if (response !== undefined) return [response, ...(await this.read(count - 1))];
    if (this.ended) throw new Error(`the connection ended, ${count} responses are missing`);
    await Promise.race([once(this.socket, 'data'), once(this.socket, 'close')]);
    return this.read(count);
  }

  private take(): RawResponse | undefined {
    const end = this.received.indexOf('\r\n\r\n');
    if (end < 0) return undefined;
    const head = this.received.subarray(0, end).toString('latin1');
    const length = Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? Number.NaN);
    if (Number.isNaN(length)) throw new Error(`no content-length: ${head}`);
    if (this.received.length < end + 4 + length) return undefined;
    this.received = this.received.subarray(end + 4 + length);
    return { status: Number(head.slice(9, 12)), head };
  }
}

function requestText(token: string): string {
  return `GET /main HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${token}\r\n\r\n`;
}
