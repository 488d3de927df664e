import { Controller, Get, type INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { connect } from 'node:http2';
import { CertBoundAuthModule, ClientCertificate, type PresentedCertificate } from 'nestjs-cert-bound-auth';
import { expect, test } from 'vitest';
import { createWorld, startAuthorizationServer, tlsOf, whenOver } from '../support/world.js';

const world = await createWorld();

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
        setImmediate(() => setImmediate(resolve, token));
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

/** The server's side of every connection: destroyed there, it is gone for certain when the handler runs. */
function socketsOf(app: INestApplication): Set<{ destroy(): void }> {
  const sockets = new Set<{ destroy(): void }>();
  (app.getHttpServer() as { on(event: string, listener: (socket: { destroy(): void }) => void): void }).on(
    'secureConnection',
    (socket) => sockets.add(socket),
  );
  return sockets;
}
