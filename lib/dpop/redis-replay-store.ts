import type { RedisClient } from '../redis/redis-client.js';
import { RedisConnection } from '../redis/redis-connection.js';
import type { ReplayStore } from '../cert-bound-auth.options.js';

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
 * Redis does not answer, no proof is accepted (503), and one whose `SET` was on its way then counts as used.
 *
 * What Redis forgets could be used once more, until it expires. So `maxmemory-policy` must be `noeviction` (with any
 * other one Redis makes room by dropping proofs; with this one it refuses new ones), and two losses are to be known: all
 * proofs at a restart without persistence, and the last ones at a failover, for replicas are written to afterwards.
 * @example
 * ```ts
 * import { Redis } from 'ioredis';
 * import { type DpopOptions, RedisReplayStore } from 'nestjs-cert-bound-auth';
 *
 * export const dpop: DpopOptions = {
 *   publicUrl: 'https://api.example.com',
 *   replayStore: new RedisReplayStore(new Redis()),
 * };
 * ```
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
