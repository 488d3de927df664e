import { Controller, Get, type INestApplication, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  ClientProxyFactory,
  type ClientProxy,
  EventPattern,
  MessagePattern,
  type MicroserviceOptions,
  Transport,
} from '@nestjs/microservices';
import { createServer, type AddressInfo } from 'node:net';
import { CertBoundAuthModule, Public, Scopes } from 'nestjs-cert-bound-auth';
import { firstValueFrom } from 'rxjs';
import { beforeEach, describe, expect, test } from 'vitest';
import { eventually } from '../../support/eventually.js';
import { PLATFORMS, startApp } from '../../support/platforms.js';
import { RecordingLogger } from '../../support/recording-logger.js';
import { clientOf, createWorld, startAuthorizationServer, tlsOf, whenOver } from '../../support/world.js';

const world = await createWorld();

let ran: string[] = [];
beforeEach(() => {
  ran = [];
});

class Base {
  @MessagePattern('inherited') inherited(): string {
    ran.push('inherited');
    return 'inherited';
  }
}

@Controller('payments')
class PaymentsController extends Base {
  @MessagePattern('plain') plain(): string {
    ran.push('plain');
    return 'plain';
  }
  @MessagePattern('scoped') @Scopes('a') scoped(): string {
    ran.push('scoped');
    return 'scoped';
  }
  @EventPattern('event') event(_data: unknown): void {
    ran.push('event');
  }
  @MessagePattern('open') @Public() open(): string {
    ran.push('open');
    return 'open';
  }
  @Get() @Scopes('a') list(): string {
    return 'list';
  }
  @Get('health') @Public() health(): string {
    return 'ok';
  }
}

@Controller()
@Public()
class PublicController {
  @MessagePattern('public') open(): string {
    ran.push('public');
    return 'public';
  }
  @MessagePattern('demanding') @Scopes('a') demanding(): string {
    ran.push('demanding');
    return 'demanding';
  }
}

const controllers = [PaymentsController, PublicController];

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function clientTo(port: number): ClientProxy {
  const client = ClientProxyFactory.create({
    transport: Transport.TCP,
    options: { host: '127.0.0.1', port },
  });
  whenOver(async () => client.close());
  return client;
}

const send = async (client: ClientProxy, pattern: string): Promise<unknown> =>
  firstValueFrom(client.send<unknown>(pattern, {})).catch((error: unknown) => ({ error }));

/** Every handler that is not public is refused, and does not run. */
async function expectOnlyPublic(port: number): Promise<void> {
  const client = clientTo(port);
  for (const pattern of ['plain', 'scoped', 'inherited', 'demanding'])
    expect(await send(client, pattern), pattern).toHaveProperty('error');
  await firstValueFrom(client.emit('event', {})).catch(() => undefined);
  expect(await send(client, 'open')).toBe('open');
  expect(await send(client, 'public')).toBe('public');
  expect(ran).toEqual(['open', 'public']);
}

describe.each(PLATFORMS)('INV12: the message handlers of a hybrid app on %s', (platform) => {
  test.each([undefined, {}, { inheritAppConfig: false }, { inheritAppConfig: true }])(
    'none runs unless it is public, whether the microservice inherits the global guards or not: %j',
    async (hybrid) => {
      const as = await startAuthorizationServer(world);
      const port = await freePort();
      const logger = new RecordingLogger();
      @Module({ imports: [CertBoundAuthModule.forRoot(as.moduleOptions)], controllers })
      class AppModule {}
      const app = await startApp(platform, AppModule, tlsOf(world), {
        logger,
        configure: (made: INestApplication) =>
          made.connectMicroservice<MicroserviceOptions>(
            { transport: Transport.TCP, options: { host: '127.0.0.1', port } },
            hybrid,
          ),
      });
      whenOver(async () => app.close());
      await app.startAllMicroservices();
      await expectOnlyPublic(port);
      await eventually(() => logger.ours.length >= 5);
      expect(logger.ours.map(({ text }) => text)).toContainEqual(
        expect.stringContaining(
          'reason=credentials_missing detail="no Authorization header" route=PaymentsController.plain',
        ),
      );

      // The routes of the same class are protected as ever.
      const token = await as.accessToken({ certificate: world.client1, scope: 'a' });
      await clientOf(app, world, world.client1, token).get('/payments').expect(200);
      await clientOf(app, world, world.client2, token).get('/payments').expect(401);
      await clientOf(app, world).get('/payments/health').expect(200);
    },
  );
});

test('INV12: none runs unless it is public in a microservice without HTTP', async () => {
  const as = await startAuthorizationServer(world);
  const port = await freePort();
  @Module({ imports: [CertBoundAuthModule.forRoot(as.moduleOptions)], controllers })
  class AppModule {}
  const app = await NestFactory.createMicroservice<MicroserviceOptions>(AppModule, {
    logger: false,
    abortOnError: false,
    transport: Transport.TCP,
    options: { host: '127.0.0.1', port },
  });
  whenOver(async () => app.close());
  await app.listen();
  await expectOnlyPublic(port);
});
