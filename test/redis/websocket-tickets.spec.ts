import { Controller, Inject, Post, Req } from '@nestjs/common';
import { WsAdapter } from '@nestjs/platform-ws';
import { WebSocketGateway } from '@nestjs/websockets';
import {
  CertBoundAuthModule,
  RedisWebSocketTicketStore,
  type RedisWebSocketTicketStoreOptions,
  WebSocketTickets,
} from 'nestjs-cert-bound-auth';
import { TestDpopClient } from 'nestjs-cert-bound-auth/testing';
import { describe, expect, test } from 'vitest';
import { eventually } from '../support/eventually.js';
import { PLATFORMS, startApp } from '../support/platforms.js';
import { RecordingLogger } from '../support/recording-logger.js';
import { REDIS_PACKAGES } from '../support/redis-double.js';
import { connected, connectWs, portOf, refused } from '../support/websockets.js';
import { clientOf, createWorld, startAuthorizationServer, tlsOf, whenOver } from '../support/world.js';
import { type ApiProcess, startApiProcess } from './support/api-process.js';
import { connectClient, contentOf, inspect } from './support/redis-clients.js';
import { RedisServer } from './support/redis-server.js';

const ORIGIN = 'https://app.example.com';
const PUBLIC_URL = 'https://api.example.com';
const KEY = 'A'.repeat(43);

describe.each(REDIS_PACKAGES)('tickets for WebSockets in a real Redis, by %s', (kind) => {
  const connect = (
    redis: RedisServer,
    options?: RedisWebSocketTicketStoreOptions,
  ): RedisWebSocketTicketStore =>
    new RedisWebSocketTicketStore(connectClient(kind, redis), { timeout: 10_000, ...options });

  test('exactly one of 200 who take a ticket at once, from two instances, gets it', async () => {
    const redis = await RedisServer.start();
    const stores = [connect(redis), connect(redis)];
    await stores[0]?.put(KEY, 'sealed', 30);
    const takes = Array.from({ length: 100 }, () => stores.map(async (store) => store.take(KEY)));
    const taken = await Promise.all(takes.flat());
    expect(taken).toHaveLength(200);
    expect(taken.filter((value) => value !== undefined)).toEqual(['sealed']);
    expect(await inspect(redis).dbsize()).toBe(0);
  });

  test('a ticket is forgotten when its time is over, and not before', async () => {
    const redis = await RedisServer.start();
    const store = connect(redis);
    await store.put(KEY, 'sealed', 30);
    const inspector = inspect(redis);
    const [[name = ''] = []] = await contentOf(inspector);
    expect(name).toBe(`cert-bound-auth:ticket:${KEY}`);
    expect(await inspector.pttl(name)).toBeGreaterThan(20_000);
    expect(await inspector.pttl(name)).toBeLessThanOrEqual(30_000);
    await store.put('short', 'sealed', 1);
    await eventually(async () => (await inspector.dbsize()) === 1);
    expect(await store.take('short')).toBeUndefined();
    expect(await store.take(KEY)).toBe('sealed');
  });

  test('a ticket is never overwritten by another one', async () => {
    const redis = await RedisServer.start();
    const store = connect(redis);
    await store.put(KEY, 'first', 30);
    await expect(store.put(KEY, 'second', 30)).rejects.toThrow('Redis has this ticket already');
    expect(await store.take(KEY)).toBe('first');
  });

  test('a ticket that Redis was asked for while it hung is used', async () => {
    const redis = await RedisServer.start();
    const store = connect(redis, { timeout: 300 });
    await eventually(async () =>
      store.put(KEY, 'sealed', 30).then(
        () => true,
        () => false,
      ),
    );
    redis.freeze();
    await expect(store.take(KEY)).rejects.toThrow('Redis did not answer within 300 ms');
    redis.thaw();
    await eventually(async () => (await inspect(redis).dbsize()) === 0);
    expect(await store.take(KEY)).toBeUndefined();
  });
});

test('exactly one of 60 handshakes with one ticket, sent to two processes at once, is let in', async () => {
  const world = await createWorld();
  const [redis, as, client] = await Promise.all([
    RedisServer.start(),
    startAuthorizationServer(world),
    TestDpopClient.create(),
  ]);
  const settings = { redisPort: redis.port, timeout: 10_000, publicUrl: PUBLIC_URL, auth: as.moduleOptions };
  const apis = await Promise.all([
    startApiProcess({ ...settings, platform: 'express', client: 'redis' }),
    startApiProcess({ ...settings, platform: 'fastify', client: 'ioredis' }),
  ]);
  const token = await as.accessToken({ dpop: client });
  const ask = async ({ url }: ApiProcess): Promise<string> => {
    const proof = await client.headers({ token, url: `${PUBLIC_URL}/tickets`, method: 'POST' });
    const asked = await fetch(`${url}/tickets`, { method: 'POST', headers: { ...proof, origin: ORIGIN } });
    expect(asked.status).toBe(201);
    return ((await asked.json()) as { readonly ticket: string }).ticket;
  };
  const shake = async ({ url }: ApiProcess, ticket: string): Promise<number> => {
    const protocols = ['chat.v1', `ticket.${ticket}`];
    const port = Number(new URL(url).port);
    const tried = await connectWs(world, { port, plain: true, headers: { Origin: ORIGIN }, protocols });
    return tried.kind === 'connected' ? 101 : tried.refused.status;
  };
  for (const asked of apis) {
    const ticket = await ask(asked);
    const tries = Array.from({ length: 30 }, () => apis.map(async (api) => shake(api, ticket)));
    const statuses = await Promise.all(tries.flat());
    expect(statuses.filter((status) => status === 101)).toHaveLength(1);
    expect(statuses.filter((status) => status === 401)).toHaveLength(59);
  }
});

@Controller('tickets')
class TicketsController {
  constructor(@Inject(WebSocketTickets) private readonly tickets: WebSocketTickets) {}

  @Post() async create(@Req() request: object): Promise<object> {
    return { ticket: await this.tickets.issue(request, { path: '/chat' }) };
  }
}

@WebSocketGateway({ path: '/chat' })
class ChatGateway {}

const CLIENT_ON = { express: 'redis', fastify: 'ioredis' } as const;
const WAYS = PLATFORMS.map((platform) => ({ platform, kind: CLIENT_ON[platform] }));

describe.each(WAYS)('an outage of the Redis of tickets, on $platform by $kind', ({ platform, kind }) => {
  test('no ticket is made or accepted while Redis is down (503), and both recover by themselves', async () => {
    const world = await createWorld();
    const [redis, as] = await Promise.all([RedisServer.start(), startAuthorizationServer(world)]);
    const store = new RedisWebSocketTicketStore(connectClient(kind, redis), { timeout: 1000 });
    const auth = CertBoundAuthModule.forRoot({ ...as.moduleOptions, webSocketTickets: { store } });
    class App {}
    const module = {
      module: App,
      imports: [auth],
      controllers: [TicketsController],
      providers: [ChatGateway],
    };
    const logger = new RecordingLogger();
    const app = await startApp(platform, module, tlsOf(world), {
      logger,
      configure: (made) => made.useWebSocketAdapter(new WsAdapter(made)),
    });
    whenOver(async () => app.close());
    const token = await as.accessToken({ certificate: world.client1 });
    const ask = async () =>
      clientOf(app, world, world.client1)
        .post('/tickets')
        .set({ Origin: ORIGIN, Authorization: `Bearer ${token}` });
    const ticketFor = async (): Promise<string> => {
      await eventually(async () => (await ask()).status === 201);
      return ((await ask()).body as { readonly ticket: string }).ticket;
    };
    const shake = async (ticket: string) =>
      connectWs(world, {
        port: portOf(app),
        certificate: world.client1,
        headers: { Origin: ORIGIN },
        protocols: ['chat.v1', `ticket.${ticket}`],
      });
    await connected(shake(await ticketFor()));
    const early = await ticketFor();

    await redis.stop();
    expect((await ask()).status).toBe(503);
    const { status, headers } = await refused(shake(early));
    expect([status, 'retry-after' in headers]).toEqual([503, true]);
    const lines = logger.ours.map(({ text }) => text);
    expect(lines.at(-1)).toContain('reason=ticket_store_unavailable');
    expect(lines.join('\n')).not.toContain(early);

    await redis.resume();
    await connected(shake(await ticketFor()));
    // It came back without what it knew: such a ticket is refused, not an outage.
    expect((await refused(shake(early))).status).toBe(401);
  });
});
