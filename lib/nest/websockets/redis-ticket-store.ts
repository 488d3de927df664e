import type { WebSocketTicketStore } from '../../cert-bound-auth.options.js';
import type { RedisClient } from '../../redis/redis-client.js';
import { RedisConnection } from '../../redis/redis-connection.js';

/** How a {@link RedisWebSocketTicketStore} uses Redis. */
export interface RedisWebSocketTicketStoreOptions {
  /** What its keys begin with: the same on all instances of an API. @default 'cert-bound-auth:ticket:' */
  readonly prefix?: string;
  /**
   * Milliseconds until Redis must have answered, a whole number, 1 to 60000; after that the request is answered with
   * 503. It is after five seconds in any case.
   * @default 500
   */
  readonly timeout?: number;
}

/**
 * Keeps tickets for WebSockets in Redis 6.2 or later (or Valkey), for all instances of an API together: one `SET … NX PX` for
 * each ticket, and one `GETDEL` for its use, so that of several instances one gets it. While Redis does not answer, no
 * ticket is made or accepted (503), and one whose `GETDEL` was on its way then counts as used.
 *
 * What Redis forgets is refused, so any `maxmemory-policy` will do. One loss is to be known: replicas are written to
 * afterwards, so behind a failover a ticket that has just been used could be used once more, until it expires, from the same
 * `Origin` and with the same certificate.
 * @example
 * ```ts
 * import { Redis } from 'ioredis';
 * import { RedisWebSocketTicketStore, type WebSocketTicketOptions } from 'nestjs-cert-bound-auth';
 *
 * export const webSocketTickets: WebSocketTicketOptions = {
 *   store: new RedisWebSocketTicketStore(new Redis()),
 * };
 * ```
 */
export class RedisWebSocketTicketStore implements WebSocketTicketStore {
  private readonly redis: RedisConnection;

  /** @throws TypeError when the client is none; RangeError when the timeout is wrong */
  constructor(
    client: RedisClient,
    { prefix = 'cert-bound-auth:ticket:', timeout = 500 }: RedisWebSocketTicketStoreOptions = {},
  ) {
    this.redis = new RedisConnection(client, { prefix, timeout });
  }

  /** @throws Error when Redis has not answered in time, or with an error; or when it has that key */
  async put(key: string, value: string, ttlSeconds: number): Promise<void> {
    if (!(await this.redis.setIfAbsent(key, value, ttlSeconds)))
      throw new Error('Redis has this ticket already');
  }

  /** @throws Error when Redis has not answered in time, or with an error */
  async take(key: string): Promise<string | undefined> {
    return this.redis.getAndDelete(key);
  }
}
