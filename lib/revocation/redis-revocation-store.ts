import type { RevocationFeed, RevocationReplica, RevocationStore } from '../cert-bound-auth.options.js';
import type { RedisClient } from '../redis/redis-client.js';
import { RedisConnection } from '../redis/redis-connection.js';
import { subscribe } from '../redis/redis-subscription.js';
import { RedisRevocationFeed } from './redis-revocation-feed.js';
import { RedisRevocationLog } from './redis-revocation-log.js';

/** How a {@link RedisRevocationStore} uses Redis. */
export interface RedisRevocationStoreOptions {
  /** What its keys begin with, in braces: the same on all instances of an API. @default 'cert-bound-auth:revocations' */
  readonly prefix?: string;
  /** Milliseconds until Redis must have answered, a whole number, 1 to 60000. @default 500 */
  readonly timeout?: number;
  /**
   * Seconds, 2 to 86400, for which an instance goes on with what it knows when Redis does not answer; after that, requests
   * are answered with 503.
   * What is lost with more: for so long, an instance that is cut off accepts what has been revoked elsewhere.
   * @default 3
   */
  readonly staleFor?: number;
  /**
   * Whether an instance that starts makes the list where Redis has none.
   * What is lost: where Redis was emptied, or replaced by an empty one, while no instance ran, all that was revoked is forgotten,
   * and nobody is told. Without it, requests are answered with 503, and the log says how to make the list, once.
   * @default false
   */
  readonly create?: boolean;
}

/**
 * Keeps what is revoked in Redis, for all instances of an API together. Each holds all of it in its memory, so that no request
 * waits for Redis; it is told at once of what another one revokes, and looks by itself each second.
 *
 * `maxmemory-policy` must be `noeviction`, and Redis should be persistent (`appendonly yes`). What it loses all the same, each
 * running instance puts back; requests are answered with 503 until then.
 * @example
 * ```ts
 * import { Redis } from 'ioredis';
 * import { RedisRevocationStore, type RevocationOptions } from 'nestjs-cert-bound-auth';
 *
 * export const revocations: RevocationOptions = { store: new RedisRevocationStore(new Redis()) };
 * ```
 */
export class RedisRevocationStore implements RevocationStore {
  private readonly redis: RedisConnection;
  private readonly prefix: string;
  private readonly staleFor: number;
  private readonly create: boolean;

  /** @throws TypeError when the client is none; RangeError when a number is wrong */
  constructor(
    private readonly client: RedisClient,
    {
      prefix = 'cert-bound-auth:revocations',
      timeout = 500,
      staleFor = 3,
      create = false,
    }: RedisRevocationStoreOptions = {},
  ) {
    // The braces keep both keys in one place of a cluster.
    this.prefix = `{${prefix}}`;
    this.redis = new RedisConnection(client, { prefix: `${this.prefix}:`, timeout });
    if (!(staleFor >= 2 && staleFor <= 86_400))
      throw new RangeError(`staleFor is ${String(staleFor)}; give seconds, 2 to 86400`);
    if (typeof create !== 'boolean') throw new TypeError(`create is ${typeof create}; give true or false`);
    this.staleFor = staleFor;
    this.create = create;
  }

  /** Makes what keeps the memory of one app like the list in Redis. */
  follow(replica: RevocationReplica): RevocationFeed {
    const log = new RedisRevocationLog(this.redis, this.prefix);
    const listen = (heard: () => void): (() => void) => subscribe(this.client, this.prefix, heard);
    return new RedisRevocationFeed(log, replica, listen, {
      staleFor: this.staleFor * 1000,
      create: this.create,
      remedy: `Redis has no list of revocations at ${this.prefix}: if it never had one, run once: redis-cli HSETNX '${this.prefix}:about' generation "$(date +%s)"`,
    });
  }
}
