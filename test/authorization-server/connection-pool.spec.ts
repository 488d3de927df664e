import { Client } from 'undici';
import { describe, expect, test, vi } from 'vitest';
import { CallNotSentError, ConnectionPool } from '../../lib/authorization-server/connection-pool.js';
import { ServerConnection } from '../../lib/authorization-server/server-connection.js';

const ORIGIN = 'https://as.example.com';

/** Connections that are taken and given back, and never opened. */
const poolOf = (connections: number, calls = 10): ConnectionPool =>
  new ConnectionPool(
    { connections, calls },
    (origin) => new ServerConnection(origin, new Client(origin), 1_000),
  );

interface Work {
  readonly result: Promise<ServerConnection>;
  readonly begun: () => boolean;
  readonly end: () => void;
  readonly limit: AbortController;
}

/** Takes a connection, and keeps it until it is told to end. */
function take(pool: ConnectionPool, origin = ORIGIN): Work {
  const limit = new AbortController();
  let end = (): void => undefined;
  const over = new Promise<void>((resolve) => {
    end = resolve;
  });
  const work = vi.fn<(connection: ServerConnection) => Promise<ServerConnection>>(async (connection) => {
    await over;
    return connection;
  });
  const result = pool.use(origin, limit.signal, work);
  // It is looked at later.
  result.catch(() => undefined);
  return { result, begun: () => work.mock.calls.length > 0, end, limit };
}

describe('a pool of connections', () => {
  test('INV5: a connection that is given back goes to the call that has waited longest', async () => {
    const pool = poolOf(1);
    const [first, second, third] = [take(pool), take(pool), take(pool)];
    expect([first.begun(), second.begun(), third.begun()]).toEqual([true, false, false]);
    first.end();
    await vi.waitFor(() => expect(second.begun()).toBe(true));
    expect(third.begun()).toBe(false);
    second.end();
    third.end();
    expect(new Set(await Promise.all([first.result, second.result, third.result])).size).toBe(1);
  });

  test('INV5: a connection that is given back is free at once for the next call', async () => {
    const pool = poolOf(1);
    const first = take(pool);
    first.end();
    const connection = await first.result;
    const next = take(pool);
    expect(next.begun()).toBe(true);
    next.end();
    expect(await next.result).toBe(connection);
  });

  test('INV3: a call that gets no connection is told why', async () => {
    const pool = poolOf(1);
    const [first, late, waiting] = [take(pool), take(pool), take(pool)];
    late.limit.abort();
    await expect(late.result).rejects.toThrow('no connection became free in time');
    first.end();
    await pool.close();
    await expect(waiting.result).rejects.toThrow('the connections were closed');
    await expect(take(pool).result).rejects.toThrow('the connections are closed');
  });

  test('INV5: a connection stays taken until the work on it is over, even when its caller has been told before', async () => {
    const pool = poolOf(1);
    const [first, second] = [take(pool), take(pool)];
    first.limit.abort(new Error('late'));
    await expect(first.result).rejects.toThrow('late');
    await new Promise(setImmediate);
    expect(second.begun()).toBe(false);
    first.end();
    second.end();
    await second.result;
  });

  test('a call without any time left does not wait for the work', async () => {
    const work = new Promise<never>(() => undefined);
    const late = AbortSignal.abort(new Error('late'));
    await expect(poolOf(1).use(ORIGIN, late, async () => work)).rejects.toThrow('late');
  });

  test('INV3: a call whose time ends just as a connection becomes free has sent nothing', async () => {
    const pool = poolOf(1);
    const [first, second, third] = [take(pool), take(pool), take(pool)];
    first.end();
    await first.result;
    second.limit.abort();
    await expect(second.result).rejects.toThrow(CallNotSentError);
    third.end();
    await third.result;
    expect(second.begun()).toBe(false);
  });

  test('INV3: a call beyond the limit has sent nothing, and there is room again when another call ends', async () => {
    const pool = poolOf(1, 2);
    const [first, second] = [take(pool), take(pool)];
    await expect(take(pool).result).rejects.toThrow(
      new CallNotSentError('2 calls are under way or wait already'),
    );
    first.end();
    await first.result;
    const third = take(pool);
    second.end();
    third.end();
    await Promise.all([second.result, third.result]);
  });

  test('a free connection to the same host is used before another one is opened', async () => {
    const pool = poolOf(2);
    const [one, other] = [take(pool), take(pool, 'https://other.example.com')];
    one.end();
    other.end();
    const [a, b] = await Promise.all([one.result, other.result]);
    const again = [take(pool), take(pool, 'https://other.example.com')];
    for (const { end } of again) end();
    expect(await Promise.all(again.map(async ({ result }) => result))).toEqual([a, b]);
  });
});
