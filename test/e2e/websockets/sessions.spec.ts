import { Controller, Inject, Post, Req } from '@nestjs/common';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { CertBoundAuthModule, Public, Scopes, WebSocketTickets } from 'nestjs-cert-bound-auth';
import type { TestAuthorizationServer } from 'nestjs-cert-bound-auth/testing';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type Platform, PLATFORMS, startApp } from '../../support/platforms.js';
import { SESSION_SECRET, sessionCookie } from '../../support/session-cookie.js';
import {
  CARRIERS,
  type Carrier,
  connectBy,
  connected,
  portOf,
  refused,
  startGateways,
} from '../../support/websockets.js';
import { clientOf, createWorld, startAuthorizationServer, tlsOf, whenOver } from '../../support/world.js';
import { answerTo, ChatGateway, ran } from './chat.gateway.js';

const world = await createWorld();
const OWN_PAGE = { 'Sec-Fetch-Site': 'same-origin' };

beforeEach(() => {
  ran.length = 0;
});
afterEach(() => {
  vi.useRealTimers();
});

@WebSocketGateway({ path: '/open' })
@Public()
class OpenGateway {
  @SubscribeMessage('write') @Scopes('chat:write') write(client: object): unknown {
    return answerTo(client, 'written');
  }
}

@Controller('tickets')
class TicketsController {
  constructor(@Inject(WebSocketTickets) private readonly tickets: WebSocketTickets) {}

  @Post() async create(@Req() request: object): Promise<object> {
    return { ticket: await this.tickets.issue(request, { path: '/chat' }) };
  }
}

interface Chat {
  readonly as: TestAuthorizationServer;
  readonly port: number;
}

async function startChat(platform: Platform, carrier: Carrier): Promise<Chat> {
  const as = await startAuthorizationServer(world);
  const auth = CertBoundAuthModule.forRoot({
    ...as.moduleOptions,
    session: { secrets: [SESSION_SECRET], lifetime: 300, idle: 100, origins: ['https://app.example.com'] },
  });
  return {
    as,
    port: portOf(await startGateways(world, platform, carrier, auth, [ChatGateway, OpenGateway])),
  };
}

const chatToken = async (as: TestAuthorizationServer): Promise<string> =>
  as.accessToken({ certificate: world.client1, scope: 'chat:write', lifetime: 600 });

const CASES = PLATFORMS.flatMap((platform) => CARRIERS.map((carrier) => [carrier, platform] as const));

describe.each(CASES)('sessions at gateways by %s on %s', (carrier, platform) => {
  test('WS-1: a handshake comes by the cookie of a session, with its certificate, and messages by that', async () => {
    const { as, port } = await startChat(platform, carrier);
    const headers = { Cookie: sessionCookie(await chatToken(as), world.client1), ...OWN_PAGE };
    const client = await connected(connectBy(carrier, world, { port, certificate: world.client1, headers }));
    expect(await client.ask('who')).toMatch(/^user-1 /);
    expect(await client.ask('write')).toBe('written');
    for (const thief of [{}, { certificate: world.client2 }]) {
      const { status } = await refused(connectBy(carrier, world, { port, headers, ...thief }));
      expect(status).toBe(401);
    }
  });

  test('WS-1: a message of a public gateway may demand what the session of its handshake has', async () => {
    const { as, port } = await startChat(platform, carrier);
    const headers = { Cookie: sessionCookie(await chatToken(as), world.client1), ...OWN_PAGE };
    const to = { port, certificate: world.client1, path: '/open' };
    const client = await connected(connectBy(carrier, world, { ...to, headers }));
    expect(await client.ask('write')).toBe('written');
  });
});

describe.each(PLATFORMS)('sessions at gateways on %s', (platform) => {
  test('no page of another origin opens a WebSocket by the cookie that its browser sends', async () => {
    const { as, port } = await startChat(platform, 'ws');
    const Cookie = sessionCookie(await chatToken(as), world.client1);
    const connect = (headers: Readonly<Record<string, string>>) =>
      connectBy('ws', world, { port, certificate: world.client1, headers: { Cookie, ...headers } });
    const foreign: readonly Readonly<Record<string, string>>[] = [
      {},
      { Origin: 'https://evil.example' },
      { Origin: `http://127.0.0.1:${port}` },
      { 'Sec-Fetch-Site': 'same-site' },
      { 'Sec-Fetch-Site': 'cross-site', Origin: 'https://app.example.com' },
    ];
    for (const headers of foreign) {
      expect((await refused(connect(headers))).status, JSON.stringify(headers)).toBe(403);
    }
    expect(ran).toEqual([]);
    for (const own of [`https://127.0.0.1:${port}`, 'https://app.example.com'])
      (await connected(connect({ Origin: own, Host: `127.0.0.1:${port}` }))).close();
  });

  test('a connection goes on when its session has not been used otherwise, and ends with its lifetime', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    const { as, port } = await startChat(platform, 'ws');
    const token = await chatToken(as);
    const open = async (age: number) =>
      connected(
        connectBy('ws', world, {
          port,
          certificate: world.client1,
          headers: { Cookie: sessionCookie(token, world.client1, age), ...OWN_PAGE },
        }),
      );
    const client = await open(0);
    vi.setSystemTime(Date.now() + 150_000);
    expect(await client.ask('write')).toBe('written');
    vi.setSystemTime(Date.now() + 150_000);
    expect(await client.ask('write')).toMatchObject({ exception: { statusCode: 401 } });
  });

  test('a session needs no ticket, and gets none', async () => {
    const as = await startAuthorizationServer(world);
    const auth = CertBoundAuthModule.forRoot({
      ...as.moduleOptions,
      session: { secrets: [SESSION_SECRET] },
      webSocketTickets: {},
    });
    class App {}
    const module = { module: App, imports: [auth], controllers: [TicketsController] };
    const app = await startApp(platform, module, tlsOf(world));
    whenOver(async () => app.close());
    const Cookie = sessionCookie(await chatToken(as), world.client1);
    const headers = { Cookie, Origin: 'https://app.example.com', ...OWN_PAGE };
    const response = await clientOf(app, world, world.client1).post('/tickets').set(headers).expect(400);
    expect(JSON.stringify(response.body)).toContain('needs no ticket');
  });
});
