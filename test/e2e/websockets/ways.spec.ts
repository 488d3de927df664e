import {
  type ArgumentsHost,
  Catch,
  type ExceptionFilter,
  Inject,
  Injectable,
  Module,
  Scope,
  type Type,
  UseFilters,
  UseGuards,
} from '@nestjs/common';
import { NestFactory, REQUEST } from '@nestjs/core';
import { AuthGuard } from '@nestjs/passport';
import { Transport } from '@nestjs/microservices';
import type { IoAdapter } from '@nestjs/platform-socket.io';
import { WsAdapter } from '@nestjs/platform-ws';
import { BaseWsExceptionFilter, SubscribeMessage, WebSocketGateway, WsException } from '@nestjs/websockets';
import {
  type AccessDecision,
  AccessRefusedException,
  CertBoundAuthModule,
  type CertBoundAuthOptions,
  CertificateBindingGuard,
  DecisionListener,
  Public,
  Scopes,
  SenderConstrained,
} from 'nestjs-cert-bound-auth';
import { type TestCertificate, TestDpopClient } from 'nestjs-cert-bound-auth/testing';
import { io } from 'socket.io-client';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { always, eventually } from '../../support/eventually.js';
import { freePort } from '../../support/grpc.js';
import { PLATFORMS } from '../../support/platforms.js';
import { RecordingLogger } from '../../support/recording-logger.js';
import {
  CARRIERS,
  connectBy,
  connected,
  connectIo,
  connectWs,
  handshakeLines,
  portOf,
  refused,
  sendRaw,
  startGateways,
} from '../../support/websockets.js';
import { createWorld, startAuthorizationServer, tlsOf, whenOver } from '../../support/world.js';
import { answerTo, ChatGateway, ran } from './chat.gateway.js';

const world = await createWorld();

beforeEach(() => {
  ran.length = 0;
});

const KINDS = ['ws', 'socket.io'] as const;

@WebSocketGateway({ path: '/admin' })
@Scopes('admin')
class AdminGateway {
  handleConnection(): void {
    ran.push('admin connection');
  }
  @SubscribeMessage('echo') echo(client: object, data: unknown): unknown {
    return answerTo(client, data);
  }
}

@WebSocketGateway({ path: '/lobby' })
@Public()
class LobbyGateway {
  handleConnection(): void {
    ran.push('lobby connection');
  }
  @SubscribeMessage('read') read(client: object): unknown {
    return answerTo(client, 'read');
  }
  @SubscribeMessage('write') @Scopes('chat:write') write(client: object): unknown {
    ran.push('write');
    return answerTo(client, 'written');
  }
}

const PUBLIC_URL = 'https://api.example.com';

describe.each(PLATFORMS)('gateways with demands of their own on %s', (platform) => {
  test.each(KINDS)(
    'WS-1: a gateway that demands scopes refuses a handshake without them by 403 over %s',
    async (carrier) => {
      const as = await startAuthorizationServer(world);
      const logger = new RecordingLogger();
      const auth = CertBoundAuthModule.forRoot(as.moduleOptions);
      const app = await startGateways(world, platform, carrier, auth, [AdminGateway, ChatGateway], {
        logger,
      });
      const port = portOf(app);
      const token = await as.accessToken({ certificate: world.client1, scope: 'chat' });
      const path = carrier === 'ws' ? '/admin' : '/admin/?EIO=4&transport=websocket';
      const { statuses, text } = await sendRaw(world, port, handshakeLines(path, { token }), {
        certificate: world.client1,
      });
      expect(statuses).toEqual([403]);
      expect(text).toMatch(/error="insufficient_scope".*scope="admin"/);
      expect(logger.ours.at(-1)?.text).toMatch(/reason=scope_missing .*route="AdminGateway handshake"/);
      expect(ran).toEqual([]);
      const admins = await as.accessToken({ certificate: world.client1, scope: 'admin' });
      const client = await connected(
        connectBy(carrier, world, { port, path: '/admin', token: admins, certificate: world.client1 }),
      );
      expect(await client.ask('echo', 'hi')).toBe('hi');
      expect(ran).toEqual(['admin connection']);
    },
  );

  test.each(CARRIERS)(
    'a public gateway lets anybody in over %s, and a handler with demands is checked by the credentials of the handshake',
    async (carrier) => {
      const as = await startAuthorizationServer(world);
      const auth = CertBoundAuthModule.forRoot(as.moduleOptions);
      const app = await startGateways(world, platform, carrier, auth, [LobbyGateway]);
      const port = portOf(app);
      const token = await as.accessToken({ certificate: world.client1, scope: 'chat:write' });
      for (const [options, answer] of [
        [{ certificate: world.client1 }, { exception: { statusCode: 401, error: 'Unauthorized' } }],
        [{ certificate: world.client2, token }, { exception: { statusCode: 401, error: 'invalid_token' } }],
        [{ certificate: world.client1, token }, 'written'],
      ] as const) {
        const client = await connected(connectBy(carrier, world, { port, path: '/lobby', ...options }));
        expect(await client.ask('read')).toBe('read');
        const written = await client.ask('write');
        if (typeof answer === 'string') expect(written).toBe(answer);
        else expect(written).toMatchObject(answer);
      }
      expect(ran.filter((each) => each === 'write')).toEqual(['write']);
    },
  );

  test('streams: keep lets a connection go on, and its messages are refused all the same', async () => {
    const as = await startAuthorizationServer(world);
    const auth = CertBoundAuthModule.forRoot({ ...as.moduleOptions, clockTolerance: 0, streams: 'keep' });
    const app = await startGateways(world, platform, 'ws', auth, [ChatGateway]);
    const token = await as.accessToken({ certificate: world.client1, lifetime: 3 });
    const client = await connected(
      connectWs(world, { port: portOf(app), token, certificate: world.client1 }),
    );
    await always(() => client.ended === undefined, 3200);
    expect(await client.ask('echo')).toMatchObject({
      exception: { statusCode: 401, error: 'invalid_token' },
    });
    expect(ran).toEqual(['connection']);
  });

  /** A chat, and an opaque token with which clients connect to it. */
  const startChat = async (carrier: (typeof KINDS)[number]) => {
    const as = await startAuthorizationServer(world);
    const auth = CertBoundAuthModule.forRoot(as.moduleOptions);
    const app = await startGateways(world, platform, carrier, auth, [ChatGateway]);
    const token = as.opaqueToken({ certificate: world.client1 });
    const access = { port: portOf(app), token, certificate: world.client1 };
    return { as, token, connect: async () => connected(connectBy(carrier, world, access)) };
  };

  test.each(KINDS)(
    'WS-5: revocation is seen by the next message of a connection over %s, and ends it',
    async (carrier) => {
      const { as, token, connect } = await startChat(carrier);
      const client = await connect();
      expect(await client.ask('echo', 1)).toBe(1);
      as.revoke(token);
      expect(await client.ask('echo', 2)).toMatchObject({ exception: { error: 'invalid_token' } });
      await eventually(() => client.ended !== undefined);
      if (carrier === 'ws')
        expect(client.ended).toEqual({ code: 3000, reason: 'The access token is no longer valid' });
    },
  );

  test.each(KINDS)(
    'a connection over %s that sends nothing ends when another one shows that its token is revoked',
    async (carrier) => {
      const { as, token, connect } = await startChat(carrier);
      const [silent, speaking] = [await connect(), await connect()];
      as.revoke(token);
      expect(silent.ended).toBeUndefined();
      expect(await speaking.ask('echo', 2)).toMatchObject({ exception: { error: 'invalid_token' } });
      await eventually(() => silent.ended !== undefined);
      if (carrier === 'ws')
        expect(silent.ended).toEqual({ code: 3000, reason: 'The access token is no longer valid' });
    },
  );

  test.each(KINDS)(
    'a message over %s is not handled while nobody can say whether its token still holds',
    async (carrier) => {
      const { as, connect } = await startChat(carrier);
      const client = await connect();
      await as.stop();
      expect(await client.ask('echo', 1)).toMatchObject({
        exception: { statusCode: 503, error: 'Service Unavailable' },
      });
      expect(ran).toEqual(['connection']);
      await always(() => client.ended === undefined, 300);
    },
  );

  test.each(KINDS)('each handshake and each message is told once to listeners over %s', async (carrier) => {
    const as = await startAuthorizationServer(world);
    const told: string[] = [];
    class Listener extends DecisionListener {
      onDecision(decision: AccessDecision): void {
        told.push(`${decision.outcome === 'accepted' ? 'accepted' : decision.reason} ${decision.route}`);
      }
    }
    const auth = CertBoundAuthModule.forRoot(as.moduleOptions);
    const app = await startGateways(world, platform, carrier, auth, [ChatGateway], {
      providers: [{ provide: DecisionListener, useClass: Listener }],
    });
    const at = { port: portOf(app), certificate: world.client1 };
    await refused(connectBy(carrier, world, at));
    const token = await as.accessToken({ certificate: world.client1 });
    const client = await connected(connectBy(carrier, world, { ...at, token }));
    await client.ask('who');
    await client.ask('write');
    expect(told).toEqual([
      'credentials_missing ChatGateway handshake',
      'accepted ChatGateway handshake',
      'accepted ChatGateway.who',
      'scope_missing ChatGateway.write',
    ]);
  });

  /** A gateway that takes proofs, and a client with a token that is bound to its key. */
  async function startChatWithProofs(carrier: (typeof KINDS)[number], nonce?: 'required') {
    const as = await startAuthorizationServer(world);
    const dpop = { publicUrl: PUBLIC_URL, ...(nonce === undefined ? {} : { nonce }) };
    const auth = CertBoundAuthModule.forRoot({ ...as.moduleOptions, dpop });
    const app = await startGateways(world, platform, carrier, auth, [ChatGateway]);
    const key = await TestDpopClient.create();
    const token = await as.accessToken({ dpop: key });
    const [path, target] =
      carrier === 'ws' ? ['/chat', '/chat'] : ['/chat/', '/chat/?EIO=4&transport=websocket'];
    return { app, key, token, path, target };
  }

  test.each(KINDS)(
    'WS-4: the proof of a handshake over %s is for GET and https, for it is a request of HTTP',
    async (carrier) => {
      const { app, key, token, path, target } = await startChatWithProofs(carrier);
      for (const [method, url, status] of [
        ['GET', `wss://api.example.com${path}`, 401],
        ['CONNECT', `${PUBLIC_URL}${path}`, 401],
        ['GET', `${PUBLIC_URL}${path}`, 101],
      ] as const) {
        const proof = await key.headers({ token, method, url });
        const lines = handshakeLines(target, { ...proof });
        const { text, statuses } = await sendRaw(world, portOf(app), lines);
        expect(statuses, `${method} ${url}`).toEqual([status]);
        if (status === 401) expect(text).toContain('error="invalid_dpop_proof"');
      }
    },
  );

  test.each(KINDS)(
    'RFC9449-8: nonces are asked for and handed out by a handshake over %s',
    async (carrier) => {
      const { app, key, token, path, target } = await startChatWithProofs(carrier, 'required');
      const handshake = async (nonce?: string): Promise<string> => {
        const proof = await key.headers({
          token,
          url: `${PUBLIC_URL}${path}`,
          ...(nonce === undefined ? {} : { nonce }),
        });
        return (await sendRaw(world, portOf(app), handshakeLines(target, { ...proof }))).text;
      };
      const first = await handshake();
      expect(first).toMatch(/^HTTP\/1\.1 401 [^]*use_dpop_nonce/);
      const nonce = /^dpop-nonce: (\S+)/im.exec(first)?.[1];
      expect(await handshake(nonce)).toMatch(/^HTTP\/1\.1 101 /);
    },
  );
});

@Injectable()
@WebSocketGateway({ path: '/guarded' })
@UseGuards(CertificateBindingGuard)
class GuardedGateway {
  handleConnection(): void {
    ran.push('guarded connection');
  }
  @SubscribeMessage('echo') echo(client: object, data: unknown): unknown {
    return answerTo(client, data);
  }
}

test.each(KINDS)(
  'globalGuards: false holds by %s what is demanded or guarded, and nothing else',
  async (carrier) => {
    const as = await startAuthorizationServer(world);
    const auth = CertBoundAuthModule.forRoot({ ...as.moduleOptions, globalGuards: false });
    const app = await startGateways(world, 'express', carrier, auth, [
      AdminGateway,
      GuardedGateway,
      ChatGateway,
    ]);
    const port = portOf(app);
    for (const path of ['/admin', '/guarded'])
      expect((await refused(connectBy(carrier, world, { port, path }))).status, path).toBe(401);
    const client = await connected(connectBy(carrier, world, { port }));
    expect(await client.ask('echo', 1)).toBe(1);
    expect(await client.ask('write')).toMatchObject({ exception: { statusCode: 401 } });
    expect(ran).toEqual(['connection', 'echo']);
    const token = await as.accessToken({ certificate: world.client1 });
    const guarded = await connected(
      connectBy(carrier, world, { port, path: '/guarded', token, certificate: world.client1 }),
    );
    expect(await guarded.ask('echo', 2)).toBe(2);
  },
);

@WebSocketGateway({ path: '/io', namespace: 'news' })
@Public()
class NewsGateway {
  handleConnection(): void {
    ran.push('news connection');
  }
  @SubscribeMessage('echo') echo(client: object, data: unknown): unknown {
    return answerTo(client, data);
  }
}

@WebSocketGateway({ path: '/io', namespace: 'orders' })
@Scopes('orders')
class OrdersGateway {
  handleConnection(): void {
    ran.push('orders connection');
  }
  @SubscribeMessage('echo') echo(client: object, data: unknown): unknown {
    return answerTo(client, data);
  }
}

@WebSocketGateway({ path: '/io', namespace: /^\/tenant-\d+$/ })
class TenantGateway {
  handleConnection(): void {
    ran.push('tenant connection');
  }
  @SubscribeMessage('write') @Scopes('orders') write(client: object): unknown {
    return answerTo(client, 'written');
  }
}

describe.each(['socket.io', 'polling'] as const)('namespaces by %s', (carrier) => {
  test('a connection needs a token where one namespace is not public, and each asks for what its gateways demand', async () => {
    const as = await startAuthorizationServer(world);
    const auth = CertBoundAuthModule.forRoot({ ...as.moduleOptions, clockTolerance: 0 });
    const gateways = [NewsGateway, OrdersGateway, TenantGateway];
    const app = await startGateways(world, 'express', carrier, auth, gateways);
    const at = { port: portOf(app), path: '/io', certificate: world.client1 };
    const open = await refused(connectIo(carrier, world, { ...at, namespace: '/news' }));
    expect(open.status).toBe(401);

    const token = await as.accessToken({ certificate: world.client1, scope: 'news', lifetime: 4 });
    const { body } = await refused(connectIo(carrier, world, { ...at, namespace: '/orders', token }));
    expect(JSON.parse(body)).toMatchObject({ error: 'insufficient_scope', scope: 'orders' });
    expect(ran).toEqual([]);

    const news = await connected(connectIo(carrier, world, { ...at, namespace: '/news', token }));
    expect(await news.ask('echo', 1)).toBe(1);
    const tenant = await connected(connectIo(carrier, world, { ...at, namespace: '/tenant-7', token }));
    expect(await tenant.ask('write')).toMatchObject({ exception: { error: 'insufficient_scope' } });
    expect(ran).toEqual(['news connection', 'tenant connection']);
    await eventually(() => news.ended !== undefined && tenant.ended !== undefined, 15_000);
  });
});

@Injectable({ scope: Scope.REQUEST })
class PerMessage {
  constructor(@Inject(REQUEST) readonly request: unknown) {}
}

@WebSocketGateway({ path: '/scoped' })
class ScopedGateway {
  constructor(@Inject(PerMessage) private readonly perMessage: PerMessage) {}
  handleConnection(): void {
    ran.push('scoped connection');
  }
  @SubscribeMessage('echo') echo(client: object, data: unknown): unknown {
    return answerTo(client, { data, made: this.perMessage instanceof PerMessage });
  }
  @SubscribeMessage('write') @Scopes('chat:write') write(client: object): unknown {
    ran.push('write');
    return answerTo(client, 'written');
  }
}

test.each(CARRIERS)(
  'a gateway that is made for each message is protected by %s like any other',
  async (carrier) => {
    const as = await startAuthorizationServer(world);
    const auth = CertBoundAuthModule.forRoot(as.moduleOptions);
    const app = await startGateways(world, 'express', carrier, auth, [ScopedGateway, PerMessage]);
    const at = { port: portOf(app), path: '/scoped', certificate: world.client1 };
    expect((await refused(connectBy(carrier, world, at))).status).toBe(401);
    const token = await as.accessToken({ certificate: world.client1 });
    const client = await connected(connectBy(carrier, world, { ...at, token }));
    expect(await client.ask('echo', 1)).toEqual({ data: 1, made: true });
    expect(await client.ask('write')).toMatchObject({ exception: { error: 'insufficient_scope' } });
    expect(ran).toEqual(['scoped connection']);
  },
);

/** On a port of its own, where Nest gives it no TLS. */
async function ownPort(path?: string): Promise<{ readonly port: number; readonly type: Type }> {
  const port = await freePort();
  @WebSocketGateway(port, path === undefined ? {} : { path })
  class OwnPort {
    handleConnection(): void {
      ran.push('own connection');
    }
    @SubscribeMessage('echo') echo(client: object, data: unknown): unknown {
      return answerTo(client, data);
    }
    @SubscribeMessage('write') @Scopes('chat:write') write(client: object): unknown {
      return answerTo(client, 'written');
    }
  }
  return { port, type: OwnPort };
}

describe.each([
  ['ws', undefined],
  ['ws', '/own'],
  ['socket.io', '/own'],
  ['polling', '/own'],
] as const)('a gateway on a port of its own by %s at %s', (carrier, path) => {
  test('decides by DPoP, where no TLS shows a certificate', async () => {
    const as = await startAuthorizationServer(world);
    const { port, type } = await ownPort(path);
    const dpop = { publicUrl: 'https://api.example.com' };
    const auth = CertBoundAuthModule.forRoot({ ...as.moduleOptions, dpop });
    await startGateways(world, 'express', carrier, auth, [type]);
    const at = { port, plain: true, path: path ?? '/' };
    const first = await refused(connectBy(carrier, world, at));
    expect(first.status).toBe(401);
    const certificates = await as.accessToken({ certificate: world.client1 });
    expect((await refused(connectBy(carrier, world, { ...at, token: certificates }))).status).toBe(401);
    expect(ran).toEqual([]);
    if (carrier === 'polling') return;

    const key = await TestDpopClient.create();
    const token = await as.accessToken({ dpop: key });
    const url = `${PUBLIC_URL}${path === undefined ? '/' : carrier === 'ws' ? path : `${path}/`}`;
    const headers = { ...(await key.headers({ token, url })) };
    const client = await connected(connectBy(carrier, world, { ...at, headers }));
    expect(await client.ask('echo', 1)).toBe(1);
    expect(await client.ask('write')).toMatchObject({ exception: { error: 'insufficient_scope' } });
    // The proof was for one handshake.
    expect((await refused(connectBy(carrier, world, { ...at, headers }))).status).toBe(401);
    expect(ran).toEqual(['own connection']);
  });
});

test('gateways of a microservice without HTTP are decided like others', async () => {
  const as = await startAuthorizationServer(world);
  const { port, type } = await ownPort();
  @Module({ imports: [CertBoundAuthModule.forRoot(as.moduleOptions)], providers: [type] })
  class App {}
  const app = await NestFactory.createMicroservice(App, {
    logger: false,
    abortOnError: false,
    transport: Transport.TCP,
    options: { port: await freePort() },
  });
  app.useWebSocketAdapter(new WsAdapter());
  whenOver(async () => app.close());
  await app.listen();
  expect((await refused(connectWs(world, { port, plain: true, path: '/' }))).status).toBe(401);
  expect(ran).toEqual([]);
});

test('INV10: two apps in one process that share a gateway each decide by their own configuration', async () => {
  const ports: number[] = [];
  const servers = [await startAuthorizationServer(world), await startAuthorizationServer(world)];
  for (const as of servers) {
    const auth = CertBoundAuthModule.forRoot(as.moduleOptions);
    ports.push(portOf(await startGateways(world, 'express', 'ws', auth, [ChatGateway])));
  }
  for (const [index, as] of servers.entries()) {
    const token = await as.accessToken({ certificate: world.client1 });
    const at = { token, certificate: world.client1 };
    const client = await connected(connectWs(world, { port: ports[index] ?? 0, ...at }));
    expect(await client.ask('who')).toMatch(/^user-1/);
    expect((await refused(connectWs(world, { port: ports[1 - index] ?? 0, ...at }))).status).toBe(401);
  }
});

test('upgrades of a library that no gateway knows need a valid token, and end with it', async () => {
  const as = await startAuthorizationServer(world);
  const auth = CertBoundAuthModule.forRoot({ ...as.moduleOptions, clockTolerance: 0 });
  const app = await startGateways(world, 'express', 'ws', auth, []);
  const seen: string[] = [];
  const server = app.getHttpServer() as {
    on(
      event: 'upgrade',
      act: (
        request: { url: string },
        socket: { write(text: string): void; on(event: 'close', act: () => void): void },
      ) => void,
    ): void;
  };
  server.on('upgrade', (request, socket) => {
    seen.push(request.url);
    socket.write('HTTP/1.1 101 Switching Protocols\r\n\r\n');
    socket.on('close', () => seen.push('closed'));
  });
  const port = portOf(app);
  expect((await sendRaw(world, port, handshakeLines('/lib'))).statuses).toEqual([401]);
  expect(seen).toEqual([]);
  const token = await as.accessToken({ certificate: world.client1, lifetime: 4 });
  const lines = handshakeLines('/lib', { token });
  expect((await sendRaw(world, port, lines, { certificate: world.client1 })).statuses).toEqual([101]);
  expect(seen).toEqual(['/lib']);
  await eventually(() => seen.includes('closed'), 15_000);
});

@Catch()
class CatchAll extends BaseWsExceptionFilter {}

@Catch(AccessRefusedException)
class OwnWords implements ExceptionFilter<AccessRefusedException> {
  catch({ reason }: AccessRefusedException, host: ArgumentsHost): void {
    const client = host.switchToWs().getClient<{ send(text: string): void }>();
    client.send(JSON.stringify({ event: 'exception', data: `no: ${reason}` }));
  }
}

@WebSocketGateway({ path: '/chat' })
@UseFilters(CatchAll)
class FilteredGateway {
  @SubscribeMessage('write') @Scopes('chat:write') write(): void {}
  @SubscribeMessage('own') @Scopes('chat:write') @UseFilters(OwnWords) own(): void {}
  @SubscribeMessage('fails') fails(): never {
    throw new WsException('it fails');
  }
}

test('a refusal is told once whatever filters a gateway has, and a filter on the handler tells it in its own words', async () => {
  const as = await startAuthorizationServer(world);
  const auth = CertBoundAuthModule.forRoot(as.moduleOptions);
  const app = await startGateways(world, 'express', 'ws', auth, [FilteredGateway]);
  const token = await as.accessToken({ certificate: world.client1 });
  const client = await connected(connectWs(world, { port: portOf(app), token, certificate: world.client1 }));
  expect(await client.ask('write')).toMatchObject({ exception: { error: 'insufficient_scope' } });
  expect(await client.ask('own')).toEqual({ exception: 'no: scope_missing' });
  expect(await client.ask('fails')).toMatchObject({ exception: { message: 'it fails' } });
  await always(() => client.told.length === 0, 100);
});

@WebSocketGateway({ path: '/base' })
class BaseGateway {
  @SubscribeMessage('write') @Scopes('chat:write') write(client: object): unknown {
    return answerTo(client, 'written');
  }
}

@WebSocketGateway({ path: '/derived' })
@UseFilters(CatchAll)
class DerivedGateway extends BaseGateway {}

test('a gateway that extends another one is protected, and tells of refusals, like that', async () => {
  const as = await startAuthorizationServer(world);
  const auth = CertBoundAuthModule.forRoot(as.moduleOptions);
  const app = await startGateways(world, 'express', 'ws', auth, [BaseGateway, DerivedGateway]);
  const token = await as.accessToken({ certificate: world.client1 });
  for (const path of ['/base', '/derived']) {
    const at = { port: portOf(app), path, certificate: world.client1 };
    expect((await refused(connectWs(world, at))).status).toBe(401);
    const client = await connected(connectWs(world, { ...at, token }));
    expect(await client.ask('write')).toMatchObject({ exception: { error: 'insufficient_scope' } });
  }
});

test.each(CARRIERS)(
  'the certificate that a proxy passes on with the handshake counts for every message over %s',
  async (carrier) => {
    const as = await startAuthorizationServer(world);
    const auth = CertBoundAuthModule.forRoot({
      ...as.moduleOptions,
      clientCertificate: {
        from: 'header',
        header: 'Client-Cert',
        format: 'rfc9440',
        trustedProxies: ['loopback'],
        trust: 'proxy',
      },
    });
    const app = await startGateways(world, 'express', carrier, auth, [ChatGateway]);
    const token = await as.accessToken({ certificate: world.client1 });
    const headersFor = ({ der }: TestCertificate): Record<string, string> => ({
      'client-cert': `:${der.toString('base64')}:`,
    });
    const at = { port: portOf(app), token };
    expect(
      (await refused(connectBy(carrier, world, { ...at, headers: headersFor(world.client2) }))).status,
    ).toBe(401);
    const client = await connected(connectBy(carrier, world, { ...at, headers: headersFor(world.client1) }));
    for (const text of ['one', 'two', 'three']) expect(await client.ask('echo', text)).toBe(text);
  },
);

test('a client of socket.io begins by polling and goes on by WebSocket, as it does by default', async () => {
  const as = await startAuthorizationServer(world);
  const auth = CertBoundAuthModule.forRoot(as.moduleOptions);
  const app = await startGateways(world, 'express', 'socket.io', auth, [ChatGateway]);
  const { key, cert } = world.client1;
  const token = await as.accessToken({ certificate: world.client1 });
  const socket = io(`https://localhost:${portOf(app)}`, {
    path: '/chat',
    ca: world.ca.cert,
    key,
    cert,
    extraHeaders: { authorization: `Bearer ${token}` },
    forceNew: true,
  });
  whenOver(async () => socket.disconnect());
  await eventually(() => socket.io.engine.transport.name === 'websocket');
  expect(await socket.emitWithAck('echo', 'upgraded')).toBe('upgraded');
  expect(ran).toEqual(['connection', 'echo']);
});

@WebSocketGateway({ path: '/passport' })
@UseGuards(AuthGuard('cert-bound'))
class PassportGateway {
  @SubscribeMessage('echo') echo(): void {
    ran.push('passport echo');
  }
}

test('AuthGuard of Passport, which knows no messages, lets none through', async () => {
  const as = await startAuthorizationServer(world);
  const auth = CertBoundAuthModule.forRoot({ ...as.moduleOptions, globalGuards: false });
  const app = await startGateways(world, 'express', 'ws', auth, [PassportGateway]);
  const at = { port: portOf(app), path: '/passport', certificate: world.client1 };
  expect((await refused(connectWs(world, at))).status).toBe(401);
  const token = await as.accessToken({ certificate: world.client1 });
  const client = await connected(connectWs(world, { ...at, token }));
  expect(await client.ask('echo')).toHaveProperty('exception');
  expect(ran).toEqual([]);
});

test('no timer of a connection is left when its app has closed', async () => {
  const as = await startAuthorizationServer(world);
  const clear = vi.spyOn(globalThis, 'clearTimeout');
  for (const carrier of CARRIERS) {
    const auth = CertBoundAuthModule.forRoot(as.moduleOptions);
    const app = await startGateways(world, 'express', carrier, auth, [ChatGateway]);
    const set = vi.spyOn(globalThis, 'setTimeout');
    const token = await as.accessToken({ certificate: world.client1, lifetime: 4321 });
    await connected(connectBy(carrier, world, { port: portOf(app), token, certificate: world.client1 }));
    const timers = set.mock.results.filter(
      (_, index) => Math.abs(Number(set.mock.calls[index]?.[1]) - 4_326_000) < 3000,
    );
    expect(timers, carrier).toHaveLength(1);
    clear.mockClear();
    await app.close();
    await eventually(() => clear.mock.calls.some(([timer]) => timer === timers[0]?.value));
    set.mockRestore();
  }
  clear.mockRestore();
});

describe('a gateway that cannot be protected stops the boot', () => {
  async function boot(
    type: new () => object,
    options: Partial<CertBoundAuthOptions> = {},
    adapter: new (app: object) => object = WsAdapter,
  ): Promise<unknown> {
    const as = await startAuthorizationServer(world);
    @Module({
      imports: [CertBoundAuthModule.forRoot({ ...as.moduleOptions, ...options })],
      providers: [type],
    })
    class App {}
    const app = await NestFactory.create(App, {
      httpsOptions: tlsOf(world),
      logger: false,
      abortOnError: false,
    });
    whenOver(async () => app.close());
    app.useWebSocketAdapter(new adapter(app) as IoAdapter);
    return app.init().catch((error: unknown) => error);
  }

  test('because its afterInit is no method, and so its server is not known', async () => {
    @WebSocketGateway({ path: '/x' })
    class Silent {
      afterInit = (): void => undefined;
    }
    expect(String(await boot(Silent))).toMatch(/Silent.*make its afterInit a method/);
  });

  test('because its adapter makes servers of which nothing is known', async () => {
    class OtherAdapter extends WsAdapter {
      override create(): never {
        return { on: () => undefined } as never;
      }
      override async close(): Promise<void> {
        return undefined;
      }
      override bindClientConnect(): void {
        return undefined;
      }
    }
    expect(String(await boot(ChatGateway, {}, OtherAdapter as never))).toMatch(
      /ChatGateway.*use the WebSocket adapters/,
    );
  });

  test('because it demands what nobody can meet, or is public and protected at once', async () => {
    @WebSocketGateway({ path: '/x' })
    class Impossible {
      @SubscribeMessage('x') @SenderConstrained('dpop') x(): void {}
      @SubscribeMessage('y') @Public() @Scopes('y') y(): void {}
    }
    const error = String(await boot(Impossible));
    expect(error).toMatch(/Impossible\.x.*dpop/);
    expect(error).toMatch(/Impossible\.y.*@Public\(\) and protected/);
  });
});
