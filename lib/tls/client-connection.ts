import type { ServerResponse } from 'node:http';
import type { ServerHttp2Session } from 'node:http2';
import type { TLSSocket } from 'node:tls';

/** A connection of a client. */
export interface ClientConnection {
  /** Whether it serves no further request. */
  readonly retired: boolean;
  /** Ends it: at once when it is idle, else after its current responses. */
  retire(): void;
}

/** A connection of HTTP/1.1: responses in flight are several when requests are pipelined. */
export class Http1Connection implements ClientConnection {
  retired = false;
  private readonly inFlight = new Set<ServerResponse>();

  constructor(private readonly socket: TLSSocket) {}

  /** Notes a response, until it is sent or the client is gone. */
  serve(response: ServerResponse): void {
    this.inFlight.add(response);
    response.once('close', () => {
      this.inFlight.delete(response);
      this.endWhenIdle();
    });
  }

  retire(): void {
    this.retired = true;
    const last = [...this.inFlight].at(-1);
    if (last?.headersSent === false) last.setHeader('Connection', 'close');
    this.endWhenIdle();
  }

  private endWhenIdle(): void {
    if (this.retired && this.inFlight.size === 0) this.socket.destroySoon();
  }
}

/** A connection of HTTP/2, which says goodbye by GOAWAY (RFC 9113 §6.8). */
export class Http2Connection implements ClientConnection {
  retired = false;

  constructor(private readonly session: ServerHttp2Session) {}

  retire(): void {
    this.retired = true;
    this.session.close();
  }
}
