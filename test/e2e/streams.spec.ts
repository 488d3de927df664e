import { Controller, Get, type INestApplication, Res, Sse, StreamableFile, UseGuards } from '@nestjs/common';
import { AuthGuard } from '@nestjs/passport';
import { once } from 'node:events';
import { type ClientRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import { connect as connectHttp2 } from 'node:http2';
import { request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { PassThrough, Readable } from 'node:stream';
import { connect } from 'node:tls';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { NestFactory } from '@nestjs/core';
import { CertBoundAuthModule, type CertBoundAuthOptions, Public, Scopes } from 'nestjs-cert-bound-auth';
import type { TestAuthorizationServer } from 'nestjs-cert-bound-auth/testing';
import { interval, map, type Observable } from 'rxjs';
import { afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { eventually } from '../support/eventually.js';
import { PLATFORMS, type Platform } from '../support/platforms.js';
import {
  createWorld,
  startApi,
  startAuthorizationServer,
  tlsOf,
  whenOver,
  type World,
} from '../support/world.js';

/** Sends something every few milliseconds, for ever. */
function endless(): PassThrough {
  const stream = new PassThrough();
  const timer = setInterval(() => stream.write('tick\n'), 5);
  stream.on('close', () => clearInterval(timer));
  return stream;
}

let released: (() => void)[] = [];

@Controller()
class StreamsController {
  @Sse('events') events(): Observable<object> {
    return interval(5).pipe(map((count) => ({ data: { count } })));
  }
  @Get('scoped') @Scopes('a') scoped(): StreamableFile {
    return new StreamableFile(endless());
  }
  @Get('file') file(): StreamableFile {
    return new StreamableFile(endless());
  }
  @Get('passport') @UseGuards(AuthGuard('cert-bound')) passport(): StreamableFile {
    return new StreamableFile(endless());
  }
  @Get('own') own(@Res() response: ServerResponse & { raw?: ServerResponse; hijack?: () => void }): void {
    response.hijack?.();
    const raw = response.raw ?? response;
    raw.writeHead(200, { 'content-type': 'application/x-ndjson' });
    endless().pipe(raw);
  }
  @Get('own-length') ownLength(
    @Res() response: ServerResponse & { raw?: ServerResponse; hijack?: () => void },
  ): void {
    response.hijack?.();
    const raw = response.raw ?? response;
    raw.writeHead(200, { 'Content-Length': 10 }).write('first ');
    released.push(() => raw.end('last'));
  }
  @Get('known') known(): StreamableFile {
    const stream = new Readable({ read: () => undefined });
    stream.push('first ');
    released.push(() => {
      stream.push('last');
      stream.push(null);
    });
    return new StreamableFile(stream, { length: 10 });
  }
  @Get('slow') async slow(): Promise<string> {
    await new Promise<void>((resolve) => released.push(resolve));
    return 'late';
  }
  @Get('public') @Public() open(): StreamableFile {
    return new StreamableFile(endless());
  }
}

let world: World;
beforeAll(async () => {
  world = await createWorld();
});
afterEach(() => {
  vi.useRealTimers();
  released = [];
});

interface Streaming {
  readonly response: IncomingMessage;
  readonly seen: { text: string; ended: 'whole' | 'broken off' | undefined };
}

const portOf = (app: INestApplication): number => (app.getHttpServer().address() as AddressInfo).port;

/** Opens a stream, and watches what comes of it. */
async function open(
  app: INestApplication,
  token: string | undefined,
  path: string,
  { key, cert } = world.client1,
): Promise<Streaming> {
  const sent: ClientRequest = request({
    host: '127.0.0.1',
    port: portOf(app),
    path,
    ca: world.ca.cert,
    key,
    cert,
    headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
  });
  sent.on('error', () => undefined).end();
  whenOver(async () => sent.destroy());
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  const seen: Streaming['seen'] = { text: '', ended: undefined };
  response.setEncoding('utf8').on('data', (text: string) => (seen.text += text));
  response.on('error', () => undefined);
  response.on('close', () => (seen.ended = response.complete ? 'whole' : 'broken off'));
  return { response, seen };
}

async function start(
  platform: Platform,
  options: Partial<CertBoundAuthOptions> = {},
): Promise<{ app: INestApplication; token: string; as: TestAuthorizationServer }> {
  const as = await startAuthorizationServer(world);
  const trusted = as.moduleOptions.authorizationServers.map((server) => ({
    ...server,
    keyCache: { maxAge: 1 },
  }));
  const app = await startApi(world, platform, trusted, [StreamsController], { options });
  return { app, as, token: await as.accessToken({ certificate: world.client1, scope: 'a', lifetime: 60 }) };
}

/** The token lives for a minute, and five seconds are for clocks that differ. */
const toTheEnd = (milliseconds: number): void => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 64_000 + milliseconds });
};

describe.each(PLATFORMS)('INV12: responses that outlive their token, on %s', (platform) => {
  test.each([
    ['/events', 'whole'],
    ['/file', 'broken off'],
    ['/scoped', 'broken off'],
    ['/passport', 'broken off'],
    ['/own', 'broken off'],
  ] as const)('the stream %s ends within a second after its token, %s', async (path, end) => {
    const { app, token } = await start(platform);
    const { seen, response } = await open(app, token, path);
    expect(response.statusCode).toBe(200);
    await eventually(() => seen.text.length > 20);
    toTheEnd(-1_000);
    const before = seen.text.length;
    await eventually(() => seen.text.length > before + 20);
    expect(seen.ended).toBeUndefined();
    toTheEnd(2_000);
    await eventually(() => seen.ended !== undefined, 3_000);
    expect(seen.ended).toBe(end);
  });

  test.each([
    ['/events', 'whole'],
    ['/file', 'broken off'],
    ['/own', 'broken off'],
  ] as const)(
    'the stream %s ends within a second after a thief has shown that its token is revoked, and others go on',
    async (path, end) => {
      const { app, as, token: other } = await start(platform);
      const token = as.opaqueToken({ certificate: world.client1 });
      const [{ seen, response }, { seen: going }] = [
        await open(app, token, path),
        await open(app, other, path),
      ];
      expect(response.statusCode).toBe(200);
      // Who may not use it shows nothing as long as it is good.
      expect((await open(app, token, path, world.client2)).response.statusCode).toBe(401);
      await eventually(() => going.text.length > 5 * 250, 5_000);
      expect(seen.ended).toBeUndefined();

      as.revoke(token);
      expect((await open(app, token, path, world.client2)).response.statusCode).toBe(401);
      await eventually(() => seen.ended !== undefined, 3_000);
      expect(seen.ended).toBe(end);
      const before = going.text.length;
      await eventually(() => going.text.length > before + 5 * 250, 5_000);
      expect(going.ended).toBeUndefined();
    },
  );

  test('a stream ends after the key that its token is signed with has been taken back', async () => {
    const { app, token, as } = await start(platform);
    const { seen } = await open(app, token, '/events');
    await as.rotateKeys({ keep: false });
    await eventually(async () => (await open(app, token, '/file')).response.statusCode === 401, 10_000);
    await eventually(() => seen.ended !== undefined, 3_000);
  });

  test('what has a length that the client knows, and what has not begun to answer, goes on to its end', async () => {
    const { app, token } = await start(platform);
    const known = await open(app, token, '/known');
    const slow = open(app, token, '/slow');
    const own = await open(app, token, '/own-length');
    await eventually(
      () => released.length === 3 && known.seen.text === 'first ' && own.seen.text === 'first ',
    );
    toTheEnd(2_000);
    const other = await open(app, undefined, '/public');
    const before = other.seen.text.length;
    // Long enough for everything that is to end to have ended.
    await eventually(() => other.seen.text.length > before + 5 * 250, 5_000);
    for (const release of released) release();
    const { seen } = await slow;
    await eventually(() => [known.seen, own.seen, seen].every(({ ended }) => ended !== undefined));
    expect([known.seen, own.seen, seen]).toEqual([
      { text: 'first last', ended: 'whole' },
      { text: 'first last', ended: 'whole' },
      { text: 'late', ended: 'whole' },
    ]);
    expect(other.seen.ended).toBeUndefined();
  });

  test("a stream goes on with streams: 'keep'", async () => {
    const { app, token } = await start(platform, { streams: 'keep' });
    const { seen } = await open(app, token, '/file');
    toTheEnd(60_000);
    const before = seen.text.length;
    await eventually(() => seen.text.length > before + 5 * 250, 5_000);
    expect(seen.ended).toBeUndefined();
  });

  test('a stream does not escape behind another request that is sent on its connection', async () => {
    const { app, token, as } = await start(platform);
    const later = await as.accessToken({ certificate: world.client1, lifetime: 3_600 });
    const { key, cert } = world.client1;
    const socket = connect({
      host: '127.0.0.1',
      port: portOf(app),
      ca: world.ca.cert,
      key,
      cert,
      servername: 'localhost',
    });
    whenOver(async () => socket.destroy());
    let [text, ended] = ['', false];
    socket.setEncoding('utf8').on('data', (part: string) => (text += part));
    socket.on('error', () => undefined).on('close', () => (ended = true));
    for (const [path, bearer] of [
      ['/file', token],
      ['/file', later],
    ] as const)
      socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${bearer}\r\n\r\n`);
    await eventually(() => text.length > 200);
    toTheEnd(2_000);
    await eventually(() => ended, 3_000);
  });
});

test('INV12: a stream of HTTP/2 ends after its token, and the others of its connection go on', async () => {
  const as = await startAuthorizationServer(world);
  const auth = CertBoundAuthModule.forRoot(as.moduleOptions);
  const adapter = new FastifyAdapter({ http2: true, https: tlsOf(world) } as never);
  const app = await NestFactory.create(
    { module: class App {}, imports: [auth], controllers: [StreamsController] },
    adapter as never,
    { logger: false },
  );
  await app.listen(0, '127.0.0.1');
  whenOver(async () => app.close());
  const { key, cert } = world.client1;
  const session = connectHttp2(`https://localhost:${portOf(app)}`, { ca: world.ca.cert, key, cert });
  whenOver(async () => session.destroy());
  const openStream = async (lifetime: number): Promise<{ text: string; closed: boolean }> => {
    const token = await as.accessToken({ certificate: world.client1, lifetime });
    const stream = session.request({ ':path': '/file', authorization: `Bearer ${token}` });
    const seen = { text: '', closed: false };
    stream.setEncoding('utf8').on('data', (part: string) => (seen.text += part));
    stream.on('error', () => undefined).on('close', () => (seen.closed = true));
    await eventually(() => seen.text.length > 20);
    return seen;
  };
  const [long, short] = [await openStream(3_600), await openStream(60)];
  toTheEnd(2_000);
  await eventually(() => short.closed, 3_000);
  const before = long.text.length;
  await eventually(() => long.text.length > before + 20);
  expect(long.closed).toBe(false);
});
