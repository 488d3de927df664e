import { Controller, type INestMicroservice, Module, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  ClientProxyFactory,
  type CustomTransportStrategy,
  EventPattern,
  type KafkaContext,
  MessagePattern,
  type MicroserviceOptions,
  Server,
  type TcpContext,
  Transport,
} from '@nestjs/microservices';
import {
  AccessToken,
  CertBoundAuthModule,
  type CertBoundAuthOptions,
  ClientCertificate,
  type MessageCredentials,
  type PresentedCertificate,
  Public,
  Scopes,
  TokenRevocations,
  type VerifiedAccessToken,
} from 'nestjs-cert-bound-auth';
import type { TestAuthorizationServer, TestCertificate } from 'nestjs-cert-bound-auth/testing';
import { firstValueFrom, interval, isObservable, lastValueFrom, Observable } from 'rxjs';
import { beforeEach, describe, expect, test } from 'vitest';
import { eventually } from '../../support/eventually.js';
import { freePort } from '../../support/grpc.js';
import { RecordingLogger } from '../../support/recording-logger.js';
import { createWorld, startAuthorizationServer, tlsOf, whenOver } from '../../support/world.js';

const world = await createWorld();

let ran: string[] = [];
beforeEach(() => {
  ran = [];
});

interface Packet {
  readonly token?: string;
}

@Controller()
class OrdersController {
  @MessagePattern('order') @Scopes('orders') order(
    _packet: Packet,
    token?: VerifiedAccessToken,
    certificate?: PresentedCertificate,
  ): string {
    ran.push('order');
    return `${token?.subject} ${certificate?.subject}`;
  }
  @MessagePattern('any') any(): string {
    ran.push('any');
    return 'any';
  }
  @MessagePattern('open') @Public() open(): string {
    ran.push('open');
    return 'open';
  }
  @MessagePattern('endless') endless(): Observable<number> {
    return new Observable((subscriber) => {
      ran.push('endless');
      return interval(5).subscribe(subscriber);
    });
  }
  @EventPattern('event') event(_data: unknown): void {
    ran.push('event');
  }
  @EventPattern('event') another(_data: unknown): void {
    ran.push('another');
  }
}
AccessToken()(OrdersController.prototype, 'order', 1);
ClientCertificate()(OrdersController.prototype, 'order', 2);

/** The token stands in the payload, as with TCP it must. */
const inPayload = (_context: object, data: unknown): MessageCredentials | undefined => {
  const { token } = data as Packet;
  return token === undefined ? undefined : { authorization: `Bearer ${token}` };
};

interface TcpApp {
  readonly app: INestMicroservice;
  readonly as: TestAuthorizationServer;
  readonly logger: RecordingLogger;
  readonly send: (pattern: string, data: Packet, certificate?: TestCertificate) => Promise<unknown>;
  readonly emit: (pattern: string, data: Packet) => Promise<void>;
}

async function startTcp(options: Partial<CertBoundAuthOptions>): Promise<TcpApp> {
  const as = await startAuthorizationServer(world);
  const logger = new RecordingLogger();
  @Module({
    imports: [CertBoundAuthModule.forRoot({ ...as.moduleOptions, ...options })],
    controllers: [OrdersController],
  })
  class AppModule {}
  const port = await freePort();
  const app = await NestFactory.createMicroservice<MicroserviceOptions>(AppModule, {
    logger,
    abortOnError: false,
    transport: Transport.TCP,
    options: { host: '127.0.0.1', port, tlsOptions: tlsOf(world) },
  });
  whenOver(async () => app.close());
  await app.listen();
  const clientWith = (
    certificate: TestCertificate | undefined,
  ): ReturnType<typeof ClientProxyFactory.create> => {
    const client = ClientProxyFactory.create({
      transport: Transport.TCP,
      options: {
        host: '127.0.0.1',
        port,
        tlsOptions: {
          ca: world.ca.cert,
          servername: 'localhost',
          ...(certificate === undefined ? {} : { key: certificate.key, cert: certificate.cert }),
        },
      },
    });
    whenOver(async () => client.close());
    return client;
  };
  return {
    app,
    as,
    logger,
    send: async (pattern, data, certificate) =>
      lastValueFrom(clientWith(certificate).send<unknown>(pattern, data)).catch((error: unknown) => ({
        error,
      })),
    emit: async (pattern, data) => {
      await firstValueFrom(clientWith(world.client1).emit(pattern, data), { defaultValue: undefined });
    },
  };
}

describe('RFC8705-3: messages over TCP with TLS', () => {
  test('the holder of the certificate is answered, and nobody else, each as the challenge says', async () => {
    const { as, logger, send, emit } = await startTcp({ messages: { findCredentials: inPayload } });
    const token = await as.accessToken({ certificate: world.client1, scope: 'orders' });
    const narrow = await as.accessToken({ certificate: world.client1 });
    const expired = await as.accessToken({ certificate: world.client1, scope: 'orders', lifetime: -60 });
    for (const [data, certificate, statusCode, error, reason] of [
      [{}, world.client1, 401, 'Unauthorized', 'credentials_missing'],
      [{ token }, world.client2, 401, 'invalid_token', 'certificate_mismatch'],
      [{ token }, undefined, 401, 'invalid_token', 'certificate_missing'],
      [{ token: expired }, world.client1, 401, 'invalid_token', 'token_expired'],
      [{ token: narrow }, world.client1, 403, 'insufficient_scope', 'scope_missing'],
    ] as const) {
      const outcome = await send('order', data, certificate);
      expect(outcome, reason).toMatchObject({ error: { status: 'error', statusCode, error } });
      expect((outcome as { readonly error: object }).error).toHaveProperty(['headers', 'www-authenticate']);
      expect(logger.ours.at(-1)?.text).toMatch(new RegExp(`reason=${reason} .*route=OrdersController.order`));
    }
    await emit('event', {});
    await eventually(() => logger.ours.filter(({ text }) => text.includes('.event')).length === 1);
    expect(ran).toEqual([]);

    expect(await send('order', { token }, world.client1)).toBe('user-1 CN=client1');
    expect(await send('any', { token: narrow }, world.client1)).toBe('any');
    expect(await send('open', {})).toBe('open');
    await emit('event', { token });
    await eventually(() => ran.includes('another'));
    expect(ran).toEqual(['order', 'any', 'open', 'event', 'another']);
    // A refused event is nobody's fault here: Nest logs no error of its own.
    expect(logger.lines.filter(({ level }) => level === 'error')).toEqual([]);
  });

  test('an answer that goes on ends with an error when the token expires', async () => {
    const { as, send } = await startTcp({ messages: { findCredentials: inPayload }, clockTolerance: 0 });
    const token = await as.accessToken({ certificate: world.client1, lifetime: 2 });
    expect(await send('endless', { token }, world.client1)).toMatchObject({
      error: { statusCode: 401, error: 'invalid_token' },
    });
  });

  test('an answer that goes on ends with an error when another message shows that its token is revoked', async () => {
    const { as, send } = await startTcp({ messages: { findCredentials: inPayload } });
    const token = as.opaqueToken({ certificate: world.client1 });
    const endless = send('endless', { token }, world.client1);
    await eventually(() => ran.length > 0);
    as.revoke(token);
    expect(await send('any', { token }, world.client1)).toHaveProperty('error');
    expect(await endless).toMatchObject({
      error: { statusCode: 401, message: 'The access token is no longer valid' },
    });
  });

  test('INV12: an answer that goes on ends within a second after the app has revoked its token, and the next message is refused', async () => {
    const options = { messages: { findCredentials: inPayload }, revocations: {} };
    const { app, as, logger, send } = await startTcp(options);
    const token = await as.accessToken({ certificate: world.client1, subject: 'alice' });
    const endless = send('endless', { token }, world.client1);
    await eventually(() => ran.length > 0);
    await app.get(TokenRevocations).revoke({ issuer: as.issuer, subject: 'alice' });
    expect(await endless).toMatchObject({
      error: { statusCode: 401, message: 'The access token is no longer valid' },
    });
    expect(await send('any', { token }, world.client1)).toMatchObject({ error: { statusCode: 401 } });
    expect(ran).toEqual(['endless']);
    expect(logger.ours.at(-1)?.text).toContain('reason=token_revoked');
  });

  test('it is unavailable while the authorization server is', async () => {
    const { as, send } = await startTcp({ messages: { findCredentials: inPayload } });
    const token = await as.accessToken({ certificate: world.client1, scope: 'orders' });
    await as.stop();
    expect(await send('order', { token }, world.client1)).toMatchObject({
      error: { statusCode: 503, headers: { 'retry-after': expect.any(String) as string } },
    });
    expect(ran).toEqual([]);
  });

  test('every message is refused that is not public where there is no findCredentials, and the log says so at boot', async () => {
    const { as, logger, send } = await startTcp({});
    const token = await as.accessToken({ certificate: world.client1, scope: 'orders' });
    expect(await send('order', { token }, world.client1)).toHaveProperty('error');
    expect(await send('open', {})).toBe('open');
    expect(ran).toEqual(['open']);
    expect(logger.ours[0]).toMatchObject({
      level: 'warn',
      text: expect.stringContaining('messages.findCredentials') as string,
    });
  });

  test('a message is refused whose credentials cannot be found because the function throws', async () => {
    const { send } = await startTcp({
      messages: {
        findCredentials: () => {
          throw new Error('broken');
        },
      },
    });
    expect(await send('order', {}, world.client1)).toMatchObject({
      error: { message: 'Internal server error' },
    });
    // It is not asked about what is public.
    expect(await send('open', {}, world.client1)).toBe('open');
    expect(ran).toEqual(['open']);
  });

  test('globalGuards: false leaves open what nothing is demanded of, and nothing else', async () => {
    const as = await startAuthorizationServer(world);
    const { transport, handle } = memoryTransport();
    await startWith(
      transport,
      [OrdersController],
      CertBoundAuthModule.forRoot({ ...as.moduleOptions, globalGuards: false }),
    );
    expect(await handle('any', {}, {})).toBe('any');
    expect(await handle('order', {}, {})).toHaveProperty('error');
    expect(ran).toEqual(['any']);
  });
});

/** A broker in memory, as Nest lets anybody write a transport. */
class MemoryTransport extends Server implements CustomTransportStrategy {
  listen(callback: () => void): void {
    callback();
  }
  close(): void {
    return undefined;
  }
  on(): never {
    throw new Error('unused');
  }
  unwrap(): never {
    throw new Error('unused');
  }
}

interface Memory {
  readonly transport: MemoryTransport;
  /** Calls a handler, as a transport does; with no context at all where none is given. */
  readonly handle: (pattern: string, data: unknown, ...context: readonly object[]) => Promise<unknown>;
}

function memoryTransport(): Memory {
  const transport = new MemoryTransport();
  return {
    transport,
    handle: async (pattern, data, ...context) => {
      const answer: unknown = await transport.getHandlerByPattern(pattern)?.(data, ...(context as [object]));
      return isObservable(answer) ? lastValueFrom(answer).catch((error: unknown) => ({ error })) : answer;
    },
  };
}

async function startWith(
  strategy: MemoryTransport,
  controllers: readonly Type[],
  ...imports: readonly object[]
): Promise<void> {
  @Module({ imports: imports as never[], controllers: [...controllers] })
  class AppModule {}
  const app = await NestFactory.createMicroservice<MicroserviceOptions>(AppModule, {
    logger: false,
    abortOnError: false,
    strategy,
  });
  whenOver(async () => app.close());
  await app.listen();
}

describe('messages through a broker, or by a transport of the app', () => {
  const fromBroker =
    (certificate?: string) =>
    (context: object): MessageCredentials | undefined => {
      const { token } = context as Packet;
      if (token === undefined) return undefined;
      return { authorization: `Bearer ${token}`, ...(certificate === undefined ? {} : { certificate }) };
    };

  test('they are refused, for no binding can be checked, unless the app answers for the sender', async () => {
    const as = await startAuthorizationServer(world);
    const token = await as.accessToken({ certificate: world.client1, scope: 'orders' });
    for (const [certificate, isAccepted] of [
      [undefined, false],
      [world.client2.cert, false],
      [world.client1.cert, true],
    ] as const) {
      const { transport, handle } = memoryTransport();
      const messages = { findCredentials: fromBroker(certificate) };
      await startWith(
        transport,
        [OrdersController],
        CertBoundAuthModule.forRoot({ ...as.moduleOptions, messages }),
      );
      const answer = await handle('order', {}, { token });
      if (isAccepted) expect(answer).toBe('user-1 CN=client1');
      else expect(answer).toMatchObject({ error: { statusCode: 401, error: 'invalid_token' } });
      expect(await handle('order', {}, {})).toMatchObject({ error: { statusCode: 401 } });
      expect(await handle('event', {}, {})).toBeUndefined();
    }
    expect(ran).toEqual(['order']);
  });

  test('a message without a context is refused, for there is nothing that its sender could be found by', async () => {
    const as = await startAuthorizationServer(world);
    const { transport, handle } = memoryTransport();
    await startWith(transport, [OrdersController], CertBoundAuthModule.forRoot(as.moduleOptions));
    expect(await handle('order', {})).toHaveProperty('error');
    expect(await handle('open', {})).toBe('open');
    expect(ran).toEqual(['open']);
  });

  test('messages that share one context are refused, for a decision about one would stand for the others', async () => {
    const as = await startAuthorizationServer(world);
    const token = await as.accessToken({ certificate: world.client1, scope: 'orders' });
    const { transport, handle } = memoryTransport();
    const messages = { findCredentials: fromBroker(world.client1.cert) };
    await startWith(
      transport,
      [OrdersController],
      CertBoundAuthModule.forRoot({ ...as.moduleOptions, messages }),
    );
    const context: { token: string } = { token };
    expect(await handle('order', {}, context)).toBe('user-1 CN=client1');
    context.token = 'another';
    expect(await handle('order', {}, context)).toHaveProperty('error');
    expect(ran).toEqual(['order']);
  });

  test('INV12: apps that share classes never share decisions', async () => {
    const [one, other] = [await startAuthorizationServer(world), await startAuthorizationServer(world)];
    const apps = [one, other].map((as) => ({
      ...memoryTransport(),
      as,
      messages: { findCredentials: fromBroker(world.client1.cert) },
    }));
    for (const { transport, as, messages } of apps)
      await startWith(
        transport,
        [OrdersController],
        CertBoundAuthModule.forRoot({ ...as.moduleOptions, messages }),
      );
    const open = memoryTransport();
    await startWith(
      open.transport,
      [OrdersController],
      CertBoundAuthModule.forRoot({ ...one.moduleOptions, globalGuards: false }),
    );
    const without = memoryTransport();
    await startWith(without.transport, [OrdersController]);

    const token = await one.accessToken({ certificate: world.client1, scope: 'orders' });
    expect(await apps[0]?.handle('order', {}, { token })).toBe('user-1 CN=client1');
    expect(await apps[1]?.handle('order', {}, { token })).toMatchObject({ error: { statusCode: 401 } });
    // What one app demands of a class does not hold in another that demands nothing.
    expect(await apps[0]?.handle('any', {}, {})).toHaveProperty('error');
    expect(await open.handle('any', {}, {})).toBe('any');
    expect(await open.handle('order', {}, { token })).toHaveProperty('error');
    // An app without the module shares the guards of the class all the same, and nobody can decide for it.
    expect(await without.handle('any', {}, {})).toHaveProperty('error');
    expect(await without.handle('open', {}, {})).toBe('open');
    expect(ran).toEqual(['order', 'any', 'open']);
  });

  test('two apps that share one server get none of its messages accepted', async () => {
    const as = await startAuthorizationServer(world);
    const token = await as.accessToken({ certificate: world.client1, scope: 'orders' });
    const { transport, handle } = memoryTransport();
    const messages = { findCredentials: fromBroker(world.client1.cert) };
    for (const _ of [1, 2])
      await startWith(
        transport,
        [OrdersController],
        CertBoundAuthModule.forRoot({ ...as.moduleOptions, messages }),
      );
    expect(await handle('order', {}, { token })).toHaveProperty('error');
    expect(ran).toEqual([]);
  });

  test('findCredentials may be written for the context of one transport', () => {
    const options: NonNullable<CertBoundAuthOptions['messages']> = {
      findCredentials(context: KafkaContext) {
        const { authorization } = context.getMessage().headers ?? {};
        return authorization === undefined ? undefined : { authorization: String(authorization) };
      },
    };
    const tcp: typeof options = {
      findCredentials: (context: object) => void (context as TcpContext).getPattern,
    };
    expect([options, tcp]).toHaveLength(2);
  });
});
