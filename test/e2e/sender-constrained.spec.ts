import { Controller, Get, type INestApplication, type Type, UseGuards } from '@nestjs/common';
import { AuthGuard } from '@nestjs/passport';
import {
  CertBoundAuthModule,
  CertificateBindingGuard,
  Public,
  Scopes,
  SenderConstrained,
} from 'nestjs-cert-bound-auth';
import {
  type TestAuthorizationServer,
  type TestCertificate,
  TestDpopClient,
} from 'nestjs-cert-bound-auth/testing';
import type { Response } from 'supertest';
import { describe, expect, test } from 'vitest';
import { describeApi } from '../../sample-app/open-api.js';
import { sendDpop, startDpopApi } from '../support/dpop.js';
import { PLATFORMS, startApp } from '../support/platforms.js';
import { RecordingLogger } from '../support/recording-logger.js';
import { challengeOf, clientOf, createWorld, startApi } from '../support/world.js';

@Controller('class')
@SenderConstrained('certificate')
class ClassController {
  @Get('certificate') certificate(): string {
    return 'got';
  }
  @Get('dpop') @SenderConstrained('dpop') dpop(): string {
    return 'got';
  }
  @Get('any') @SenderConstrained('any') any(): string {
    return 'got';
  }
  @Get('both') @SenderConstrained('certificate') @SenderConstrained('dpop') both(): string {
    return 'got';
  }
  @Get('scoped') @Scopes('a') scoped(): string {
    return 'got';
  }
  @Get('open') @Public() open(): string {
    return 'got';
  }
}

@Controller('sub')
class SubController extends ClassController {}

@Controller('sub-dpop')
@SenderConstrained('dpop')
class SubDpopController extends ClassController {}

@Controller('public')
@Public()
class PublicController {
  @Get('closed') @SenderConstrained('dpop') closed(): string {
    return 'got';
  }
  @Get('open') open(): string {
    return 'got';
  }
}

@Controller('plain')
class PlainController {
  @Get() get(): string {
    return 'got';
  }
}

@Controller('strategy')
@UseGuards(AuthGuard('cert-bound'))
class StrategyController {
  @Get() @SenderConstrained('dpop') get(): string {
    return 'got';
  }
}

@Controller('guard')
@UseGuards(CertificateBindingGuard)
class GuardController {
  @Get() @SenderConstrained('dpop') get(): string {
    return 'got';
  }
}

const CONTROLLERS = [
  ClassController,
  SubController,
  SubDpopController,
  PublicController,
  PlainController,
  StrategyController,
  GuardController,
];

const world = await createWorld();
const client = await TestDpopClient.create();

/** What a caller proves. */
type Kind = 'nothing' | 'certificate' | 'dpop' | 'both';

describe.each(PLATFORMS)('the decorator @SenderConstrained() on %s', (platform) => {
  const start = async (globalGuards: boolean, logger?: RecordingLogger) => {
    const { as, app } = await startDpopApi(world, platform, CONTROLLERS, {
      globalGuards,
      options: { binding: 'if-bound' },
      ...(logger === undefined ? {} : { logger }),
    });
    return async (path: string, kind: Kind): Promise<Response> => send(as, app, path, kind);
  };

  const send = async (
    as: TestAuthorizationServer,
    app: INestApplication,
    path: string,
    kind: Kind,
  ): Promise<Response> => {
    const certificate: { certificate?: TestCertificate } =
      kind === 'certificate' || kind === 'both' ? { certificate: world.client1 } : {};
    const proven = { ...certificate, ...(kind === 'dpop' || kind === 'both' ? { dpop: client } : {}) };
    const token = await as.accessToken({ scope: 'a', ...proven });
    return kind === 'dpop' || kind === 'both'
      ? sendDpop(app, world, client, token, { path, ...certificate })
      : clientOf(app, world, certificate.certificate, token).get(path);
  };

  const table: readonly (readonly [path: string, allowed: readonly Kind[]])[] = [
    ['/class/certificate', ['certificate', 'both']],
    ['/class/dpop', ['dpop', 'both']],
    ['/class/any', ['certificate', 'dpop', 'both']],
    ['/class/both', ['both']],
    ['/class/scoped', ['certificate', 'both']],
    ['/class/open', ['nothing', 'certificate', 'dpop', 'both']],
    ['/sub/certificate', ['certificate', 'both']],
    ['/sub-dpop/certificate', ['dpop', 'both']],
    ['/sub-dpop/any', ['certificate', 'dpop', 'both']],
    ['/public/closed', ['dpop', 'both']],
    ['/public/open', ['nothing', 'certificate', 'dpop', 'both']],
    ['/strategy', ['dpop', 'both']],
    ['/guard', ['dpop', 'both']],
  ];

  test.each([true, false])(
    'INV1: the nearest constraint holds, and several on one target all hold (globalGuards: %s)',
    async (globalGuards) => {
      const request = await start(globalGuards);
      for (const [path, allowed] of table) {
        for (const kind of ['nothing', 'certificate', 'dpop', 'both'] as const) {
          const { status } = await request(path, kind);
          expect([path, kind, status]).toEqual([path, kind, allowed.includes(kind) ? 200 : 401]);
        }
      }
    },
  );

  test('RFC9449-7: the challenge offers what the route admits, and the error is on the scheme that was used', async () => {
    const logger = new RecordingLogger();
    const request = await start(true, logger);
    const wrong = await request('/class/dpop', 'certificate');
    expect(challengeOf(wrong)).toMatch(
      /^Bearer error="invalid_token", error_description="[^"]*", DPoP algs="[^"]*"$/,
    );
    expect(logger.ours.at(-1)?.text).toMatch(
      /reason=binding_insufficient detail="the route demands dpop, the caller proved certificate"/,
    );
    expect(challengeOf(await request('/class/certificate', 'dpop'))).toMatch(
      /^DPoP error="invalid_token", error_description="[^"]*", algs="[^"]*", Bearer$/,
    );
    await request('/class/any', 'nothing');
    expect(logger.ours.at(-1)?.text).toContain('the route demands any, the caller proved nothing');
    const { app } = await startDpopApi(world, platform, CONTROLLERS);
    const challenges = await Promise.all(
      ['/class/certificate', '/class/dpop', '/class/both', '/class/any', '/plain'].map(async (path) =>
        challengeOf(await clientOf(app, world).get(path)),
      ),
    );
    const dpop = expect.stringMatching(/^DPoP algs="[^"]*"$/) as string;
    const both = expect.stringMatching(/^Bearer, DPoP algs="[^"]*"$/) as string;
    expect(challenges).toEqual(['Bearer', dpop, dpop, both, both]);
  });

  test('INV8: a constraint that nobody can meet stops the boot', async () => {
    const issuer = { issuer: 'https://as.example.com' };
    const noDpop = startApi(world, platform, issuer, [ClassController]);
    await expect(noDpop).rejects.toThrow(
      "ClassController.dpop (function): @SenderConstrained('dpop'): it needs the option dpop",
    );
    await expect(noDpop).rejects.toThrow('ClassController.both');
  });

  test('INV8: only the constraint that holds for a route is checked at boot', async () => {
    @Controller()
    @SenderConstrained('certificate')
    class OverriddenController {
      @Get('dpop') @SenderConstrained('dpop') dpop(): void {}
      @Get('open') @Public() open(): void {}
    }
    @Controller()
    @SenderConstrained('any')
    class AnyController {
      @Get() any(): void {}
    }
    const boot = async (controller: Type, extra: object): Promise<string> => {
      const auth = CertBoundAuthModule.forRoot({
        audience: 'api',
        authorizationServers: [{ issuer: 'https://as.example.com' }],
        binding: 'if-bound',
        ...extra,
      });
      const app = startApp(platform, { module: class App {}, imports: [auth], controllers: [controller] });
      return app.then(
        async (started) => {
          await started.close();
          return 'boots';
        },
        (error: unknown) => String(error),
      );
    };
    const dpop = { dpop: { publicUrl: 'https://api.example.com' } };
    expect(await boot(OverriddenController, dpop)).toBe('boots');
    expect(await boot(OverriddenController, {})).toContain(
      "OverriddenController.dpop (function): @SenderConstrained('dpop')",
    );
    expect(await boot(ClassController, dpop)).toContain(
      "ClassController.certificate (function): @SenderConstrained('certificate')",
    );
    expect(await boot(AnyController, dpop)).toBe('boots');
    expect(await boot(AnyController, {})).toContain(
      "AnyController.any (function): @SenderConstrained('any')",
    );
  });

  test('INV1: a constraint below a decorator that puts another function in its place holds', async () => {
    const replaced: MethodDecorator = (_target, _name, descriptor) => {
      const { value } = descriptor;
      return {
        ...descriptor,
        value: ((...values: unknown[]) =>
          (value as unknown as (...all: unknown[]) => unknown)(...values)) as never,
      };
    };
    @Controller('replaced')
    class ReplacedController {
      @Get() @Scopes() @replaced @SenderConstrained('dpop') get(): string {
        return 'got';
      }
    }
    const { as, app } = await startDpopApi(world, platform, [ReplacedController], {
      options: { binding: 'if-bound' },
    });
    const statuses: number[] = [];
    for (const kind of ['nothing', 'certificate', 'dpop'] as const) {
      statuses.push((await send(as, app, '/replaced', kind)).status);
    }
    expect(statuses).toEqual([401, 401, 200]);
  });

  test('INV1: a constraint that an override has lost stops the boot', async () => {
    @Controller('base')
    class BaseController {
      @Get('constraint') @SenderConstrained('dpop') constraint(): void {}
      @Get('scopes') @Scopes('a') scopes(): void {}
    }
    @Controller('override')
    class OverridingController extends BaseController {
      @Get('constraint') @Scopes('a') override constraint(): void {}
      @Get('scopes') @SenderConstrained('dpop') override scopes(): void {}
    }
    const issuer = { issuer: 'https://as.example.com' };
    const options = { dpop: { publicUrl: 'https://api.example.com' } };
    const overriding = startApi(world, platform, issuer, [OverridingController], { options });
    await expect(overriding).rejects.toThrow(
      'OverridingController.constraint (function): the method it overrides',
    );
    await expect(overriding).rejects.toThrow(
      'OverridingController.scopes (function): the method it overrides',
    );
  });

  test('the OpenAPI document names the schemes', async () => {
    const { app } = await startDpopApi(world, platform, CONTROLLERS);
    const { paths } = describeApi(app, 'https://as.example.com');
    const securityOf = (path: string): unknown => paths[path]?.get?.security;
    const [certificate, dpop] = [{ mutualTLS: [] }, { dpop: [] }];
    expect(securityOf('/class/certificate')).toEqual([{ oauth2: [], ...certificate }]);
    expect(securityOf('/class/dpop')).toEqual([{ oauth2: [], ...dpop }]);
    expect(securityOf('/class/both')).toEqual([{ oauth2: [], ...certificate, ...dpop }]);
    expect(securityOf('/class/any')).toEqual([
      { oauth2: [], ...certificate },
      { oauth2: [], ...dpop },
    ]);
    expect(securityOf('/class/scoped')).toEqual([{ oauth2: ['a'], ...certificate }]);
    expect(securityOf('/class/open')).toBeUndefined();
  });
});

test('an unknown constraint throws as soon as the class is loaded', () => {
  expect(() => SenderConstrained('mtls' as never)).toThrow(
    new TypeError("@SenderConstrained() needs 'certificate', 'dpop' or 'any'"),
  );
});
