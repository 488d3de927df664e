import { status as codes } from '@grpc/grpc-js';
import {
  type ArgumentsHost,
  Catch,
  Controller,
  type ExceptionFilter,
  Get,
  HttpException,
  Inject,
  Injectable,
  Module,
  Scope,
  UseFilters,
} from '@nestjs/common';
import { GrpcMethod, RpcException } from '@nestjs/microservices';
import {
  CertBoundAuthModule,
  DecisionListener,
  Public,
  Scopes,
  TokenRevocations,
} from 'nestjs-cert-bound-auth';
import { type TestAuthorizationServer, TestDpopClient } from 'nestjs-cert-bound-auth/testing';
import { once } from 'node:events';
import { connect, type IncomingHttpHeaders } from 'node:http2';
import { type Observable, of, throwError } from 'rxjs';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { eventually } from '../../support/eventually.js';
import { grpcClient, metadataOf, protoOf, startGrpc } from '../../support/grpc.js';
import { RecordingLogger } from '../../support/recording-logger.js';
import { createWorld, startAuthorizationServer, whenOver } from '../../support/world.js';
import { BankController, type Message, ProvedController, ran } from './bank.controller.js';

const world = await createWorld();
const PUBLIC_URL = 'https://api.example.com';

beforeEach(() => {
  ran.length = 0;
});
afterEach(() => {
  vi.useRealTimers();
});

const bearer = (token: string): Readonly<Record<string, string>> => ({ authorization: `Bearer ${token}` });

async function goodToken(as: TestAuthorizationServer): Promise<string> {
  return as.accessToken({ certificate: world.client1, scope: 'payments' });
}

describe('RFC9449-7.1: DPoP over gRPC', () => {
  test('GRPC-5: a proof is for POST and the path of the method, once, and for no other method', async () => {
    const as = await startAuthorizationServer(world);
    const port = await startGrpc(world, {
      imports: [CertBoundAuthModule.forRoot({ ...as.moduleOptions, dpop: { publicUrl: PUBLIC_URL } })],
      controllers: [BankController, ProvedController],
    });
    const dpop = await TestDpopClient.create();
    const token = await as.accessToken({ dpop, scope: 'payments' });
    const made = grpcClient(world, port, world.client1);
    const call: (typeof made)['call'] = async (...given) => made.call(...given);
    const headers = async (path: string, method = 'POST'): Promise<Record<string, string>> => {
      const { Authorization, DPoP } = await dpop.headers({ token, method, url: `${PUBLIC_URL}${path}` });
      return { authorization: Authorization, dpop: DPoP };
    };
    const right = await headers('/bank.v1.Payments/Proved');
    expect(await call('Proved', right)).toMatchObject({ code: 0, messages: ['proved'] });
    expect(await call('Proved', right)).toMatchObject({ code: 16, challenge: /invalid_dpop_proof/ as never });
    for (const wrong of [
      await headers('/bank.v1.Payments/Pay'),
      await headers('/bank.v1.Payments/Proved', 'GET'),
      await headers('/'),
    ]) {
      const { code, challenge } = await call('Proved', wrong);
      expect(code).toBe(16);
      expect(challenge).toContain('error="invalid_dpop_proof"');
    }
    expect(await call('Proved', { authorization: `DPoP ${token}` })).toMatchObject({ code: 16 });
    expect(ran).toEqual(['Proved']);
  });

  test('a client is given the nonce for its proof, and the next one with an answer', async () => {
    const as = await startAuthorizationServer(world);
    const nonceLifetime = 60;
    const port = await startGrpc(world, {
      imports: [
        CertBoundAuthModule.forRoot({
          ...as.moduleOptions,
          dpop: { publicUrl: PUBLIC_URL, nonce: 'required', nonceLifetime },
        }),
      ],
      controllers: [BankController, ProvedController],
    });
    const dpop = await TestDpopClient.create();
    const token = await as.accessToken({ dpop, scope: 'payments' });
    const made = grpcClient(world, port, world.client1);
    const call: (typeof made)['call'] = async (...given) => made.call(...given);
    const send = async (nonce?: unknown): ReturnType<typeof call> => {
      const { Authorization, DPoP } = await dpop.headers({
        token,
        method: 'POST',
        url: `${PUBLIC_URL}/bank.v1.Payments/Proved`,
        ...(nonce === undefined ? {} : { claims: { nonce } }),
      });
      return call('Proved', { authorization: Authorization, dpop: DPoP });
    };
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() });
    const first = await send();
    expect(first.challenge).toContain('error="use_dpop_nonce"');
    const nonce = first.trailers['dpop-nonce'];
    expect(await send(nonce)).toMatchObject({ code: 0 });
    vi.setSystemTime(Date.now() + (nonceLifetime / 2) * 1000);
    const next = await send(nonce);
    expect(next.code).toBe(0);
    expect(next.trailers['dpop-nonce']).toBeTypeOf('string');
    expect(next.trailers['dpop-nonce']).not.toBe(nonce);
  });
});

test('GRPC-1, GRPC-2, GRPC-4: every answer is 200 with its code behind it, a challenge too, and two tokens in one header are none', async () => {
  const as = await startAuthorizationServer(world);
  const port = await startGrpc(world, {
    imports: [CertBoundAuthModule.forRoot(as.moduleOptions)],
    controllers: [BankController],
  });
  const { key, cert } = world.client1;
  const session = connect(`https://localhost:${port}`, { key, cert, ca: world.ca.cert });
  whenOver(async () => session.destroy());
  const pay = async (headers: Readonly<Record<string, string>>): Promise<readonly unknown[]> => {
    const call = session.request({
      ':method': 'POST',
      ':path': '/bank.v1.Payments/Pay',
      'content-type': 'application/grpc',
      te: 'trailers',
      ...headers,
    });
    const told: IncomingHttpHeaders = {};
    for (const event of ['response', 'trailers'])
      call.on(event, (more: IncomingHttpHeaders) => Object.assign(told, more));
    // A message without fields.
    call.end(Buffer.alloc(5));
    call.resume();
    await once(call, 'close');
    return [told[':status'], told['grpc-status'], (told['www-authenticate'] ?? '').split(',')[0]];
  };
  const token = await goodToken(as);
  const narrow = await as.accessToken({ certificate: world.client1, scope: 'other' });
  const twice = { authorization: `Bearer ${token}, Bearer ${token}` };
  expect(await pay({})).toEqual([200, '16', 'Bearer']);
  expect(await pay(twice)).toEqual([200, '16', 'Bearer error="invalid_request"']);
  expect(await pay(bearer(narrow))).toEqual([200, '7', 'Bearer error="insufficient_scope"']);
  expect(ran).toEqual([]);
  expect(await pay(bearer(token))).toEqual([200, '0', '']);
});

describe('gRPC: streams and their tokens', () => {
  test('messages of a client wait for the decision at the client, and not in the memory of the API', async () => {
    const as = await startAuthorizationServer(world);
    const authorizationServers = as.moduleOptions.authorizationServers.map((server) => ({
      ...server,
      http: { timeout: 1_000 },
    }));
    const port = await startGrpc(world, {
      imports: [CertBoundAuthModule.forRoot({ ...as.moduleOptions, authorizationServers })],
      controllers: [BankController],
    });
    const token = await goodToken(as);
    as.behave('jwks', 'hang');
    const { client } = grpcClient(world, port, world.client1);
    const collect = client['Collect'] as (
      metadata: object,
      callback: (error: Error | null) => void,
    ) => { write(message: object, flags: string, written: () => void): void; end(): void };
    let outcome: Error | null | undefined;
    const stream = collect.call(client, metadataOf(bearer(token)), (error) => {
      outcome = error;
    });
    const sent = 200;
    let written = 0;
    for (let index = 0; index < sent; index += 1) {
      stream.write({ text: 'x'.repeat(65_536) }, '', () => {
        written += 1;
      });
    }
    stream.end();
    await eventually(() => outcome !== undefined);
    expect(outcome).toMatchObject({ code: codes.UNAVAILABLE });
    expect(written).toBeLessThan(sent / 2);
    expect(ran).toEqual([]);
  });

  test('a stream ends when another call shows that its token is revoked', async () => {
    const as = await startAuthorizationServer(world);
    const port = await startGrpc(world, {
      imports: [CertBoundAuthModule.forRoot(as.moduleOptions)],
      controllers: [BankController],
    });
    const token = as.opaqueToken({ certificate: world.client1, scope: 'payments' });
    const { client } = grpcClient(world, port, world.client1);
    const watch = client['Watch'] as (message: object, metadata: object) => NodeJS.EventEmitter;
    const open = (): { ended?: object } => {
      const seen: { ended?: object } = {};
      const stream = watch.call(client, { text: 'endless' }, metadataOf(bearer(token)));
      stream.on('data', () => undefined).on('error', () => undefined);
      stream.on('status', (status: object) => (seen.ended = status));
      return seen;
    };
    const going = open();
    await eventually(() => ran.length > 0);
    as.revoke(token);
    expect(going.ended).toBeUndefined();
    const refused = open();
    await eventually(() => refused.ended !== undefined && going.ended !== undefined);
    expect(going.ended).toMatchObject({ code: 16, details: 'The access token is no longer valid' });
  });

  test('INV12: a stream ends within a second after the app has revoked its token, and the next call is refused', async () => {
    const as = await startAuthorizationServer(world);
    let revocations: TokenRevocations | undefined;
    @Module({})
    class RevokingModule {
      constructor(@Inject(TokenRevocations) own: TokenRevocations) {
        revocations = own;
      }
    }
    const port = await startGrpc(world, {
      imports: [CertBoundAuthModule.forRoot({ ...as.moduleOptions, revocations: {} }), RevokingModule],
      controllers: [BankController],
    });
    const claims = { certificate: world.client1, scope: 'payments', subject: 'alice' };
    const token = await as.accessToken(claims);
    const { client, call } = grpcClient(world, port, world.client1);
    const watch = client['Watch'] as (message: object, metadata: object) => NodeJS.EventEmitter;
    const stream = watch.call(client, { text: 'endless' }, metadataOf(bearer(token)));
    let ended: object | undefined;
    stream.on('data', () => undefined).on('error', () => undefined);
    stream.on('status', (status: object) => (ended = status));
    await eventually(() => ran.length > 0);
    await revocations?.revoke({ issuer: as.issuer, subject: 'alice' });
    await eventually(() => ended !== undefined, 2_000);
    expect(ended).toMatchObject({ code: 16, details: 'The access token is no longer valid' });
    const before = [...ran];
    expect(await call('Pay', bearer(token))).toMatchObject({ code: 16 });
    expect(ran).toEqual(before);
  });

  test.each(['end-at-expiry', 'keep'] as const)(
    'GRPC-5: a stream whose token expires while it is under way: %s',
    async (streams) => {
      const as = await startAuthorizationServer(world);
      const port = await startGrpc(world, {
        imports: [CertBoundAuthModule.forRoot({ ...as.moduleOptions, streams, clockTolerance: 0 })],
        controllers: [BankController],
      });
      const token = await as.accessToken({ certificate: world.client1, scope: 'payments', lifetime: 2 });
      const { client } = grpcClient(world, port, world.client1);
      const watch = client['Watch'] as (
        message: object,
        metadata: object,
      ) => NodeJS.EventEmitter & {
        cancel(): void;
      };
      const stream = watch.call(client, { text: 'endless' }, metadataOf(bearer(token)));
      let received = 0;
      let ended: { readonly code: number; readonly details: string } | undefined;
      stream.on('data', () => {
        received += 1;
      });
      stream.on('error', () => undefined);
      stream.on('status', (status: typeof ended) => {
        ended = status;
      });
      await once(stream, 'data');
      if (streams === 'keep') {
        const { exp } = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as {
          exp: number;
        };
        await eventually(() => Date.now() > exp * 1000 + 100);
        const before = received;
        await eventually(() => received > before + 5);
        expect(ended).toBeUndefined();
        stream.cancel();
        return;
      }
      await eventually(() => ended !== undefined);
      expect(ended).toMatchObject({ code: 16, details: 'The access token has expired' });
      expect(received).toBeGreaterThan(0);
    },
  );
});

const HEALTH = protoOf(
  'health.proto',
  `syntax = "proto3";
  package grpc.health.v1;
  message Request { string service = 1; }
  message Response { int32 status = 1; }
  service Health {
    rpc Check (Request) returns (Response);
    rpc Other (Request) returns (Response);
  }`,
);

describe('gRPC: methods that no handler of Nest serves', () => {
  const healthOf = async (
    publicMethods?: readonly string[],
    globalGuards = true,
  ): Promise<{
    readonly as: TestAuthorizationServer;
    readonly check: (path: string, headers?: Readonly<Record<string, string>>) => Promise<number>;
    readonly logger: RecordingLogger;
  }> => {
    const as = await startAuthorizationServer(world);
    const logger = new RecordingLogger();
    const { loadSync } = await import('@grpc/proto-loader');
    const { loadPackageDefinition } = await import('@grpc/grpc-js');
    const { grpc } = loadPackageDefinition(loadSync(HEALTH)) as never as {
      readonly grpc: { readonly health: { readonly v1: { readonly Health: { readonly service: never } } } };
    };
    const answer = (_call: unknown, callback: (error: null, response: object) => void): void =>
      callback(null, { status: 1 });
    const port = await startGrpc(world, {
      imports: [
        CertBoundAuthModule.forRoot({
          ...as.moduleOptions,
          globalGuards,
          ...(publicMethods === undefined ? {} : { messages: { publicMethods } }),
        }),
      ],
      controllers: [BankController],
      logger,
      options: {
        onLoadPackageDefinition: (
          _definition,
          server: { addService: (service: never, handlers: object) => void },
        ) => server.addService(grpc.health.v1.Health.service, { Check: answer, Other: answer }),
      },
    });
    const { client } = grpcClient(world, port, world.client1);
    const check = async (path: string, headers: Readonly<Record<string, string>> = {}): Promise<number> =>
      new Promise((resolve) => {
        client
          .makeUnaryRequest(
            path,
            () => Buffer.alloc(0),
            (value: Buffer) => value,
            {},
            metadataOf(headers),
            () => undefined,
          )
          .on('status', ({ code }) => resolve(code));
      });
    return { as, check, logger };
  };

  test('they demand a valid token, and are told apart in the log', async () => {
    const { as, check, logger } = await healthOf();
    expect(await check('/grpc.health.v1.Health/Check')).toBe(codes.UNAUTHENTICATED);
    expect(logger.ours.at(-1)?.text).toMatch(
      /reason=credentials_missing .*route=grpc.health.v1.Health\/Check/,
    );
    expect(await check('/grpc.health.v1.Health/Check', bearer(await goodToken(as)))).toBe(codes.OK);
  });

  test.each([
    [['/grpc.health.v1.Health/Check'], [0, 16]],
    [['/grpc.health.v1.Health'], [0, 0]],
    [['/grpc.health.v1'], [16, 16]],
    [['/bank.v1.Payments'], [16, 16]],
  ])('publicMethods %j opens these and nothing else', async (publicMethods, [checked, other]) => {
    const { check } = await healthOf(publicMethods);
    expect(await check('/grpc.health.v1.Health/Check')).toBe(checked);
    expect(await check('/grpc.health.v1.Health/Other')).toBe(other);
    expect(await check('/bank.v1.Payments/Pay')).toBe(16);
    expect(ran).toEqual([]);
  });

  test('globalGuards: false leaves them open, and what something is demanded of closed', async () => {
    const { as, check } = await healthOf(undefined, false);
    expect(await check('/grpc.health.v1.Health/Check')).toBe(0);
    expect(await check('/bank.v1.Payments/Pay')).toBe(16);
    expect(await check('/bank.v1.Payments/Pay', bearer(await goodToken(as)))).toBe(0);
  });
});

@Catch()
class TellingFilter implements ExceptionFilter {
  catch(_error: unknown, host: ArgumentsHost): Observable<unknown> {
    expect(host.getType()).toBe('rpc');
    return throwError(() => new RpcException('told by the app').getError());
  }
}

@Controller()
@UseFilters(TellingFilter)
class FilteredController {
  @GrpcMethod('Payments', 'Pay') pay(): Message {
    ran.push('Pay');
    return { text: 'paid' };
  }
}

@Injectable({ scope: Scope.REQUEST })
class PerRequest {
  readonly text = 'scoped';
}

@Controller()
class RequestScopedController {
  constructor(private readonly scoped: PerRequest) {}
  @GrpcMethod('Payments', 'Pay') @Scopes('payments') pay(): Message {
    ran.push('Pay');
    return this.scoped;
  }
  @GrpcMethod('Payments', 'Open') @Public() open(): Observable<Message> {
    return of(this.scoped);
  }
}

class Listener extends DecisionListener {
  readonly decisions: { readonly outcome: string; readonly route: string }[] = [];
  override onDecision(decision: { readonly outcome: string; readonly route: string }): void {
    this.decisions.push(decision);
  }
}

describe('gRPC: as routes of HTTP', () => {
  test('the challenge survives the filters of the app', async () => {
    const as = await startAuthorizationServer(world);
    const port = await startGrpc(world, {
      imports: [CertBoundAuthModule.forRoot(as.moduleOptions)],
      controllers: [FilteredController],
    });
    const made = grpcClient(world, port, world.client1);
    const call: (typeof made)['call'] = async (...given) => made.call(...given);
    expect(await call('Pay')).toMatchObject({ code: 16, challenge: 'Bearer' });
    expect(await call('Pay', bearer(await goodToken(as)))).toMatchObject({ code: 0 });
  });

  test('a controller that is made for each call is protected', async () => {
    const as = await startAuthorizationServer(world);
    class Providers {}
    const scoped = await startGrpc(world, {
      imports: [
        CertBoundAuthModule.forRoot(as.moduleOptions),
        {
          module: Providers,
          providers: [{ provide: PerRequest, useClass: PerRequest, scope: Scope.REQUEST }],
          controllers: [RequestScopedController],
        },
      ],
      controllers: [],
    });
    const made = grpcClient(world, scoped, world.client1);
    const call: (typeof made)['call'] = async (...given) => made.call(...given);
    expect(await call('Pay')).toMatchObject({ code: 16 });
    expect(await call('Pay', bearer(await goodToken(as)))).toMatchObject({ code: 0, messages: ['scoped'] });
    expect(await call('Open')).toMatchObject({ code: 0, messages: ['scoped'] });
    expect(ran).toEqual(['Pay']);
  });

  test('listeners hear of every decision once, by service and method', async () => {
    const as = await startAuthorizationServer(world);
    const listener = new Listener();
    class Listening {}
    const port = await startGrpc(world, {
      shape: 'hybrid with inheritAppConfig',
      imports: [
        CertBoundAuthModule.forRoot(as.moduleOptions),
        { module: Listening, providers: [{ provide: DecisionListener, useValue: listener }] },
      ],
      controllers: [BankController],
    });
    const made = grpcClient(world, port, world.client1);
    const call: (typeof made)['call'] = async (...given) => made.call(...given);
    await call('Pay', bearer(await goodToken(as)));
    await call('Talk');
    expect(listener.decisions.map(({ outcome, route }) => [outcome, route])).toEqual([
      ['accepted', 'bank.v1.Payments/Pay'],
      ['refused', 'bank.v1.Payments/Talk'],
    ]);
  });

  test.each([
    [403, 'PERMISSION_DENIED', 7],
    [429, 'RESOURCE_EXHAUSTED', 8],
  ])(
    'GRPC-3, GRPC-6: what validate refuses with reaches the caller: %i is %s, without a challenge',
    async (status, _, code) => {
      const as = await startAuthorizationServer(world);
      const port = await startGrpc(world, {
        imports: [
          CertBoundAuthModule.forRoot({
            ...as.moduleOptions,
            validate: () => {
              throw new HttpException('not today', status);
            },
          }),
        ],
        controllers: [BankController],
      });
      const outcome = await grpcClient(world, port, world.client1).call('Pay', bearer(await goodToken(as)));
      expect(outcome).toMatchObject({ code, details: 'not today', challenge: undefined });
    },
  );

  test('a hybrid app may serve gRPC with certificates beside plain HTTP, where all routes of HTTP are public', async () => {
    @Controller('health')
    class HealthController {
      @Get() @Public() check(): string {
        return 'ok';
      }
    }
    @Controller('payments')
    class ClosedController {
      @Get() list(): void {}
    }
    const as = await startAuthorizationServer(world);
    const imports = [CertBoundAuthModule.forRoot(as.moduleOptions)];
    const hybrid = { shape: 'hybrid', isHttpPlain: true, imports } as const;
    const port = await startGrpc(world, { ...hybrid, controllers: [BankController, HealthController] });
    const made = grpcClient(world, port, world.client1);
    expect(await made.call('Pay', bearer(await goodToken(as)))).toMatchObject({ code: 0 });
    expect(await made.call('Pay')).toMatchObject({ code: 16 });
    await expect(
      startGrpc(world, { ...hybrid, controllers: [BankController, ClosedController] }),
    ).rejects.toThrow(/httpsOptions .*nobody could be let in/);
  });

  test('INV8: a message handler that demands a proof of DPoP stops the boot where no proof is accepted', async () => {
    const as = await startAuthorizationServer(world);
    const imports = [CertBoundAuthModule.forRoot(as.moduleOptions)];
    await expect(startGrpc(world, { imports, controllers: [ProvedController] })).rejects.toThrow(
      /ProvedController\.proved .*it needs the option dpop/,
    );
  });
});
