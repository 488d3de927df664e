import { Redis } from 'ioredis';
import type { RedisClient } from 'nestjs-cert-bound-auth';
import { createClient } from 'redis';
import type { RedisPackage } from '../../support/redis-double.js';
import { whenOver } from '../../support/world.js';
import type { RedisServer } from './redis-server.js';

/** Connects a client, as an app does, or lets it try where Redis is down. It ends with the test. */
export function connectClient(kind: RedisPackage, redis: RedisServer): RedisClient {
  return kind === 'redis' ? connectNodeRedis(redis) : connectIoredis(redis);
}

function connectNodeRedis({ port }: RedisServer): RedisClient {
  const client = createClient({ url: `redis://127.0.0.1:${port}` });
  // Without a listener an error ends the process.
  client.on('error', () => undefined);
  whenOver(async () => client.destroy());
  client.connect().catch(() => undefined);
  return client;
}

function connectIoredis({ port }: RedisServer): Redis {
  const client = new Redis(port, '127.0.0.1');
  client.on('error', () => undefined);
  whenOver(async () => client.disconnect());
  return client;
}

/** Looks into a Redis, beside the clients that are tested. */
export function inspect(redis: RedisServer): Redis {
  return connectIoredis(redis);
}

/** Everything that a Redis holds, by key. */
export async function contentOf(inspector: Redis): Promise<ReadonlyMap<string, string>> {
  const keys = await inspector.keys('*');
  return new Map(
    await Promise.all(keys.map(async (key) => [key, (await inspector.get(key)) ?? ''] as const)),
  );
}
