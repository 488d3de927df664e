import type { RedisClient } from '../redis/redis-client.js';
import { RedisConnection } from '../redis/redis-connection.js';
import type { IntrospectionStore } from '../cert-bound-auth.options.js';

/** How a {@link RedisIntrospectionStore} uses Redis. */
export interface RedisIntrospectionStoreOptions {
  /** What its keys begin with: the same on all instances of an API. @default 'cert-bound-auth:introspection:' */
  readonly prefix?: string;
  /**
   * Milliseconds until Redis must have answered, a whole number, 1 to 60000; after that the authorization server is
   * asked. It is asked after a second in any case.
   * @default 250
   */
  readonly timeout?: number;
}

/**
 * Keeps introspection answers in Redis, for all instances of an API together. Any `maxmemory-policy` will do.
 * @example
 * ```ts
 * import { Redis } from 'ioredis';
 * import { type IntrospectionCacheOptions, RedisIntrospectionStore } from 'nestjs-cert-bound-auth';
 *
 * export const cache: IntrospectionCacheOptions = {
 *   ttl: 60,
 *   shared: { store: new RedisIntrospectionStore(new Redis()), secret: String(process.env['CACHE_SECRET']) },
 * };
 * ```
 */
export class RedisIntrospectionStore implements IntrospectionStore {
  private readonly redis: RedisConnection;

  /** @throws TypeError when the client is none; RangeError when the timeout is wrong */
  constructor(
    client: RedisClient,
    { prefix = 'cert-bound-auth:introspection:', timeout = 250 }: RedisIntrospectionStoreOptions = {},
  ) {
    this.redis = new RedisConnection(client, { prefix, timeout });
  }

  /** @throws Error when Redis has not answered in time, or with an error */
  async get(key: string): Promise<string | undefined> {
    return this.redis.get(key);
  }

  /** @throws Error when Redis has not answered in time, or with an error */
  async set(key: string, value: string, ttlSeconds: number): Promise<void> {
    await this.redis.set(key, value, ttlSeconds);
  }
}
