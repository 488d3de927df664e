import {
  credentials,
  loadPackageDefinition,
  type ChannelCredentials,
  type Client,
  Metadata,
  ServerCredentials,
  type ServiceError,
  type StatusObject,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { type INestApplication, type INestMicroservice, Module, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { type GrpcOptions, Transport } from '@nestjs/microservices';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestCertificate } from 'nestjs-cert-bound-auth/testing';
import { type Platform, startApp } from './platforms.js';
import type { RecordingLogger } from './recording-logger.js';
import { tlsOf, whenOver, type World } from './world.js';

const folder = mkdtempSync(join(tmpdir(), 'grpc-'));

/** Writes a service definition where proto-loader finds it. */
export function protoOf(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

/** One service with a method of each kind. */
export const BANK = protoOf(
  'bank.proto',
  `syntax = "proto3";
  package bank.v1;
  message Message { string text = 1; }
  service Payments {
    rpc Pay (Message) returns (Message);
    rpc Watch (Message) returns (stream Message);
    rpc Collect (stream Message) returns (Message);
    rpc Talk (stream Message) returns (stream Message);
    rpc CollectRaw (stream Message) returns (Message);
    rpc TalkRaw (stream Message) returns (stream Message);
    rpc Open (Message) returns (Message);
    rpc Proved (Message) returns (Message);
    rpc Nobody (Message) returns (Message);
  }`,
);

/** Credentials of a server that demands a certificate of its clients. */
export function grpcTls({ server, ca }: World): ServerCredentials {
  return ServerCredentials.createSsl(
    Buffer.from(ca.cert),
    [{ private_key: Buffer.from(server.key), cert_chain: Buffer.from(server.cert) }],
    true,
  );
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** How a microservice of gRPC is part of an app. */
export type Shape = 'pure' | 'hybrid' | 'hybrid with inheritAppConfig';
export const SHAPES: readonly Shape[] = ['pure', 'hybrid', 'hybrid with inheritAppConfig'];

/** Options of {@link startGrpc}. */
export interface StartGrpcOptions {
  readonly shape?: Shape;
  readonly platform?: Platform;
  /** Whether the server of HTTP in a hybrid app has no TLS. @default false */
  readonly isHttpPlain?: boolean;
  readonly imports: readonly object[];
  readonly controllers: readonly Type[];
  readonly logger?: RecordingLogger;
  readonly options?: Partial<GrpcOptions['options']>;
}

/** Starts an app with a microservice of gRPC, which ends with the test. @returns the port of the microservice */
export async function startGrpc(
  world: World,
  {
    shape = 'pure',
    platform = 'express',
    isHttpPlain = false,
    imports,
    controllers,
    logger,
    options,
  }: StartGrpcOptions,
): Promise<number> {
  @Module({ imports: imports as never[], controllers: [...controllers] })
  class AppModule {}
  const port = await freePort();
  const grpc: GrpcOptions = {
    transport: Transport.GRPC,
    options: {
      package: 'bank.v1',
      protoPath: BANK,
      url: `127.0.0.1:${port}`,
      credentials: grpcTls(world),
      ...options,
    },
  };
  const app = await startShape(world, AppModule, grpc, { shape, platform, isHttpPlain, logger });
  whenOver(async () => app.close());
  return port;
}

async function startShape(
  world: World,
  module: Type,
  grpc: GrpcOptions,
  {
    shape,
    platform,
    isHttpPlain,
    logger,
  }: {
    readonly shape: Shape;
    readonly platform: Platform;
    readonly isHttpPlain: boolean;
    readonly logger?: RecordingLogger | undefined;
  },
): Promise<INestApplication | INestMicroservice> {
  if (shape === 'pure') {
    const app = await NestFactory.createMicroservice<GrpcOptions>(module, {
      ...grpc,
      logger: logger ?? false,
      abortOnError: false,
    });
    await app.listen();
    return app;
  }
  const app = await startApp(platform, module, isHttpPlain ? undefined : tlsOf(world), {
    logger: logger ?? false,
    configure: (made) =>
      made.connectMicroservice<GrpcOptions>(grpc, {
        inheritAppConfig: shape === 'hybrid with inheritAppConfig',
      }),
  });
  await app.startAllMicroservices();
  return app;
}

/** What a call came to. */
export interface Outcome {
  readonly code: number;
  readonly details: string;
  readonly messages: readonly string[];
  /** Of the metadata behind it: what this module may add. */
  readonly challenge: string | undefined;
  readonly trailers: Readonly<Record<string, unknown>>;
}

/** How a method of {@link BANK} is called. */
export type Method =
  'Pay' | 'Watch' | 'Collect' | 'Talk' | 'CollectRaw' | 'TalkRaw' | 'Open' | 'Proved' | 'Nobody';

interface BankClient extends Client {
  [method: string]: unknown;
}

/** A client of a microservice of gRPC. */
export interface GrpcClient {
  /** Calls a method, with one message where it takes a stream, and waits for its end. */
  readonly call: (method: Method, headers?: Readonly<Record<string, string>>) => Promise<Outcome>;
  readonly client: BankClient;
}

export function channelCredentials(
  { ca }: World,
  certificate: TestCertificate | undefined,
): ChannelCredentials {
  return credentials.createSsl(
    Buffer.from(ca.cert),
    certificate === undefined ? null : Buffer.from(certificate.key),
    certificate === undefined ? null : Buffer.from(certificate.cert),
  );
}

/** Connects a client with this certificate, which ends with the test. */
export function grpcClient(world: World, port: number, certificate?: TestCertificate): GrpcClient {
  const { bank } = loadPackageDefinition(loadSync(BANK)) as never as {
    readonly bank: {
      readonly v1: {
        Payments: new (url: string, channel: ChannelCredentials, options: object) => BankClient;
      };
    };
  };
  const client = new bank.v1.Payments(`127.0.0.1:${port}`, channelCredentials(world, certificate), {
    'grpc.ssl_target_name_override': 'localhost',
    // Each client has a connection of its own.
    'grpc.use_local_subchannel_pool': 1,
  });
  whenOver(async () => client.close());
  return { client, call: async (method, headers) => callMethod(client, method, metadataOf(headers)) };
}

export function metadataOf(headers: Readonly<Record<string, string>> = {}): Metadata {
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
  return metadata;
}

interface AnyCall {
  on(event: string, listener: (value: never) => void): AnyCall;
  write?(message: object): void;
  end?(): void;
}

type AnyMethod = (...args: readonly unknown[]) => AnyCall;

async function callMethod(client: BankClient, method: Method, metadata: Metadata): Promise<Outcome> {
  const fn = (client[method] as AnyMethod).bind(client);
  const sends = /^(?:Collect|Talk)/.test(method);
  const receives = /^(?:Watch|Talk)/.test(method);
  const messages: string[] = [];
  return new Promise((resolve) => {
    const callback = (_error: ServiceError | null, message?: { readonly text: string }): void => {
      if (message) messages.push(message.text);
    };
    const args = [...(sends ? [] : [{ text: 'one' }]), metadata, ...(receives ? [] : [callback])];
    const call = fn(...args);
    call.on('error', () => undefined);
    if (receives) call.on('data', ({ text }: { readonly text: string }) => messages.push(text));
    call.on('status', ({ code, details, metadata: trailers }: StatusObject) =>
      // Behind the callback, which comes later.
      setImmediate(() =>
        resolve({
          code,
          details,
          messages,
          challenge: trailers.get('www-authenticate')[0]?.toString(),
          trailers: trailers.getMap(),
        }),
      ),
    );
    if (sends) {
      call.write?.({ text: 'one' });
      call.end?.();
    }
  });
}
