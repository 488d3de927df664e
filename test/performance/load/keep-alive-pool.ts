import type { ClientIdentity } from './certificate.js';
import { Connection } from './connection.js';
import type { RequestList } from './request-list.js';

/** Connections to one server, which stay open between rounds. */
export class KeepAlivePool {
  private readonly connections: readonly Connection[];
  private answered = 0;
  private busy = 0;
  private settle: ((error?: Error) => void) | undefined;

  /**
   * @param identity `undefined` for plain HTTP
   * @param status that every answer must have
   */
  constructor(port: number, connections: number, identity: ClientIdentity | undefined, status?: number) {
    const events = {
      answered: () => {
        this.answered += 1;
      },
      idle: () => {
        this.busy -= 1;
        if (this.busy === 0) this.settle?.();
      },
      failed: (error: Error) => this.settle?.(error),
    };
    this.connections = Array.from(
      { length: connections },
      () => new Connection(port, identity, events, status),
    );
  }

  /** Sends the requests of a list, as many at once as there are connections. @returns how many were answered */
  async run(requests: RequestList): Promise<number> {
    this.answered = 0;
    this.busy = this.connections.length;
    await new Promise<void>((resolve, reject) => {
      this.settle = (error) => {
        if (error === undefined) resolve();
        else reject(error);
      };
      for (const connection of this.connections) connection.send(requests);
    });
    this.settle = undefined;
    return this.answered;
  }

  close(): void {
    for (const connection of this.connections) connection.close();
  }
}
