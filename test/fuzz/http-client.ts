import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { TestCertificate } from 'nestjs-cert-bound-auth/testing';

/** What an API has answered. */
export interface Answer {
  readonly status: number;
  readonly head: string;
  readonly body: string;
}

/** How to connect. */
export interface Connecting {
  readonly port: number;
  /** Without one, without TLS. */
  readonly ca?: string;
  readonly certificate?: TestCertificate | undefined;
  readonly localAddress?: string;
}

/** One connection, on which requests are written byte by byte, one after the other; a new one where it was ended. */
export class FuzzClient {
  private socket: Socket | undefined;
  private received = '';
  private wake: () => void = () => undefined;

  constructor(private readonly connecting: Connecting) {}

  /** Writes a request and reads its answer. @param request in Latin-1 */
  async send(request: string): Promise<Answer> {
    const socket = await this.connected();
    this.received = '';
    socket.write(request, 'latin1');
    for (;;) {
      const answer = this.answered();
      if (answer !== undefined) return answer;
      if (socket.destroyed) throw new Error(`the connection ended: ${this.received}`);
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
  }

  /** Writes a request that the server may refuse to read, and reads what comes until it ends the connection. */
  async sendUntilEnd(request: string): Promise<string> {
    const socket = await this.connected();
    this.received = '';
    const ended = new Promise((resolve) => socket.once('close', resolve));
    socket.write(request, 'latin1');
    await ended;
    return this.received;
  }

  close(): void {
    this.socket?.destroy();
  }

  private async connected(): Promise<Socket> {
    if (this.socket !== undefined && !this.socket.destroyed && this.socket.readable) return this.socket;
    const { socket, connected } = open(this.connecting);
    socket.setNoDelay(true);
    socket.setEncoding('latin1');
    socket.on('error', () => undefined);
    socket.on('data', (text: string) => {
      this.received += text;
      this.wake();
    });
    socket.on('close', () => this.wake());
    await once(socket, connected);
    this.socket = socket;
    return socket;
  }

  private answered(): Answer | undefined {
    const end = this.received.indexOf('\r\n\r\n');
    if (end < 0) return undefined;
    const head = this.received.slice(0, end);
    const length = Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0);
    const body = this.received.slice(end + 4);
    if (body.length < length) return undefined;
    if (/^connection: *close/im.test(head)) this.socket?.destroy();
    return { status: Number(head.slice(9, 12)), head, body };
  }
}

function open({ port, ca, certificate, localAddress }: Connecting): {
  readonly socket: Socket;
  readonly connected: string;
} {
  const to = { host: '127.0.0.1', port, ...(localAddress === undefined ? {} : { localAddress }) };
  if (ca === undefined) return { socket: connect(to), connected: 'connect' };
  const own = certificate === undefined ? {} : { key: certificate.key, cert: certificate.cert };
  return { socket: connectTls({ ...to, servername: 'localhost', ca, ...own }), connected: 'secureConnect' };
}
