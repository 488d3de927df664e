import type { Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ClientProxyFactory, type MicroserviceOptions, Transport } from '@nestjs/microservices';
import { CertBoundAuthModule } from 'nestjs-cert-bound-auth';
import type { TestAuthorizationServer } from 'nestjs-cert-bound-auth/testing';
import { lastValueFrom } from 'rxjs';
import { freePort } from './grpc.js';
import { tlsOf, whenOver, type World } from './world.js';

/** Sends a message, with its token in the payload. @returns its answer, or what its sender is told of an error */
export type SendMessage = (pattern: string, data: object) => Promise<unknown>;

/** Starts a microservice over TCP with TLS, whose caller has the certificate of client 1; both end with the test. */
export async function startTcpMessages(
  world: World,
  as: Pick<TestAuthorizationServer, 'moduleOptions'>,
  controller: Type,
): Promise<SendMessage> {
  const messages = {
    findCredentials: (_context: object, data: unknown) => {
      const { token } = data as { readonly token?: string };
      return token === undefined ? undefined : { authorization: `Bearer ${token}` };
    },
  };
  const port = await freePort();
  const app = await NestFactory.createMicroservice<MicroserviceOptions>(
    {
      module: class App {},
      imports: [CertBoundAuthModule.forRoot({ ...as.moduleOptions, messages })],
      controllers: [controller],
    },
    { transport: Transport.TCP, options: { port, tlsOptions: tlsOf(world) as never }, logger: false },
  );
  await app.listen();
  whenOver(async () => app.close());
  const { key, cert } = world.client1;
  const client = ClientProxyFactory.create({
    transport: Transport.TCP,
    options: { port, tlsOptions: { key, cert, ca: world.ca.cert, servername: 'localhost' } },
  });
  whenOver(async () => client.close());
  return async (pattern, data) => lastValueFrom(client.send(pattern, data)).catch((error: unknown) => error);
}
