import {
  type Client,
  loadPackageDefinition,
  type Metadata,
  type ServiceError,
  type StatusObject,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { Controller } from '@nestjs/common';
import { GrpcMethod } from '@nestjs/microservices';
import type { TestCertificate } from 'nestjs-cert-bound-auth/testing';
import { beforeAll, describe, expect, test } from 'vitest';
import { channelCredentials, metadataOf, protoOf, startGrpc } from '../support/grpc.js';
import { moduleOf } from '../support/policies.js';
import { createWorld, whenOver } from '../support/world.js';
import {
  type Answer,
  CELLS,
  type Cell,
  expectedAt,
  handlersAt,
  type Outcomes,
  seenAt,
  startTables,
} from './tables.js';
import type { TokenRow } from './token-rows.js';

const world = await createWorld();

const methodOf = ({ id }: Cell): string => `Call${id}`;

const PROTO = protoOf(
  'tables.proto',
  `syntax = "proto3";
  package tables.v1;
  message Message { string text = 1; }
  service Cells {
    ${CELLS.map((cell) => `rpc ${methodOf(cell)} (Message) returns (Message);`).join('\n')}
  }`,
);

const CONTROLLERS = handlersAt({
  onClass: () => Controller(),
  onMethod: (cell) => GrpcMethod('Cells', methodOf(cell)),
  answer: () => ({ text: 'passed' }),
});

/** The server demands a certificate of each connection. */
const isReachable = ({ sent }: TokenRow): boolean => sent.certificate !== 'none';

/** 16 is UNAUTHENTICATED, 7 is PERMISSION_DENIED. */
const STATUSES: Readonly<Record<number, number>> = { 16: 401, 7: 403 };

type Call = (method: string, metadata: Metadata) => Promise<'passed' | Answer>;

type Unary = (
  message: object,
  metadata: Metadata,
  callback: (error: ServiceError | null, message?: { readonly text: string }) => void,
) => { on(event: 'status', listener: (status: StatusObject) => void): unknown };

function connect(port: number, certificate: TestCertificate | undefined): Call {
  const { tables } = loadPackageDefinition(loadSync(PROTO)) as never as {
    readonly tables: { readonly v1: { readonly Cells: new (...args: readonly unknown[]) => Client } };
  };
  const client = new tables.v1.Cells(`127.0.0.1:${port}`, channelCredentials(world, certificate), {
    'grpc.ssl_target_name_override': 'localhost',
    'grpc.use_local_subchannel_pool': 1,
  });
  whenOver(async () => client.close());
  return async (method, metadata) => callOf(client, method, metadata);
}

async function callOf(client: Client, method: string, metadata: Metadata): Promise<'passed' | Answer> {
  const unary = (client as never as Readonly<Record<string, Unary>>)[method]?.bind(client);
  return new Promise((resolve, reject) => {
    let text: string | undefined;
    const call = unary?.({ text: 'one' }, metadata, (_error, message) => {
      text = message?.text;
    });
    if (call === undefined) reject(new Error(`there is no method ${method}`));
    call?.on('status', ({ code, metadata: trailers }) => {
      const challenge = trailers.get('www-authenticate').join(', ');
      // Behind the callback, which comes later.
      setImmediate(() => resolve(text === 'passed' ? text : { status: STATUSES[code] ?? 0, challenge }));
    });
  });
}

async function seenByGrpc(): Promise<ReadonlyMap<Cell, Outcomes>> {
  const apis = await startTables(world);
  const port = await startGrpc(world, {
    imports: [moduleOf(apis)],
    controllers: CONTROLLERS,
    options: { package: 'tables.v1', protoPath: PROTO },
  });
  const owner = connect(port, world.client1);
  const thief = connect(port, world.client2);
  return seenAt(world, apis, {
    isReachable,
    send: async (cell, { certificate, headersFor }) => {
      const call = certificate === world.client1 ? owner : thief;
      const path = `/tables.v1.Cells/${methodOf(cell)}`;
      return call(methodOf(cell), metadataOf(await headersFor({ method: 'POST', path })));
    },
  });
}

describe('demands × tokens × policies over gRPC', () => {
  let seen: ReadonlyMap<Cell, Outcomes> = new Map();
  beforeAll(async () => {
    seen = await seenByGrpc();
  }, 300_000);

  test.each(CELLS.map((cell) => [cell.demand.says, cell.policy, cell] as const))(
    'a method that has %s, of the policy %s, decides about each token as the oracle does',
    (_demand, _policy, cell) => {
      expect(seen.get(cell)).toEqual(expectedAt(cell, { isReachable }));
    },
  );
});
