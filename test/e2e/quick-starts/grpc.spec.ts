/**
 * What Nest's guide to gRPC begins with, and its sample 04-grpc: a service of heroes, asked for one, and for many by a stream
 * of requests. It is written anew here, with the same names and shapes; the module is the only thing that is added.
 * @see https://docs.nestjs.com/microservices/grpc
 */
import {
  type ChannelCredentials,
  type Client,
  loadPackageDefinition,
  type Metadata,
  type ServiceError,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { Controller } from '@nestjs/common';
import { GrpcMethod, GrpcStreamMethod } from '@nestjs/microservices';
import { CertBoundAuthModule } from 'nestjs-cert-bound-auth';
import type { TestCertificate } from 'nestjs-cert-bound-auth/testing';
import { type Observable, Subject } from 'rxjs';
import { beforeEach, describe, expect, test } from 'vitest';
import { channelCredentials, metadataOf, protoOf, SHAPES, startGrpc } from '../../support/grpc.js';
import { createWorld, startAuthorizationServer, whenOver } from '../../support/world.js';

const HERO = protoOf(
  'hero.proto',
  `syntax = "proto3";
  package hero;
  message HeroById { int32 id = 1; }
  message Hero { int32 id = 1; string name = 2; }
  service HeroService {
    rpc FindOne (HeroById) returns (Hero);
    rpc FindMany (stream HeroById) returns (stream Hero);
  }`,
);

interface HeroById {
  readonly id: number;
}

interface Hero extends HeroById {
  readonly name: string;
}

const HEROES: readonly Hero[] = [
  { id: 1, name: 'John' },
  { id: 2, name: 'Doe' },
];

const ran: string[] = [];
beforeEach(() => {
  ran.length = 0;
});

@Controller()
class HeroController {
  @GrpcMethod('HeroService') findOne({ id }: HeroById): Hero | undefined {
    ran.push('findOne');
    return HEROES.find((hero) => hero.id === id);
  }

  @GrpcStreamMethod('HeroService') findMany(asked: Observable<HeroById>): Observable<Hero> {
    ran.push('findMany');
    const found = new Subject<Hero>();
    asked.subscribe({
      next: ({ id }) => {
        const hero = HEROES.find((each) => each.id === id);
        if (hero !== undefined) found.next(hero);
      },
      complete: () => found.complete(),
    });
    return found.asObservable();
  }
}

const world = await createWorld();

interface HeroClient extends Client {
  FindOne(
    asked: HeroById,
    metadata: Metadata,
    callback: (error: ServiceError | null, hero?: Hero) => void,
  ): unknown;
  FindMany(metadata: Metadata): HeroStream;
}

interface HeroStream {
  on(event: 'data', listener: (hero: Hero) => void): HeroStream;
  on(event: 'error' | 'status', listener: (ended: { readonly code: number }) => void): HeroStream;
  write(asked: HeroById): boolean;
  end(): void;
}

function connectTo(port: number, certificate: TestCertificate): HeroClient {
  const { hero } = loadPackageDefinition(loadSync(HERO)) as never as {
    readonly hero: {
      readonly HeroService: new (url: string, channel: ChannelCredentials, options: object) => HeroClient;
    };
  };
  const client = new hero.HeroService(`127.0.0.1:${port}`, channelCredentials(world, certificate), {
    'grpc.ssl_target_name_override': 'localhost',
    'grpc.use_local_subchannel_pool': 1,
  });
  whenOver(async () => client.close());
  return client;
}

async function findOne(client: HeroClient, metadata: Metadata): Promise<unknown> {
  return new Promise((resolve) => {
    client.FindOne({ id: 2 }, metadata, (error, hero) => resolve(error === null ? hero : error.code));
  });
}

/** What comes until the stream ends, and how it does. */
async function findMany(client: HeroClient, metadata: Metadata): Promise<unknown> {
  return new Promise((resolve) => {
    const heroes: Hero[] = [];
    const stream = client
      .FindMany(metadata)
      .on('data', (hero) => heroes.push(hero))
      .on('error', () => undefined)
      .on('status', ({ code }) => setImmediate(() => resolve({ heroes, code })));
    for (const { id } of HEROES) stream.write({ id });
    stream.end();
  });
}

describe.each(SHAPES)('the quick start of gRPC with the module added, in an app that is %s', (shape) => {
  async function start() {
    const as = await startAuthorizationServer(world);
    const port = await startGrpc(world, {
      shape,
      imports: [CertBoundAuthModule.forRoot(as.moduleOptions)],
      controllers: [HeroController],
      options: { package: 'hero', protoPath: HERO },
    });
    return { token: await as.accessToken({ certificate: world.client1 }), port };
  }

  test('nothing of the hero sample runs without a token, or with that of somebody else', async () => {
    const { token, port } = await start();
    const [owner, thief] = [connectTo(port, world.client1), connectTo(port, world.client2)];
    const tries = [
      [owner, metadataOf()],
      [thief, metadataOf({ authorization: `Bearer ${token}` })],
    ] as const;
    for (const [client, metadata] of tries) {
      expect(await findOne(client, metadata)).toBe(16);
      expect(await findMany(client, metadata)).toEqual({ heroes: [], code: 16 });
    }
    expect(ran).toEqual([]);
  });

  test('the hero sample works as the guide says for the holder of the token', async () => {
    const { token, port } = await start();
    const metadata = metadataOf({ authorization: `Bearer ${token}` });
    const client = connectTo(port, world.client1);
    expect(await findOne(client, metadata)).toEqual({ id: 2, name: 'Doe' });
    expect(await findMany(client, metadata)).toEqual({ heroes: HEROES, code: 0 });
    expect(ran).toEqual(['findOne', 'findMany']);
  });
});
