import type { RedisClient } from '../redis/redis-client.js';
import { RedisConnection } from '../redis/redis-connection.js';
import type { ReplayStore } from './replay-store.js';

/** How a {@link RedisReplayStore} uses Redis. */
export interface RedisReplayStoreOptions {
  /** What its keys begin with: the same on all instances of an API. @default 'cert-bound-auth:replay:' */
  readonly prefix?: string;
  /**
   * Milliseconds until Redis must have answered, a whole number, 1 to 60000; after that the request is answered with
   * 503.
   * @default 500
   */
  readonly timeout?: number;
}

/**
 * Remembers used proofs in Redis, for all instances of an API together, by one `SET … NX PX` for each proof. While
 * Redis does not answer, no proof is accepted (503); a proof whose `SET` was on its way then counts as used.
 *
 * Two things are up to Redis. `maxmemory-policy` must be `noeviction`: with any other one it may drop a proof that
 * can still be used. And replicas are written to afterwards: a failover to one can lose the last proofs, each of which
 * could then be used once more within its lifetime.
 */
export class RedisReplayStore implements ReplayStore {
  private readonly redis: RedisConnection;

  /** @throws TypeError when the client is none; RangeError when the timeout is wrong */
  constructor(
    client: RedisClient,
    { prefix = 'cert-bound-auth:replay:', timeout = 500 }: RedisReplayStoreOptions = {},
  ) {
    this.redis = new RedisConnection(client, { prefix, timeout });
  }

  /** @throws Error when Redis has not answered in time, or with an error */
  async addIfAbsent(key: string, ttlSeconds: number): Promise<boolean> {
    return this.redis.setIfAbsent(key, '1', ttlSeconds);
  }
}
