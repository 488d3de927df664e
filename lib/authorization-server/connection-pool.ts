import type { ServerConnection } from './server-connection.js';

/** The bounds of a pool. */
export interface ConnectionLimits {
  readonly connections: number;
  /** Calls under way and waiting together. */
  readonly calls: number;
}

/** A call that the server has not seen, so that it says nothing of the server. */
export class CallNotSentError extends Error {
  override readonly name = 'CallNotSentError';
}

interface Waiter {
  readonly origin: string;
  readonly serve: (connection: ServerConnection) => void;
  readonly refuse: (error: Error) => void;
}

/**
 * A bounded number of connections, and a bounded queue for them. A connection stays taken until its call is really
 * over, which is later than its caller is told so where it still connects: undici cannot interrupt that (undici#386).
 */
export class ConnectionPool {
  private readonly open = new Set<ServerConnection>();
  private readonly free: ServerConnection[] = [];
  private readonly waiting = new Set<Waiter>();
  private calls = 0;
  private closed = false;

  constructor(
    private readonly limits: ConnectionLimits,
    private readonly connect: (origin: string) => ServerConnection,
  ) {}

  /**
   * Does something with a connection of its own.
   * @param signal ends the waiting, and is to end the work
   * @throws CallNotSentError when too many wait already, or none became free in time
   */
  async use<T>(
    origin: string,
    signal: AbortSignal,
    work: (connection: ServerConnection) => Promise<T>,
  ): Promise<T> {
    if (this.closed) throw new CallNotSentError('the connections are closed');
    if (this.calls >= this.limits.calls) {
      throw new CallNotSentError(`${this.limits.calls} calls are under way or wait already`);
    }
    this.calls += 1;
    try {
      const connection = this.take(origin) ?? (await this.wait(origin, signal));
      const done = work(connection).finally(() => this.release(connection));
      return await orAborted(done, signal);
    } finally {
      this.calls -= 1;
    }
  }

  /** Ends all connections, calls on them, and the waiting. */
  async close(): Promise<void> {
    this.closed = true;
    for (const { refuse } of this.waiting) refuse(new CallNotSentError('the connections were closed'));
    this.waiting.clear();
    await Promise.all([...this.open].map(async (connection) => connection.close()));
  }

  private take(origin: string): ServerConnection | undefined {
    const index = this.free.findLastIndex((connection) => connection.origin === origin);
    if (index !== -1) return this.free.splice(index, 1)[0];
    if (this.open.size < this.limits.connections) return this.add(origin);
    const other = this.free.shift();
    return other === undefined ? undefined : this.replace(other, origin);
  }

  private async wait(origin: string, signal: AbortSignal): Promise<ServerConnection> {
    return new Promise((resolve, reject) => {
      const waiter = { origin, serve: resolve, refuse: reject };
      this.waiting.add(waiter);
      const giveUp = (): void => {
        if (this.waiting.delete(waiter)) reject(new CallNotSentError('no connection became free in time'));
      };
      signal.addEventListener('abort', giveUp);
    });
  }

  /** Where some wait, those whose time is over at this moment as well are to go first: they need it no more. */
  private release(connection: ServerConnection): void {
    if (this.waiting.size === 0) this.free.push(connection);
    else setImmediate(() => this.handOver(connection));
  }

  /** To whoever has waited longest. */
  private handOver(connection: ServerConnection): void {
    const [next] = this.waiting;
    if (next === undefined) {
      this.free.push(connection);
      return;
    }
    this.waiting.delete(next);
    next.serve(next.origin === connection.origin ? connection : this.replace(connection, next.origin));
  }

  private add(origin: string): ServerConnection {
    const connection = this.connect(origin);
    this.open.add(connection);
    return connection;
  }

  private replace(connection: ServerConnection, origin: string): ServerConnection {
    this.open.delete(connection);
    void connection.close();
    return this.add(origin);
  }
}

/** What comes of the work after that is ignored. */
async function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const giveUp = (): void => reject(signal.reason as Error);
    if (signal.aborted) giveUp();
    signal.addEventListener('abort', giveUp);
    work.then(resolve, reject);
  });
}
