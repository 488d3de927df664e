import {
  type ChannelCredentials,
  type Client,
  credentials,
  loadPackageDefinition,
  Metadata,
  ServerCredentials,
  type ServiceError,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { Controller } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { GrpcMethod, type MicroserviceOptions, Transport } from '@nestjs/microservices';
import { once } from 'node:events';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AccessToken } from 'nestjs-cert-bound-auth';
import type { World } from '../world.js';
import { answerFor, type Caller, type Row } from './row.js';
import { appModule } from './start.js';

const PROTO = join(mkdtempSync(join(tmpdir(), 'grpc-')), 'greeter.proto');
writeFileSync(
  PROTO,
  `syntax = "proto3";
  package greeter;
  message Text { string text = 1; }
  service Greeter { rpc Hello (Text) returns (Text); }`,
);

@Controller()
class GreeterController {
  @GrpcMethod('Greeter', 'Hello') hello(_: object, @AccessToken('clientId') client: string): object {
    return { text: answerFor(client) };
  }
}

/** A microservice of its own. */
export const grpc: Row = {
  async start(world) {
    const url = `127.0.0.1:${await freePort()}`;
    const app = await NestFactory.createMicroservice<MicroserviceOptions>(
      appModule(world, { controllers: [GreeterController] }),
      {
        transport: Transport.GRPC,
        options: { package: 'greeter', protoPath: PROTO, url, credentials: credentialsOf(world) },
        logger: false,
        abortOnError: false,
      },
    );
    await app.listen();
    return { call: async (caller) => hello(url, caller), close: async () => app.close() };
  },
};

function credentialsOf({ ca, server }: World): ServerCredentials {
  const pair = { private_key: Buffer.from(server.key), cert_chain: Buffer.from(server.cert) };
  return ServerCredentials.createSsl(Buffer.from(ca.cert), [pair], true);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

interface Greeter extends Client {
  Hello(
    message: object,
    metadata: Metadata,
    callback: (error: ServiceError | null, answer?: { readonly text: string }) => void,
  ): unknown;
}

type GreeterType = new (url: string, channel: ChannelCredentials, options: object) => Greeter;

async function hello(url: string, { ca, certificate, token }: Caller): Promise<unknown> {
  const { greeter } = loadPackageDefinition(loadSync(PROTO)) as unknown as {
    readonly greeter: { readonly Greeter: GreeterType };
  };
  const pems = [ca, certificate.key, certificate.cert].map((pem) => Buffer.from(pem));
  const client = new greeter.Greeter(url, credentials.createSsl(...pems), {
    'grpc.ssl_target_name_override': 'localhost',
    'grpc.use_local_subchannel_pool': 1,
  });
  const metadata = new Metadata();
  if (token !== undefined) metadata.set('authorization', `Bearer ${token}`);
  const outcome = await new Promise((resolve) => {
    client.Hello({}, metadata, (error, answer) => resolve(error === null ? answer?.text : error.code));
  });
  client.close();
  return outcome;
}
