import { RedisWebSocketTicketStore } from 'nestjs-cert-bound-auth';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { REDIS_PACKAGES, type RedisCommand, redisDouble, type Reply } from '../support/redis-double.js';

afterEach(() => {
  vi.useRealTimers();
});

describe.each(REDIS_PACKAGES)('tickets for WebSockets in Redis, by %s', (kind) => {
  const storeThat = (reply: Reply): RedisWebSocketTicketStore =>
    new RedisWebSocketTicketStore(redisDouble(kind, reply));

  test('a ticket is one key, set only where there is none, and read and deleted by one command', async () => {
    const commands: RedisCommand[] = [];
    const client = redisDouble(kind, (command) => {
      commands.push(command);
      return 'OK';
    });
    await new RedisWebSocketTicketStore(client).put('key', 'value', 30);
    await new RedisWebSocketTicketStore(client).take('key');
    await new RedisWebSocketTicketStore(client, { prefix: 'mine:' }).take('key');
    expect(commands).toEqual([
      ['SET', 'cert-bound-auth:ticket:key', 'value', 'PX', 30_000, 'NX'],
      ['GETDEL', 'cert-bound-auth:ticket:key'],
      ['GETDEL', 'mine:key'],
    ]);
  });

  test.each([
    ['value', 'value'],
    [Buffer.from('value'), 'value'],
    [null, undefined],
  ])('a reply of %o from Redis to who takes a ticket means %o', async (reply, expected) => {
    expect(await storeThat(() => reply).take('key')).toBe(expected);
  });

  test('a ticket that is there already is not put again, and nobody is told that it was', async () => {
    await expect(storeThat(() => null).put('key', 'value', 30)).rejects.toThrow(
      'Redis has this ticket already',
    );
  });

  test('a reply to who puts or takes a ticket that makes no sense is an error', async () => {
    const error = (type: string): Error => new Error(`Redis replied with ${type} where that makes no sense`);
    for (const reply of [undefined, 1, {}])
      await expect(storeThat(() => reply).take('key')).rejects.toEqual(error(typeof reply));
    for (const reply of [undefined, 'QUEUED'])
      await expect(storeThat(() => reply).put('key', 'value', 30)).rejects.toEqual(error(typeof reply));
  });

  test('an error of Redis, such as that of one before 6.2, is an error of the store of tickets', async () => {
    const store = storeThat(async () => Promise.reject(new Error("ERR unknown command 'GETDEL'")));
    await expect(store.take('key')).rejects.toThrow('GETDEL');
    await expect(store.put('key', 'value', 30)).rejects.toThrow('GETDEL');
  });

  test.each([
    [undefined, 500],
    [{ timeout: 20 }, 20],
  ])(
    'a ticket that is not answered for, with the options %o, is an error after %i ms',
    async (options, timeout) => {
      vi.useFakeTimers();
      const client = redisDouble(kind, async () => new Promise(() => undefined));
      const store = new RedisWebSocketTicketStore(client, options);
      const refused = expect(store.take('key')).rejects.toThrow(`Redis did not answer within ${timeout} ms`);
      await vi.advanceTimersByTimeAsync(timeout);
      await refused;
    },
  );
});
