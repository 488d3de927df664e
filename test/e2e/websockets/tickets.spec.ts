import { Controller, type DynamicModule, Inject, Post, Req } from '@nestjs/common';
import { IoAdapter } from '@nestjs/platform-socket.io';
import { WsAdapter } from '@nestjs/platform-ws';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import {
  CertBoundAuthModule,
  type CertBoundAuthOptions,
  Public,
  type WebSocketTicketStore,
  WebSocketTickets,
} from 'nestjs-cert-bound-auth';
import {
  type TestAuthorizationServer,
  type TestCertificate,
  TestDpopClient,
} from 'nestjs-cert-bound-auth/testing';
import type supertest from 'supertest';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type Platform, PLATFORMS, startApp } from '../../support/platforms.js';
import { RecordingLogger } from '../../support/recording-logger.js';
import {
  type Carrier,
  connected,
  connectIo,
  type ConnectOptions,
  connectWs,
  portOf,
  refused,
  type RefusedClient,
  type TestClient,
} from '../../support/websockets.js';
import { clientOf, createWorld, startAuthorizationServer, tlsOf, whenOver } from '../../support/world.js';
import { answerTo, ChatGateway, ran } from './chat.gateway.js';

const world = await createWorld();
const ORIGIN = 'https://app.example.com';
const PUBLIC_URL = 'https://api.example.com';

beforeEach(() => {
  ran.length = 0;
});
afterEach(() => {
  vi.restoreAllMocks();
});

@Controller('tickets')
class TicketsController {
  constructor(@Inject(WebSocketTickets) private readonly tickets: WebSocketTickets) {}

  @Post() async create(@Req() request: object): Promise<object> {
    return { ticket: await this.tickets.issue(request, { path: '/chat' }) };
  }
  @Post('open') @Public() async open(@Req() request: object): Promise<object> {
    return { ticket: await this.tickets.issue(request, { path: '/chat' }) };
  }
}

let headersSeen: Readonly<Record<string, unknown>> = {};
let userSeen: unknown;

@WebSocketGateway({ path: '/chat' })
class SeeingGateway extends ChatGateway {
  override handleConnection(client?: object, request?: object): void {
    const seen = request ?? (client as { readonly request: object }).request;
    const { headers, rawHeaders, user } = seen as {
      readonly headers: Readonly<Record<string, unknown>>;
      readonly rawHeaders: readonly string[];
      readonly user: unknown;
    };
    headersSeen = { ...headers, raw: rawHeaders.join('\n') };
    userSeen = user;
    super.handleConnection();
  }
}

@WebSocketGateway({ path: '/other' })
class OtherGateway {
  @SubscribeMessage('echo') echo(client: object, data: unknown): unknown {
    return answerTo(client, data);
  }
}

interface Api {
  readonly as: TestAuthorizationServer;
  readonly port: number;
  readonly logger: RecordingLogger;
  /** Asks for a ticket. */
  readonly ask: (token: string, from?: AskOptions) => supertest.Test;
  readonly ticketFor: (token: string, from?: AskOptions) => Promise<string>;
  readonly connect: (ticket: string, how?: Partial<ConnectOptions>) => Promise<TestClient | RefusedClient>;
}

interface AskOptions {
  readonly origin?: string | undefined;
  readonly certificate?: TestCertificate;
  readonly headers?: Readonly<Record<string, string>>;
  readonly path?: string;
}

async function start(
  platform: Platform,
  options: Partial<CertBoundAuthOptions> = { webSocketTickets: {} },
  carrier: Carrier = 'ws',
): Promise<Api> {
  const as = await startAuthorizationServer(world);
  const logger = new RecordingLogger();
  const auth: DynamicModule = CertBoundAuthModule.forRoot({ ...as.moduleOptions, ...options });
  class App {}
  const module = {
    module: App,
    imports: [auth],
    controllers: [TicketsController],
    providers: [SeeingGateway, OtherGateway],
  };
  const app = await startApp(platform, module, tlsOf(world), {
    logger,
    configure: (made) =>
      made.useWebSocketAdapter(carrier === 'ws' ? new WsAdapter(made) : new IoAdapter(made)),
  });
  whenOver(async () => app.close());
  const port = portOf(app);
  const ask: Api['ask'] = (
    token,
    { origin = ORIGIN, certificate = world.client1, headers, path = '/tickets' } = {},
  ) =>
    clientOf(app, world, certificate)
      .post(path)
      .set({ Origin: origin, Authorization: `Bearer ${token}`, ...headers });
  const connect: Api['connect'] = async (ticket, how) => {
    const all = {
      port,
      certificate: world.client1,
      headers: { Origin: ORIGIN },
      protocols: ['chat.v1', `ticket.${ticket}`],
      ...how,
    };
    return carrier === 'ws'
      ? connectWs(world, all)
      : connectIo(carrier, world, all, { protocols: [...all.protocols] });
  };
  return {
    as,
    port,
    logger,
    ask,
    ticketFor: async (token, from) =>
      ((await ask(token, from).expect(201)).body as { readonly ticket: string }).ticket,
    connect,
  };
}

describe.each(PLATFORMS)('tickets for WebSockets of browsers on %s', (platform) => {
  test.each(['ws', 'socket.io'] as const)(
    'WS-1: a ticket lets its client in over %s as its token would, and nobody sees it behind the handshake',
    async (carrier) => {
      const { as, ticketFor, connect, logger } = await start(platform, undefined, carrier);
      const token = await as.accessToken({ certificate: world.client1, scope: 'chat:read' });
      const ticket = await ticketFor(token);
      expect(ticket).toMatch(/^[\w-]{43}$/);
      const client = await connected(connect(ticket));
      if (carrier === 'ws') expect(client.protocol).toBe('chat.v1');
      expect(await client.ask('who')).toMatch(/^user-1 /);
      expect(await client.ask('write')).toMatchObject({ exception: { error: 'insufficient_scope' } });
      expect(headersSeen['sec-websocket-protocol']).toBe('chat.v1');
      expect(JSON.stringify(headersSeen)).not.toContain(ticket);
      expect(JSON.stringify(headersSeen)).not.toContain(token);
      expect(userSeen).toMatchObject({ subject: 'user-1' });
      expect(logger.lines.filter(({ text }) => text.includes(ticket) || text.includes(token))).toEqual([]);
    },
  );

  test('WS-5: a ticket is good once, for its path, its origin and its certificate, and for as long as it says', async () => {
    const { as, ticketFor, connect, logger } = await start(platform);
    const token = await as.accessToken({ certificate: world.client1 });
    const expectRefused = async (detail: string, ticket: string, how?: object): Promise<void> => {
      const { status, headers } = await refused(connect(ticket, how));
      expect(status, detail).toBe(401);
      expect(headers['www-authenticate'], detail).toMatch(/^Bearer error="invalid_token"/);
      expect(logger.ours.at(-1)?.text, detail).toContain(`reason=ticket_invalid detail="${detail}`);
      expect(logger.ours.at(-1)?.text).not.toContain(ticket);
    };
    const used = await ticketFor(token);
    await connected(connect(used));
    await expectRefused('it is unknown, used', used);
    await expectRefused('it is unknown, used', 'A'.repeat(43));
    await expectRefused('it has not the form', 'short');
    await expectRefused('it is for another origin', await ticketFor(token), {
      headers: { Origin: 'https://evil.example' },
    });
    await expectRefused('it is for another origin', await ticketFor(token), { headers: {} });
    await expectRefused('it is for another path', await ticketFor(token), { path: '/other' });
    const stolen = await ticketFor(token);
    await expectRefused('it is for a client with another', stolen, { certificate: world.client2 });
    // Whoever has tried it has used it.
    await expectRefused('it is unknown, used', stolen);
    const late = await ticketFor(token);
    const now = Date.now();
    vi.spyOn(Date, 'now').mockImplementation(() => now + 31_000);
    await expectRefused('it is unknown, used', late);
    expect(ran).toEqual(['connection']);
  });

  test('WS-5: a connection by a ticket ends with the token of the ticket', async () => {
    const { as, ticketFor, connect } = await start(platform, { webSocketTickets: {}, clockTolerance: 0 });
    const client = await connected(
      connect(await ticketFor(await as.accessToken({ certificate: world.client1, lifetime: 4 }))),
    );
    await vi.waitFor(() => expect(client.ended).toMatchObject({ code: 3000 }), 15_000);
  });

  test('a revoked token is seen behind the ticket', async () => {
    const { as, ticketFor, connect } = await start(platform);
    const token = as.opaqueToken({ certificate: world.client1 });
    const [first, second] = [await ticketFor(token), await ticketFor(token)];
    const client = await connected(connect(first));
    expect(await client.ask('echo', 1)).toBe(1);
    as.revoke(token);
    expect(await client.ask('echo', 2)).toMatchObject({ exception: { error: 'invalid_token' } });
    expect((await refused(connect(second))).status).toBe(401);
  });

  test('a DPoP-bound token gets a ticket for a fresh proof, and no second proof is asked for', async () => {
    const { as, ask, connect } = await start(platform, {
      webSocketTickets: {},
      dpop: { publicUrl: PUBLIC_URL },
    });
    const key = await TestDpopClient.create();
    const token = await as.accessToken({ dpop: key });
    const proof = await key.headers({ token, url: `${PUBLIC_URL}/tickets`, method: 'POST' });
    const asked = await ask(token, { headers: { ...proof } }).expect(201);
    await ask(token, { headers: { ...proof } }).expect(401);
    await ask(token).expect(401);
    const client = await connected(connect((asked.body as { readonly ticket: string }).ticket));
    expect(await client.ask('who')).toMatch(/^user-1 /);
  });

  test('two tickets, or a ticket beside other credentials, are no handshake', async () => {
    const { as, ticketFor, connect } = await start(platform);
    const token = await as.accessToken({ certificate: world.client1 });
    const [one, two] = [await ticketFor(token), await ticketFor(token)];
    const protocols = ['chat.v1', `ticket.${one}`, `ticket.${two}`];
    expect((await refused(connect('', { protocols }))).status).toBe(400);
    const headers = { Origin: ORIGIN, Authorization: `Bearer ${token}` };
    expect((await refused(connect(one, { headers }))).status).toBe(400);
  });

  test('nobody gets a ticket without a token, without an Origin, or in a route that is public', async () => {
    const { as, ask } = await start(platform);
    const token = await as.accessToken({ certificate: world.client1 });
    await ask('x').expect(401);
    await ask(token, { certificate: world.client2 }).expect(401);
    for (const origin of ['', 'null']) await ask(token, { origin }).expect(400);
    await ask(token, { path: '/tickets/open' }).expect(500);
    for (let count = 0; count < 32; count += 1) await ask(token).expect(201);
    await ask(token).expect(429);
  });

  test('no ticket is made or accepted without the option', async () => {
    const { as, ask, connect } = await start(platform, {});
    const token = await as.accessToken({ certificate: world.client1 });
    await ask(token).expect(500);
    expect((await refused(connect('A'.repeat(43)))).status).toBe(401);
  });
});

describe('the store of tickets', () => {
  test('a store sees neither ticket nor token, and serves several instances', async () => {
    const seen: string[] = [];
    const kept = new Map<string, string>();
    const store: WebSocketTicketStore = {
      put: async (key, value, ttlSeconds) => {
        seen.push(key, value, String(ttlSeconds));
        kept.set(key, value);
      },
      take: async (key) => {
        const value = kept.get(key);
        kept.delete(key);
        return value;
      },
    };
    const { as, ticketFor, connect } = await start('express', { webSocketTickets: { store, lifetime: 10 } });
    const token = await as.accessToken({ certificate: world.client1 });
    const ticket = await ticketFor(token);
    expect(seen[2]).toBe('10');
    expect(seen.join()).not.toContain(ticket);
    expect(seen.join()).not.toContain(token);
    await connected(connect(ticket));
    // What a store gives for another key, or makes up, is worth nothing.
    const other = await ticketFor(token);
    const [key = ''] = kept.keys();
    kept.set(key, seen[1] ?? '');
    expect((await refused(connect(other))).status).toBe(401);
  });

  test('no ticket is made or accepted while the store does not answer', async () => {
    const broken = async (): Promise<never> => {
      throw new Error('away');
    };
    const store = { put: broken, take: broken };
    const { as, ask, connect, logger } = await start('express', { webSocketTickets: { store } });
    await ask(await as.accessToken({ certificate: world.client1 })).expect(503);
    expect((await refused(connect('A'.repeat(43)))).status).toBe(503);
    expect(logger.ours.at(-1)?.text).toContain('reason=ticket_store_unavailable');
  });
});
