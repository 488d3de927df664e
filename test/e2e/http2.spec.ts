import { Controller, Get, type INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { connect, type ServerHttp2Session } from 'node:http2';
import { buffer } from 'node:stream/consumers';
import { setImmediate } from 'node:timers/promises';
import { CertBoundAuthModule, ClientCertificate, type PresentedCertificate } from 'nestjs-cert-bound-auth';
import { afterEach, expect, test, vi } from 'vitest';
import { createWorld, startAuthorizationServer, tlsOf, whenOver } from '../support/world.js';

const world = await createWorld();

afterEach(() => {
  vi.useRealTimers();
});

test('a handler over HTTP/2 still has the certificate after the client has hung up', async () => {
  const seen: (string | undefined)[] = [];
  let handled = (): void => undefined;
  const done = new Promise<void>((resolve) => (handled = resolve));
  @Controller()
  class CertificateController {
    @Get() get(@ClientCertificate() certificate?: PresentedCertificate): void {
      seen.push(certificate?.thumbprint);
      handled();
    }
  }
  const as = await startAuthorizationServer(world);
  let hangUp = (): void => undefined;
  const auth = CertBoundAuthModule.forRoot({
    ...as.moduleOptions,
    // The client goes while the app is looking its user up.
    validate: async (token) =>
      new Promise((resolve) => {
        hangUp();
        globalThis.setImmediate(() => globalThis.setImmediate(resolve, token));
      }),
  });
  const module = { module: class App {}, imports: [auth], controllers: [CertificateController] };
  const adapter = new FastifyAdapter({ http2: true, https: tlsOf(world) });
  const app: INestApplication = await NestFactory.create(module, adapter, { logger: false });
  whenOver(async () => app.close());
  await app.listen(0, '127.0.0.1');

  const { port } = app.getHttpServer().address() as { port: number };
  const { key, cert } = world.client1;
  const session = connect(`https://127.0.0.1:${port}`, { ca: world.ca.cert, key, cert });
  session.on('error', () => undefined);
  const closed = new Promise<void>((resolve) => session.once('close', () => resolve()));
  const token = await as.accessToken({ certificate: world.client1 });
  hangUp = () => {
    for (const socket of serverSockets) socket.destroy();
    session.destroy();
  };
  const serverSockets = socketsOf(app);
  const stream = session.request({ ':path': '/', authorization: `Bearer ${token}` });
  stream.on('error', () => undefined).end();
  await Promise.all([closed, done]);
  expect(seen).toEqual([world.client1.thumbprint]);
});

test('invariant 14: a session of HTTP/2 that is over, while its connection is not yet, does not end the process', async () => {
  // It is looked every second whether a response has to end: here as soon as the session is over.
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  @Controller()
  class PaymentsController {
    @Get() list(): string {
      return 'payments';
    }
  }
  const as = await startAuthorizationServer(world);
  const auth = CertBoundAuthModule.forRoot(as.moduleOptions);
  const module = { module: class App {}, imports: [auth], controllers: [PaymentsController] };
  const adapter = new FastifyAdapter({ http2: true, https: tlsOf(world) });
  const app: INestApplication = await NestFactory.create(module, adapter, { logger: false });
  whenOver(async () => app.close());
  await app.listen(0, '127.0.0.1');
  const sessions: ServerHttp2Session[] = [];
  const server = app.getHttpServer() as {
    on(event: 'session', listener: (session: ServerHttp2Session) => void): void;
    address(): { readonly port: number };
  };
  server.on('session', (session) => sessions.push(session));

  const { key, cert } = world.client1;
  const client = connect(`https://127.0.0.1:${server.address().port}`, { ca: world.ca.cert, key, cert });
  client.on('error', () => undefined);
  const token = await as.accessToken({ certificate: world.client1 });
  const stream = client.request({ ':path': '/', authorization: `Bearer ${token}` });
  stream.end();
  expect(String(await buffer(stream))).toBe('payments');
  const [session] = sessions;
  const connection = session?.socket;
  session?.destroy();
  while (!isUnbound(connection)) await setImmediate();
  expect(() => vi.advanceTimersByTime(1000)).not.toThrow();
});

/** Whether Node shows the connection of a session no longer: from the end of the session on, until the client hangs up. */
function isUnbound(connection: { readonly bytesRead: number } | undefined): boolean {
  try {
    return connection?.bytesRead === undefined;
  } catch {
    return true;
  }
}

/** The server's side of every connection: destroyed there, it is gone for certain when the handler runs. */
function socketsOf(app: INestApplication): Set<{ destroy(): void }> {
  const sockets = new Set<{ destroy(): void }>();
  (app.getHttpServer() as { on(event: string, listener: (socket: { destroy(): void }) => void): void }).on(
    'secureConnection',
    (socket) => sockets.add(socket),
  );
  return sockets;
}
