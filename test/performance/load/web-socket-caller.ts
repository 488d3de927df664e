import { once } from 'node:events';
import { WebSocket } from 'ws';
import type { Caller } from './call-pool.js';
import type { ClientIdentity } from './certificate.js';

const MESSAGE = JSON.stringify({ event: 'list', data: {} });

/** A client of a gateway, whose token is in its handshake. */
export class WebSocketCaller implements Caller {
  private readonly socket: WebSocket;
  private readonly opened: Promise<unknown>;

  constructor(port: number, path: string, token: string, identity: ClientIdentity) {
    this.socket = new WebSocket(`wss://localhost:${port}${path}`, {
      ...identity,
      headers: { authorization: `Bearer ${token}` },
    });
    this.opened = once(this.socket, 'open');
    // Whoever calls hears of it.
    this.opened.catch(() => undefined);
  }

  async call(): Promise<void> {
    if (this.socket.readyState !== WebSocket.OPEN) await this.opened;
    const answered = new Promise<string>((resolve) => {
      this.socket.once('message', (data: Buffer) => resolve(data.toString()));
    });
    this.socket.send(MESSAGE);
    const answer = await answered;
    if (!answer.includes('booked')) throw new Error(`the gateway answered ${answer}`);
  }

  close(): void {
    this.socket.terminate();
  }
}
