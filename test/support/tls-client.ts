import { once } from 'node:events';
import { type ClientHttp2Session, connect as connectHttp2 } from 'node:http2';
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { whenOver } from './world.js';

/** The status of a response, or that the connection or the request was refused. */
export type Answer = number | 'refused';

/** One connection to a server. */
export interface TlsClient {
  readonly socket: TLSSocket;
  /** Sends a request, even when earlier ones are not answered yet. */
  get(path: string, headers?: Readonly<Record<string, string>>): Promise<Answer>;
  /** Whether the server has ended the connection. */
  readonly ended: boolean;
  /** A session to resume, which is there after the first answer. */
  readonly session: Buffer | undefined;
}

/** How to connect. */
export interface TlsClientOptions extends ConnectionOptions {
  readonly port: number;
  /** @default 1 */
  readonly http?: 1 | 2;
}

/** Connects a client, which ends with the test. Its first answer tells whether the server accepts it. */
export async function openClient({ http = 1, ...options }: TlsClientOptions): Promise<TlsClient> {
  const ALPNProtocols = http === 2 ? ['h2'] : ['http/1.1'];
  const socket = connect({ host: '127.0.0.1', servername: 'localhost', ALPNProtocols, ...options });
  whenOver(async () => socket.destroy());
  const client = http === 2 ? new Http2Client(socket) : new Http1Client(socket);
  await Promise.race([once(socket, 'secureConnect'), once(socket, 'close')]).catch(() => undefined);
  return client;
}

abstract class Client {
  ended = false;
  session: Buffer | undefined;

  constructor(readonly socket: TLSSocket) {
    socket.on('error', () => undefined);
    socket.on('session', (session) => {
      this.session = session;
    });
    for (const event of ['end', 'close']) {
      socket.on(event, () => {
        this.ended = true;
      });
    }
  }
}

class Http1Client extends Client implements TlsClient {
  private received = Buffer.alloc(0);
  private readonly waiting: ((answer: Answer) => void)[] = [];

  constructor(socket: TLSSocket) {
    super(socket);
    socket.on('data', (chunk: Buffer) => {
      this.received = Buffer.concat([this.received, chunk]);
      this.answer();
    });
    socket.on('close', () => {
      for (const answer of this.waiting.splice(0)) answer('refused');
    });
  }

  async get(path: string, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
    if (this.socket.destroyed) return 'refused';
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    this.socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n${lines.join('')}\r\n`);
    return new Promise((resolve) => {
      this.waiting.push(resolve);
    });
  }

  private answer(): void {
    const end = this.received.indexOf('\r\n\r\n');
    if (end < 0) return;
    const head = this.received.subarray(0, end).toString('latin1');
    const length = end + 4 + Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0);
    if (this.received.length < length) return;
    this.received = this.received.subarray(length);
    this.waiting.shift()?.(Number(head.slice(9, 12)));
    this.answer();
  }
}

class Http2Client extends Client implements TlsClient {
  private readonly http2: ClientHttp2Session;

  constructor(socket: TLSSocket) {
    super(socket);
    this.http2 = connectHttp2('https://localhost', { createConnection: () => socket });
    this.http2.on('error', () => undefined);
  }

  /** A request counts as refused, too, when the client itself does not send it after a GOAWAY. */
  async get(path: string, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
    if (this.http2.closed || this.http2.destroyed) return 'refused';
    return new Promise((resolve) => {
      const stream = this.http2.request({ ':path': path, ...headers });
      let status: Answer = 'refused';
      stream.on('response', (response) => {
        status = response[':status'] ?? 'refused';
      });
      stream.on('error', () => undefined);
      stream.on('close', () => resolve(status));
      stream.resume();
    });
  }
}
