import type { IoredisClient, NodeRedisClient, RedisClient } from 'nestjs-cert-bound-auth';

/** The packages whose clients are accepted. */
export const REDIS_PACKAGES = ['redis', 'ioredis'] as const;
export type RedisPackage = (typeof REDIS_PACKAGES)[number];

/** A command as it goes to Redis. */
export type RedisCommand = readonly (string | number)[];

/** What Redis replies to a command, or a promise of the reply, which may reject. */
export type Reply = (command: RedisCommand) => unknown;

/** Stands in for a client of Redis, and gives the replies that the test chooses; test/redis uses real clients. */
export function redisDouble(kind: RedisPackage, reply: Reply): RedisClient {
  return kind === 'redis' ? nodeRedisDouble(reply) : ioredisDouble(reply);
}

function nodeRedisDouble(reply: Reply): NodeRedisClient {
  return {
    isOpen: true,
    SET: async (key, value, { PX, NX }) =>
      reply(['SET', key, value, 'PX', PX, ...(NX === true ? ['NX'] : [])]),
    GET: async (key) => reply(['GET', key]),
    GETDEL: async (key) => reply(['GETDEL', key]),
    EVAL: async (script, { keys, arguments: values }) =>
      reply(['EVAL', script, keys.length, ...keys, ...values]),
  };
}

function ioredisDouble(reply: Reply): IoredisClient {
  const client = {
    status: 'ready',
    set: async (...command: RedisCommand) => reply(['SET', ...command]),
    setBuffer: async () => undefined,
    get: async (key: string) => reply(['GET', key]),
    getdel: async (key: string) => reply(['GETDEL', key]),
    eval: async (...command: RedisCommand) => reply(['EVAL', ...command]),
  };
  return client;
}
