import {
  Controller,
  Get,
  Injectable,
  Module,
  Post,
  RequestMethod,
  VERSION_NEUTRAL,
  VersioningType,
} from '@nestjs/common';
import { RouterModule } from '@nestjs/core';
import { Query, ResolveField, Resolver } from '@nestjs/graphql';
import { EventPattern, MessagePattern } from '@nestjs/microservices';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import {
  AnyScope,
  CertBoundAuthModule,
  describeEntrances,
  logEntrances,
  Public,
  Scopes,
  SenderConstrained,
} from 'nestjs-cert-bound-auth';
import { assertNothingOpen } from 'nestjs-cert-bound-auth/testing';
import { beforeAll, describe, expect, test } from 'vitest';
import { PLATFORMS, startApp } from '../support/platforms.js';
import { RecordingLogger, TABLE } from '../support/recording-logger.js';
import { AUDIENCE, clientOf, createWorld, startApi, tlsOf, whenOver, type World } from '../support/world.js';

@Controller({ path: ['payments', 'transfers'], version: '2' })
@Scopes('payments:read')
class PaymentsController {
  @Get() list(): void {}
  @Post(':id') @Scopes('payments:write') @SenderConstrained('certificate') pay(): void {}
  @Get('health') @Public() health(): string {
    return 'ok';
  }
  @Get('rates') @AnyScope('a', 'b') rates(): void {}
}

@Controller()
class MessagesController {
  @MessagePattern({ cmd: 'pay' })
  @Scopes('pay')
  pay(): void {}
  @EventPattern('paid') @Public() paid(_data: unknown): void {}
}

@Resolver()
@Injectable()
class AccountsResolver {
  @Query(() => String, { name: 'accounts' }) @Scopes('accounts:read') list(): void {}
}

@WebSocketGateway()
class RatesGateway {
  @SubscribeMessage('rates') rates(_data: unknown): void {}
}

@Module({ controllers: [PaymentsController] })
class PaymentsModule {}

let world: World;
beforeAll(async () => {
  world = await createWorld();
});
const trusted = { issuer: 'https://as.example.com' };

@Resolver(() => String)
@Injectable()
class BalancesResolver {
  @ResolveField('balance', () => String) @Scopes('balance:read') balance(): void {}
}

@Resolver('Account')
@Injectable()
class SchemaFirstResolver {
  @ResolveField() owner(): void {}
}

@Controller({ path: 'neutral', version: [VERSION_NEUTRAL, '3'] })
class NeutralController {
  @Get() list(): void {}
}

@WebSocketGateway()
class PatternGateway {
  @SubscribeMessage({ cmd: 'move' } as never) move(_data: unknown): void {}
}

test('an entrance is named as it is declared: fields of types, versions without a letter, patterns that are no text', async () => {
  const auth = CertBoundAuthModule.forRoot({ audience: AUDIENCE, authorizationServers: [trusted] });
  class App {}
  const module = {
    module: App,
    imports: [auth],
    controllers: [NeutralController],
    providers: [BalancesResolver, SchemaFirstResolver, PatternGateway],
  };
  const app = await startApp('express', module, tlsOf(world), {
    configure: (nest) => {
      nest.enableVersioning({ type: VersioningType.URI, prefix: false });
      nest.setGlobalPrefix('api', { exclude: [{ path: 'neutral', method: RequestMethod.POST }] });
    },
  });
  whenOver(async () => app.close());
  const names = describeEntrances(app).map(({ kind, name }) => `${kind} ${name}`);
  expect(names.slice(0, 5)).toEqual([
    'http GET /api/neutral',
    'http GET /api/3/neutral',
    'graphql String.balance',
    'graphql Account.owner',
    'gateway {"cmd":"move"}',
  ]);
});

describe.each(PLATFORMS)('the entrances of an app on %s', (platform) => {
  test('INV12: every entrance is listed, with its handler and what it demands', async () => {
    const logger = new RecordingLogger();
    const auth = CertBoundAuthModule.forRoot({
      audience: AUDIENCE,
      authorizationServers: [trusted],
      publicPaths: ['/docs/*'],
      messages: { publicMethods: ['/grpc.health.v1.Health'] },
    });
    class App {}
    const imports = [auth, PaymentsModule, RouterModule.register([{ path: 'bank', module: PaymentsModule }])];
    const module = {
      module: App,
      imports,
      controllers: [MessagesController],
      providers: [AccountsResolver, RatesGateway],
    };
    const app = await startApp(platform, module, tlsOf(world), {
      logger,
      configure: (nest) => {
        nest.setGlobalPrefix('api', { exclude: ['bank/payments/health'] });
        nest.enableVersioning({ type: VersioningType.URI });
        nest.getHttpAdapter().get('/other', (() => undefined) as never);
        nest.getHttpAdapter().get('/docs/page', (() => undefined) as never);
        if (platform === 'express') nest.use('/mounted', () => undefined);
      },
    });
    whenOver(async () => app.close());
    const entrances = describeEntrances(app);
    expect(
      entrances.map(({ kind, name, handler, access, demands }) =>
        [
          kind,
          name,
          handler,
          access,
          ...demands.rules.map(({ kind: all, scopes }) => `${all} ${scopes.join()}`),
          ...demands.constraints,
        ].join(' '),
      ),
    ).toEqual([
      'message {"cmd":"pay"} MessagesController.pay protected all pay',
      'message paid MessagesController.paid public',
      'http GET /api/v2/bank/payments PaymentsController.list protected all payments:read',
      'http GET /api/v2/bank/transfers PaymentsController.list protected all payments:read',
      'http POST /api/v2/bank/payments/:id PaymentsController.pay protected all payments:read all payments:write certificate',
      'http POST /api/v2/bank/transfers/:id PaymentsController.pay protected all payments:read all payments:write certificate',
      'http GET /v2/bank/payments/health PaymentsController.health public',
      'http GET /api/v2/bank/transfers/health PaymentsController.health public',
      'http GET /api/v2/bank/payments/rates PaymentsController.rates protected all payments:read any a,b',
      'http GET /api/v2/bank/transfers/rates PaymentsController.rates protected all payments:read any a,b',
      'graphql Query.accounts AccountsResolver.list protected all accounts:read',
      'gateway rates RatesGateway.rates protected',
      'message /grpc.health.v1.Health  public',
      ...(platform === 'fastify'
        ? [
            'path GET /other  protected',
            'path HEAD /other  protected',
            'path GET /docs/page  public',
            'path HEAD /docs/page  public',
          ]
        : ['path GET /other  protected', 'path GET /docs/page  public', 'path /mounted  protected']),
      'path /docs/*  public',
      'path everything else  protected',
    ]);
    // The names are those that the adapter serves.
    await clientOf(app, world).get('/v2/bank/payments/health').expect(200);
    await clientOf(app, world).get('/api/v2/bank/transfers/health').expect(200);
    await clientOf(app, world).get('/api/v2/bank/payments').expect(401);

    const table = logger.lines.filter(({ text }) => text.startsWith(TABLE));
    expect(table).toHaveLength(1);
    expect(table[0]?.level).toBe('debug');
    expect(table[0]?.text).toContain('http     GET /api/v2/bank/payments/rates  ');
    expect(table[0]?.text).toContain('  token, payments:read, one of: a b');
    const handlers = ['MessagesController.paid', 'PaymentsController.health', '/grpc.health.v1.Health'];
    assertNothingOpen(app, { except: [...handlers, '/docs/*'] });
    expect(() => assertNothingOpen(app, { except: handlers })).toThrow('GET /docs/page (public)');
    logEntrances(app);
    expect(logger.lines.filter(({ text }) => text === table[0]?.text)).toHaveLength(2);
  });

  test('what says nothing is listed as open with globalGuards: false', async () => {
    const app = await startApi(world, platform, trusted, [PaymentsController, MessagesController], {
      globalGuards: false,
    });
    const open = describeEntrances(app).filter(({ access }) => access === 'open');
    expect(open.map(({ name }) => name)).toEqual(['everything else']);
    expect(describeEntrances(app).map(({ name }) => name)).toContain('{"cmd":"pay"}');
  });

  test('assertNothingOpen names what is open, but for what the test expects to be', async () => {
    const app = await startApi(world, platform, trusted, [PaymentsController, MessagesController]);
    expect(() => assertNothingOpen(app)).toThrow(
      /3 entrances are open: GET \/payments\/health \(PaymentsController\.health, public\)/,
    );
    expect(() =>
      assertNothingOpen(app, { except: ['GET /payments/health', 'PaymentsController.health'] }),
    ).toThrow('one entrance is open: paid (MessagesController.paid, public)');
    assertNothingOpen(app, { except: ['PaymentsController.health', 'paid'] });
    expect(() =>
      assertNothingOpen(app, { except: ['PaymentsController.health', 'paid', 'GET /gone'] }),
    ).toThrow('no entrance is called GET /gone');
  });
});
