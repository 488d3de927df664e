import type { INestApplication } from '@nestjs/common';
import { Server } from 'node:tls';
import { asksForCertificate } from '../../tls/asks-for-certificate.js';

/**
 * The TLS server of an app.
 * @throws TypeError when it is none, or asks for no client certificate
 */
export function mutualTlsServerOf(app: INestApplication): Server {
  const server: unknown = app.getHttpServer();
  if (asksForCertificate(server)) return server;
  throw new TypeError(
    `watchTls: the app's server asks for no client certificate. Use NestFactory.create(AppModule, ` +
      `{ httpsOptions: mutualTls({ key, cert, ca }) }), or for Fastify ` +
      `new FastifyAdapter({ https: mutualTls({ key, cert, ca }) })`,
  );
}

/**
 * All servers of an app: Fastify makes further ones, while it starts to listen, when `localhost` has several
 * addresses. It hands them out under a symbol only.
 */
export function serversOf(app: INestApplication): readonly Server[] {
  const instance = app.getHttpAdapter().getInstance() as Readonly<Record<symbol, unknown>>;
  const bindings = Object.getOwnPropertySymbols(instance)
    .filter(({ description }) => description === 'fastify.serverBindings')
    .flatMap((symbol) => instance[symbol]);
  return [app.getHttpServer() as unknown, ...bindings].filter((server) => server instanceof Server);
}
