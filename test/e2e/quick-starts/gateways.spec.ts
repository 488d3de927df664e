/**
 * What Nest's guide to gateways begins with, and its sample 02-gateways: the messages `events` and `identity` over socket.io. It
 * is written anew here, with the same names and shapes; the module is the only thing that is added.
 * @see https://docs.nestjs.com/websockets/gateways
 */
import {
  MessageBody,
  SubscribeMessage,
  WebSocketGateway,
  WebSocketServer,
  type WsResponse,
} from '@nestjs/websockets';
import { CertBoundAuthModule } from 'nestjs-cert-bound-auth';
import type { TestCertificate } from 'nestjs-cert-bound-auth/testing';
import { from, map, type Observable } from 'rxjs';
import { io, type Socket } from 'socket.io-client';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { PLATFORMS } from '../../support/platforms.js';
import { portOf, startGateways } from '../../support/websockets.js';
import { createWorld, startAuthorizationServer, whenOver } from '../../support/world.js';

const ran: string[] = [];
beforeEach(() => {
  ran.length = 0;
});

@WebSocketGateway({ cors: { origin: '*' } })
class EventsGateway {
  @WebSocketServer() readonly server: unknown;

  @SubscribeMessage('events') findAll(): Observable<WsResponse<number>> {
    ran.push('events');
    return from([1, 2, 3]).pipe(map((item) => ({ event: 'events', data: item })));
  }

  @SubscribeMessage('identity') async identity(@MessageBody() data: number): Promise<number> {
    ran.push('identity');
    return data;
  }
}

const world = await createWorld();

describe.each(PLATFORMS)('the quick start of gateways with the module added, on %s', (platform) => {
  async function start() {
    const as = await startAuthorizationServer(world);
    const auth = CertBoundAuthModule.forRoot(as.moduleOptions);
    const app = await startGateways(world, platform, 'socket.io', auth, [EventsGateway]);
    const port = portOf(app);
    return {
      as,
      connect: (certificate: TestCertificate, token?: string) => connectTo(port, certificate, token),
    };
  }

  /** As the page of the sample does, which also sends before it is connected. */
  function connectTo(port: number, { key, cert }: TestCertificate, token?: string): Client {
    const socket = io(`https://localhost:${port}`, {
      ca: world.ca.cert,
      key,
      cert,
      extraHeaders: token === undefined ? {} : { authorization: `Bearer ${token}` },
      forceNew: true,
      reconnection: false,
    });
    whenOver(async () => socket.disconnect());
    const received: unknown[] = [];
    let refused: string | undefined;
    socket.on('events', (data) => received.push(data));
    socket.on('connect_error', (error) => {
      refused = JSON.stringify(
        (error as { readonly context?: { readonly status?: number } }).context?.status,
      );
    });
    socket.emit('events', { test: 'test' });
    return { socket, received, refused: () => refused };
  }

  test('nothing of the events sample runs without a token, or with that of somebody else', async () => {
    const { as, connect } = await start();
    const token = await as.accessToken({ certificate: world.client1 });
    for (const client of [connect(world.client1), connect(world.client2, token)]) {
      await vi.waitFor(() => expect(client.refused()).toBe('401'), 5000);
      expect(client.socket.connected).toBe(false);
      expect(client.received).toEqual([]);
    }
    expect(ran).toEqual([]);
  });

  test('the events sample works as the guide says for the holder of the token', async () => {
    const { as, connect } = await start();
    const client = connect(world.client1, await as.accessToken({ certificate: world.client1 }));
    await vi.waitFor(() => expect(client.received).toEqual([1, 2, 3]), 5000);
    expect(await client.socket.emitWithAck('identity', 7)).toBe(7);
    expect(ran).toEqual(['events', 'identity']);
  });
});

interface Client {
  readonly socket: Socket;
  readonly received: readonly unknown[];
  /** The status, where it has been refused. */
  readonly refused: () => string | undefined;
}
