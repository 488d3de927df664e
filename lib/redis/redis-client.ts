/**
 * A client of Redis, or of a server that speaks its protocol (Valkey): of the package `redis` or of `ioredis`. It
 * stays the app's own: the app connects it, listens to its errors and ends it.
 */
export type RedisClient = NodeRedisClient | IoredisClient;

/** What is used of a client of `redis` 4.6 or later: `createClient`, `createClientPool`, `createCluster`, `createSentinel`. */
export interface NodeRedisClient {
  readonly isOpen: boolean;
  SET(key: string, value: string, options: NodeRedisSetOptions): Promise<unknown>;
  GET(key: string): Promise<unknown>;
  GETDEL(key: string): Promise<unknown>;
  EVAL(script: string, options: NodeRedisEvalOptions): Promise<unknown>;
}

/** Options of `EVAL` as all versions of `redis` take them. */
export interface NodeRedisEvalOptions {
  keys: string[];
  arguments: string[];
}

/** Options of `SET` as all versions of `redis` take them. */
export interface NodeRedisSetOptions {
  /** Milliseconds until the key is over. */
  PX: number;
  /** Only when there is no such key. */
  NX?: true;
}

/** What is used of a client of `ioredis` 5 or later: `new Redis()`, `new Cluster()`. */
export interface IoredisClient {
  readonly status: string;
  set(key: string, value: string, unit: 'PX', milliseconds: number): Promise<unknown>;
  set(key: string, value: string, unit: 'PX', milliseconds: number, condition: 'NX'): Promise<unknown>;
  get(key: string): Promise<unknown>;
  getdel(key: string): Promise<unknown>;
  eval(script: string, numberOfKeys: number, ...keysAndArguments: string[]): Promise<unknown>;
}

/** The commands that are used, the same for every client. They resolve to what Redis replies. */
export interface RedisCommands {
  setIfAbsent(key: string, value: string, milliseconds: number): Promise<unknown>;
  set(key: string, value: string, milliseconds: number): Promise<unknown>;
  get(key: string): Promise<unknown>;
  getAndDelete(key: string): Promise<unknown>;
  evaluate(script: string, keys: readonly string[], values: readonly string[]): Promise<unknown>;
}

/**
 * The commands of a client.
 * @throws TypeError when it is no such client
 */
export function commandsOf(client: RedisClient): RedisCommands {
  if (isNodeRedis(client)) return nodeRedisCommands(client);
  if (isIoredis(client)) return ioredisCommands(client);
  throw new TypeError(
    'give a client of the package redis (createClient(), since 4.6, without legacyMode) or of ioredis (new Redis(), since 5)',
  );
}

function nodeRedisCommands(client: NodeRedisClient): RedisCommands {
  return {
    setIfAbsent: async (key, value, milliseconds) => client.SET(key, value, { PX: milliseconds, NX: true }),
    set: async (key, value, milliseconds) => client.SET(key, value, { PX: milliseconds }),
    get: async (key) => client.GET(key),
    getAndDelete: async (key) => client.GETDEL(key),
    evaluate: async (script, keys, values) =>
      client.EVAL(script, { keys: [...keys], arguments: [...values] }),
  };
}

function ioredisCommands(client: IoredisClient): RedisCommands {
  return {
    setIfAbsent: async (key, value, milliseconds) => client.set(key, value, 'PX', milliseconds, 'NX'),
    set: async (key, value, milliseconds) => client.set(key, value, 'PX', milliseconds),
    get: async (key) => client.get(key),
    getAndDelete: async (key) => client.getdel(key),
    evaluate: async (script, keys, values) => client.eval(script, keys.length, ...keys, ...values),
  };
}

/** Transactions and `client.legacy()` have the commands too, but answer otherwise, and are never open. */
export function isNodeRedis(client: unknown): client is NodeRedisClient {
  const { isOpen, SET, GET, GETDEL, EVAL, options } = fieldsOf(client);
  const isLegacy = fieldsOf(options)['legacyMode'] === true;
  return typeof isOpen === 'boolean' && [SET, GET, GETDEL, EVAL].every(isFunction) && !isLegacy;
}

/** Pipelines have the commands too, but queue them, and have no status. */
function isIoredis(client: unknown): client is IoredisClient {
  const { status, set, setBuffer, get, getdel, eval: evaluate } = fieldsOf(client);
  return typeof status === 'string' && [set, setBuffer, get, getdel, evaluate].every(isFunction);
}

function isFunction(value: unknown): boolean {
  return typeof value === 'function';
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}
