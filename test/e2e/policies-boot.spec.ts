import { Controller, Get, type Type } from '@nestjs/common';
import { Query, Resolver } from '@nestjs/graphql';
import { Test } from '@nestjs/testing';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import {
  AccessToken,
  CertBoundAuthModule,
  type CertBoundAuthOptions,
  describeEntrances,
  describeOpenApi,
  logEntrances,
  Policy,
  Public,
  Scopes,
  SenderConstrained,
} from 'nestjs-cert-bound-auth';
import { CertBoundAuthTestingModule } from 'nestjs-cert-bound-auth/testing';
import supertest from 'supertest';
import { describe, expect, test } from 'vitest';
import { bootMessage } from '../support/boot-message.js';
import { startApp } from '../support/platforms.js';
import { RecordingLogger } from '../support/recording-logger.js';
import { createWorld, tlsOf, whenOver } from '../support/world.js';

const world = await createWorld();
const OPTIONS: CertBoundAuthOptions = {
  audience: 'https://api.example.com',
  authorizationServers: [{ issuer: 'https://as.example.com' }],
  policies: {
    partners: {
      audience: 'https://partners.example.com',
      authorizationServers: [{ issuer: 'https://partners-as.example.com' }],
    },
    staff: { audience: 'https://staff.example.com', dpop: { publicUrl: 'https://api.example.com' } },
  },
};

@Controller('orders')
@Policy('partners')
class OrdersController {
  @Get() @Scopes('orders:read') list(@AccessToken('issuer') issuer: string): string {
    return issuer;
  }
  @Get('staff') @Policy('staff') @SenderConstrained('dpop') staff(): string {
    return 'staff';
  }
}

@Controller('own')
class OwnController {
  @Get() get(@AccessToken('issuer') issuer: string): string {
    return issuer;
  }
}

/** What the boot says of these classes; empty where it goes on. */
async function bootOf(
  controllers: readonly Type[],
  options: Partial<CertBoundAuthOptions> = {},
  { tls = true, providers = [] as readonly Type[] } = {},
): Promise<string> {
  const module = {
    module: class App {},
    imports: [CertBoundAuthModule.forRoot({ ...OPTIONS, ...options })],
    controllers,
    providers,
  };
  return bootMessage(startApp('express', module, tls ? tlsOf(world) : undefined));
}

describe('policies at boot', () => {
  test('policies that are right start, also those that no route uses', async () => {
    expect(await bootOf([OrdersController, OwnController])).toBe('');
    expect(await bootOf([OwnController])).toBe('');
  });

  test('an unknown name stops the boot, with the names that there are and the one that is meant', async () => {
    @Controller('wrong')
    class WrongController {
      @Get() @Policy('partnrs') get(): string {
        return 'wrong';
      }
    }
    @Controller('wrong')
    @Policy('nobody')
    class WrongClass extends OwnController {}
    @Resolver()
    class WrongResolver {
      @Query(() => String) @Policy('constructor') field(): string {
        return 'wrong';
      }
    }
    expect(await bootOf([WrongController])).toContain(
      "WrongController.get (string): @Policy('partnrs'): there is no such policy: did you mean 'partners'? (there are partners, staff)",
    );
    expect(await bootOf([WrongClass])).toContain("WrongClass (string): @Policy('nobody')");
    expect(await bootOf([], {}, { providers: [WrongResolver] })).toContain(
      "WrongResolver.field (string): @Policy('constructor')",
    );
    expect(await bootOf([OrdersController], { policies: {} })).toContain('the option policies has none');
  });

  test('two policies on one target, and @Public() beside one, stop the boot', async () => {
    @Controller('two')
    class TwoController {
      @Get() @Policy('partners') @Policy('staff') get(): string {
        return 'two';
      }
      @Get('public') @Policy('partners') @Public() open(): string {
        return 'open';
      }
    }
    const message = await bootOf([TwoController]);
    expect(message).toContain('TwoController.get (array): it is of several policies, staff and partners');
    expect(message).toContain('TwoController.open (function): it is @Public() and protected at once');
  });

  test('a method that overrides one of a policy must say its own', async () => {
    class OverridingController extends OrdersController {
      @Get('staff') @Scopes('orders:read') override staff(): string {
        return 'overriding';
      }
    }
    expect(await bootOf([OverridingController])).toContain(
      'OverridingController.staff (function): the method it overrides is protected by decorators, which it does not inherit',
    );
  });

  test('a constraint is held against the policy of its route', async () => {
    @Controller('proved')
    class ProvedController {
      @Get() @Policy('partners') @SenderConstrained('dpop') get(): string {
        return 'proved';
      }
    }
    expect(await bootOf([ProvedController])).toContain(
      "ProvedController.get (function): @SenderConstrained('dpop'): it needs the option dpop",
    );
  });

  test('a policy that can let nobody in stops the boot, where a route is for it', async () => {
    const dpop = { publicUrl: 'https://api.example.com' };
    const policies = { partners: { audience: 'https://partners.example.com', dpop }, staff: { dpop } };
    const bound = { ...OPTIONS.policies, staff: { dpop } };
    expect(await bootOf([OrdersController], { dpop, policies }, { tls: false })).toBe('');
    expect(await bootOf([OrdersController], { binding: 'if-bound', policies: bound }, { tls: false })).toBe(
      '',
    );
    const unbindable = { ...bound, partners: { binding: 'required' } } as const;
    expect(
      await bootOf([OrdersController], { binding: 'if-bound', policies: unbindable }, { tls: false }),
    ).toContain('the server asks for no client certificate');
    expect(await bootOf([OwnController], { binding: 'if-bound', policies: unbindable }, { tls: false })).toBe(
      '',
    );
  });

  test('two documents of metadata in one place stop the boot', async () => {
    const resource = 'https://api.example.com/orders';
    const message = await bootOf([OrdersController], {
      protectedResource: { resource },
      policies: {
        ...OPTIONS.policies,
        partners: { protectedResource: { resource: 'https://partners.example.com/orders' } },
      },
    });
    expect(message).toContain(
      'policies.partners.protectedResource.resource (string): its metadata would be served in the same place as that of protectedResource.resource',
    );
  });
});

test('@Policy() needs a name', () => {
  expect(() => Policy('')).toThrow(new TypeError('@Policy() needs the name of a policy'));
  expect(() => Policy(undefined as never)).toThrow(TypeError);
});

test('operations of OpenAPI name the schemes of their policy, with the servers of that alone', async () => {
  const logger = new RecordingLogger();
  const module = {
    module: class App {},
    imports: [CertBoundAuthModule.forRoot(OPTIONS)],
    controllers: [OrdersController, OwnController],
  };
  const app = await startApp('express', module, tlsOf(world), { logger });
  whenOver(async () => app.close());
  const config = new DocumentBuilder().setOpenAPIVersion('3.1.0').build();
  const document = describeOpenApi(app, SwaggerModule.createDocument(app, config));
  expect(document.paths).toMatchObject({
    '/orders': { get: { security: [{ 'oauth2-partners': ['orders:read'], mutualTLS: [] }] } },
    '/orders/staff': { get: { security: [{ 'oauth2-staff': [], dpop: [] }] } },
    '/own': { get: { security: [{ oauth2: [], mutualTLS: [] }] } },
  });
  expect(document.components).toMatchObject({
    securitySchemes: {
      oauth2: { openIdConnectUrl: 'https://as.example.com/.well-known/openid-configuration' },
      'oauth2-partners': {
        openIdConnectUrl: 'https://partners-as.example.com/.well-known/openid-configuration',
      },
      'oauth2-staff': { openIdConnectUrl: 'https://as.example.com/.well-known/openid-configuration' },
      dpop: {},
    },
  });
  expect(describeEntrances(app)).toContainEqual(
    expect.objectContaining({ name: 'GET /orders/staff', policy: 'staff' }),
  );
  logEntrances(app);
  expect(logger.lines.at(-1)?.text).toContain('GET /orders        token of partners, orders:read');
});

test('a stand-in is whoever a spec says at the routes of every policy, with options or without', async () => {
  const alice = { subject: 'alice', scopes: ['orders:read'] };
  const whole = Test.createTestingModule({
    imports: [CertBoundAuthModule.forRoot(OPTIONS)],
    controllers: [OrdersController, OwnController],
  })
    .overrideProvider(CertBoundAuthTestingModule.provider)
    .useFactory(CertBoundAuthTestingModule.standIn(alice));
  const alone = Test.createTestingModule({
    imports: [CertBoundAuthTestingModule.as(alice)],
    controllers: [OrdersController, OwnController],
  });
  for (const [builder, issuer] of [
    [whole, 'https://partners-as.example.com'],
    [alone, 'https://as.example.com'],
  ] as const) {
    const app = (await builder.compile()).createNestApplication();
    whenOver(async () => app.close());
    await app.init();
    await supertest(app.getHttpServer() as never)
      .get('/orders')
      .expect(200, issuer);
    await supertest(app.getHttpServer() as never)
      .get('/own')
      .expect(200, 'https://as.example.com');
  }
});
