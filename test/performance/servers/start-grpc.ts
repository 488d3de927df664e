import { ServerCredentials } from '@grpc/grpc-js';
import { Controller } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { GrpcMethod, type MicroserviceOptions, Transport } from '@nestjs/microservices';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { PAYMENTS_PROTO } from './payments-proto.js';
import { ANSWER, type ServerSettings } from './server-settings.js';
import { authOf } from './start-library.js';

@Controller()
class PaymentsController {
  @GrpcMethod('Payments', 'List') list(): object {
    return ANSWER;
  }
}

/** A microservice of gRPC, with this library or open. @returns its port */
export async function startGrpc(settings: ServerSettings): Promise<number> {
  class App {}
  const port = await freePort();
  const app = await NestFactory.createMicroservice<MicroserviceOptions>(
    { module: App, imports: authOf(settings), controllers: [PaymentsController] },
    {
      transport: Transport.GRPC,
      options: {
        package: 'payments',
        packageDefinition: PAYMENTS_PROTO,
        url: `127.0.0.1:${port}`,
        credentials: credentialsOf(settings),
      },
      logger: false,
      abortOnError: false,
    },
  );
  await app.listen();
  return port;
}

function credentialsOf({ tls: { key, cert, ca } }: ServerSettings): ServerCredentials {
  const pair = { private_key: Buffer.from(key), cert_chain: Buffer.from(cert) };
  return ServerCredentials.createSsl(Buffer.from(ca), [pair], true);
}

/** Nest does not say which port its server got. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
