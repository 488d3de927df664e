import { connect as connectPlainly, type OnReadOpts, type Socket } from 'node:net';
import { connect, type ConnectionOptions } from 'node:tls';
import type { ClientIdentity } from './certificate.js';
import type { RequestList } from './request-list.js';
import { ResponseReader } from './response-reader.js';

/** Most bytes that one read brings. */
const READ_SIZE = 16_384;

/** What a connection tells its owner. */
export interface ConnectionEvents {
  answered(): void;
  /** No further request, and no answer outstanding. */
  idle(): void;
  failed(error: Error): void;
}

/**
 * A keep-alive connection over a bare socket: one request at a time, the next as soon as the answer is there.
 */
export class Connection {
  private readonly responses: ResponseReader;
  private requests: RequestList | undefined;
  private readonly socket: Socket;

  constructor(
    port: number,
    identity: ClientIdentity | undefined,
    private readonly events: ConnectionEvents,
    status?: number,
  ) {
    this.responses = new ResponseReader(status);
    this.socket = connectTo(port, identity, (length, chunk) => this.receive(length, chunk));
    this.socket.on('error', (error) => this.events.failed(error));
    this.socket.on('close', () => {
      if (this.requests !== undefined) this.events.failed(new Error('the server closed a connection'));
    });
  }

  /** Sends the requests of a list until it ends. */
  send(requests: RequestList): void {
    this.requests = requests;
    this.sendNext();
  }

  close(): void {
    this.socket.destroy();
  }

  private sendNext(): void {
    const request = this.requests?.next();
    if (request !== undefined) {
      this.socket.write(request);
      return;
    }
    this.requests = undefined;
    this.events.idle();
  }

  private receive(length: number, chunk: Buffer): void {
    try {
      if (!this.responses.read(chunk, length)) return;
    } catch (error) {
      this.events.failed(error as Error);
      return;
    }
    this.events.answered();
    this.sendNext();
  }
}

/**
 * Opens a connection, of TLS without resuming a session where there is a certificate to prove; what comes goes past
 * Node's streams.
 */
export function connectTo(
  port: number,
  identity: ClientIdentity | undefined,
  receive: (length: number, chunk: Buffer) => void,
): Socket {
  const onread: OnReadOpts = {
    buffer: Buffer.alloc(READ_SIZE),
    callback: (length, chunk) => {
      receive(length, chunk as Buffer);
      return true;
    },
  };
  const place = { host: '127.0.0.1', port, onread };
  const options: ConnectionOptions & { readonly onread: OnReadOpts } = {
    ...identity,
    ...place,
    servername: 'localhost',
  };
  const socket = identity === undefined ? connectPlainly(place) : connect(options);
  socket.setNoDelay(true);
  return socket;
}
