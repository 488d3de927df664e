import {
  type CanActivate,
  Controller,
  type ExecutionContext,
  ForbiddenException,
  Get,
  HttpException,
  type INestApplication,
  Injectable,
  Next,
  Post,
  Req,
  ServiceUnavailableException,
  UnauthorizedException,
  UseGuards,
} from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { AuthGuard } from '@nestjs/passport';
import {
  AccessToken,
  AnyScope,
  type CertBoundAuthOptions,
  CertificateBindingGuard,
  ClientCertificate,
  type PresentedCertificate,
  Public,
  Scopes,
  ScopesGuard,
  type VerifiedAccessToken,
} from 'nestjs-cert-bound-auth';
import { describe, expect, test } from 'vitest';
import { PLATFORMS } from '../support/platforms.js';
import { startProtectedApi } from '../support/protected-api.js';
import { challengeOf, clientOf, createWorld, startApi, startAuthorizationServer } from '../support/world.js';

@Controller()
class OpenController {
  @Get('open') open(): string {
    return 'open';
  }
}

@Controller('payments')
@Scopes('payments:read')
class PaymentsController {
  @Get() list(@AccessToken() token: VerifiedAccessToken): object {
    return { ...token, scopes: [...token.scopes] };
  }
  @Post() @Scopes('payments:write') create(@ClientCertificate() certificate: PresentedCertificate): object {
    return { ...certificate, der: certificate.der.length };
  }
  @Get('either') @AnyScope('a', 'b') either(): string {
    return 'either';
  }
  @Get('health') @Public() health(
    @AccessToken() token: unknown,
    @ClientCertificate() certificate?: PresentedCertificate,
  ): object {
    return { token: typeof token, certificate: certificate?.thumbprint ?? null };
  }
}

@Controller('news')
@Public()
class NewsController {
  @Get() list(): string {
    return 'news';
  }
  @Get('draft') @Scopes('news:draft') draft(): string {
    return 'draft';
  }
  @Get('guarded') @UseGuards(CertificateBindingGuard) guarded(): string {
    return 'guarded';
  }
  @Get('passport') @UseGuards(AuthGuard('cert-bound')) passport(): string {
    return 'passport';
  }
}

class OwnPassportGuard extends AuthGuard('cert-bound') {}
class OwnBindingGuard extends CertificateBindingGuard {}
class OwnScopesGuard extends ScopesGuard {}

@Controller('derived-guards')
@Public()
class DerivedGuardsController {
  @Get('passport') @UseGuards(OwnPassportGuard) passport(): string {
    return 'in';
  }
  @Get('passport-instance') @UseGuards(new OwnPassportGuard()) instance(): string {
    return 'in';
  }
  @Get('list') @UseGuards(AuthGuard(['cert-bound', 'absent'])) list(): string {
    return 'in';
  }
  @Get('binding') @UseGuards(OwnBindingGuard) binding(): string {
    return 'in';
  }
  @Get('scopes') @UseGuards(OwnScopesGuard) scopes(): string {
    return 'in';
  }
  @Get('open') open(): string {
    return 'open';
  }
}

@Controller('stacked')
class StackedController {
  @Get('scopes') @Scopes('a') @Scopes('b') stacked(): string {
    return 'stacked';
  }
  @Get('none') @Scopes() none(): string {
    return 'none';
  }
}

@Controller('derived')
@Scopes('derived')
class DerivedController extends PaymentsController {}

const world = await createWorld();

const CONTROLLERS = [
  OpenController,
  PaymentsController,
  NewsController,
  StackedController,
  DerivedController,
];

describe.each(PLATFORMS)('what the module protects on %s', (platform) => {
  test('importing the module protects every route', async () => {
    const { as, app } = await startProtectedApi(world, platform, CONTROLLERS);
    const refused = await clientOf(app, world, world.client1).get('/open').expect(401);
    expect(challengeOf(refused)).toBe('Bearer');
    expect(refused.body).toEqual({
      statusCode: 401,
      error: 'Unauthorized',
      message: 'An access token is required',
    });
    const token = await as.accessToken({ certificate: world.client1 });
    await clientOf(app, world, world.client1, token).get('/open').expect(200, 'open');
  });

  test('globalGuards: false leaves a route without decorators open, and no other', async () => {
    const { app } = await startProtectedApi(world, platform, CONTROLLERS, { globalGuards: false });
    const anonymous = clientOf(app, world);
    await anonymous.get('/open').expect(200, 'open');
    await anonymous.get('/payments').expect(401);
    await anonymous.get('/payments/either').expect(401);
    await anonymous.get('/payments/health').expect(200);
    await anonymous.get('/stacked/none').expect(401);
  });

  test('a handler gets the verified token and the certificate', async () => {
    const { as, app } = await startProtectedApi(world, platform, CONTROLLERS);
    const token = await as.accessToken({
      certificate: world.client1,
      scope: 'payments:read payments:write',
      claims: { jti: 'token-1', acr: 'high' },
    });
    const client = clientOf(app, world, world.client1, token);
    const { body } = (await client.get('/payments').expect(200)) as { body: VerifiedAccessToken };
    expect(body).toMatchObject({
      issuer: as.issuer,
      subject: 'user-1',
      clientId: 'client-1',
      audience: ['https://api.example.com'],
      scopes: ['payments:read', 'payments:write'],
      tokenId: 'token-1',
      confirmation: { certificateThumbprint: world.client1.thumbprint },
      boundBy: ['certificate'],
      claims: { acr: 'high' },
    });
    expect(body.expiresAt).toBe((body.issuedAt ?? 0) + 300);
    expect(body.raw).toBeUndefined();
    const created = await client.post('/payments').expect(201);
    expect(created.body).toMatchObject({
      thumbprint: world.client1.thumbprint,
      subject: 'CN=client1',
      issuer: 'CN=Test CA',
      chainVerified: true,
      der: world.client1.der.length,
      subjectAltNames: [],
    });
  });

  test('the scopes of class and method are all needed, and any one of @AnyScope is enough', async () => {
    const { as, app } = await startProtectedApi(world, platform, CONTROLLERS);
    const withScope = async (scope: string): Promise<ReturnType<typeof clientOf>> =>
      clientOf(app, world, world.client1, await as.accessToken({ certificate: world.client1, scope }));

    const refused = await (await withScope('payments:write')).post('/payments').expect(403);
    expect(challengeOf(refused)).toMatch(
      /^Bearer error="insufficient_scope", error_description="[^"]+", scope="payments:read payments:write"$/,
    );
    expect(refused.body).toMatchObject({ statusCode: 403, error: 'insufficient_scope' });
    await (await withScope('payments:read payments:write')).post('/payments').expect(201);
    await (await withScope('payments:read a')).get('/payments/either').expect(200);
    await (await withScope('payments:read b')).get('/payments/either').expect(200);
    await (await withScope('payments:read c')).get('/payments/either').expect(403);
    await (await withScope('a b')).get('/payments/either').expect(403);
    await (await withScope('a')).get('/stacked/scopes').expect(403);
    await (await withScope('b')).get('/stacked/scopes').expect(403);
    await (await withScope('a b')).get('/stacked/scopes').expect(200);
    await (await withScope('PAYMENTS:READ')).get('/payments').expect(403);
    await (await withScope('derived')).get('/derived').expect(403);
    await (await withScope('derived payments:read')).get('/derived').expect(200);
  });

  test('@Public() ignores all credentials, and a rule on a method beats @Public() on its class', async () => {
    const { as, app } = await startProtectedApi(world, platform, CONTROLLERS);
    const liar = clientOf(app, world, undefined, 'rubbish');
    await liar.get('/payments/health').expect(200, { token: 'undefined', certificate: null });
    await clientOf(app, world).get('/payments/health?access_token=x').expect(200);
    await clientOf(app, world, world.client1)
      .get('/payments/health')
      .expect(200, { token: 'undefined', certificate: world.client1.thumbprint });
    await liar.get('/news').expect(200, 'news');
    await liar.get('/news/draft').expect(401);
    await liar.get('/news/guarded').expect(401);
    await liar.get('/news/passport').expect(401);
    expect(as.requests).toEqual([]);
  });

  test.each([true, false])(
    'a guard derived from ours on a method beats @Public() on its class (globalGuards: %s)',
    async (globalGuards) => {
      const { default: passport } = await import('passport');
      passport.use('absent', {
        authenticate(this: { fail(status: number): void }) {
          this.fail(401);
        },
      } as never);
      const { as, app } = await startProtectedApi(world, platform, [DerivedGuardsController], {
        globalGuards,
      });
      const token = await as.accessToken({ certificate: world.client1 });
      for (const path of ['passport', 'passport-instance', 'list', 'binding', 'scopes']) {
        await clientOf(app, world).get(`/derived-guards/${path}`).expect(401);
        await clientOf(app, world, world.client1, 'rubbish').get(`/derived-guards/${path}`).expect(401);
        await clientOf(app, world, world.client1, token).get(`/derived-guards/${path}`).expect(200, 'in');
      }
      await clientOf(app, world).get('/derived-guards/open').expect(200, 'open');
    },
  );

  test('@Public() on a method works under every guard on its class', async () => {
    @Controller('passport')
    @UseGuards(AuthGuard('cert-bound'))
    class PassportController {
      @Get() list(@AccessToken() token?: VerifiedAccessToken): object {
        return { client: token?.clientId };
      }
      @Get('health') @Public() health(): string {
        return 'ok';
      }
    }
    @Controller('guard')
    @UseGuards(CertificateBindingGuard)
    class GuardController {
      @Get() list(): string {
        return 'list';
      }
      @Get('health') @Public() health(): string {
        return 'ok';
      }
    }
    const as = await startAuthorizationServer(world);
    const token = await as.accessToken({ certificate: world.client1 });
    for (const globalGuards of [true, false]) {
      const app = await startApi(world, platform, as, [PassportController, GuardController], {
        globalGuards,
      });
      for (const path of ['passport', 'guard']) {
        await clientOf(app, world).get(`/${path}/health`).expect(200, 'ok');
        await clientOf(app, world).get(`/${path}`).expect(401);
        await clientOf(app, world, world.client1, token).get(`/${path}`).expect(200);
        await clientOf(app, world, world.client2, token).get(`/${path}`).expect(401);
      }
      await clientOf(app, world, world.client1, token).get('/passport').expect({ client: 'client-1' });
    }
  });

  test('the certificate of the connection is there on a public route only if it counts', async () => {
    const { app } = await startProtectedApi(world, platform, CONTROLLERS);
    const expired = await world.ca.issueClientCertificate('late', {
      notAfter: new Date(Date.now() - 60_000),
    });
    await clientOf(app, world, expired)
      .get('/payments/health')
      .expect(200, { token: 'undefined', certificate: null });
  });

  test('@AccessToken() demands a token where nothing else does', async () => {
    @Controller()
    class UnguardedController {
      @Get('mine') mine(@AccessToken() token: VerifiedAccessToken): object {
        return { client: token.clientId };
      }
    }
    const { as, app } = await startProtectedApi(world, platform, [UnguardedController], {
      globalGuards: false,
    });
    const refused = await clientOf(app, world).get('/mine').expect(401);
    expect(challengeOf(refused)).toBe('Bearer');
    const token = await as.accessToken({ certificate: world.client1 });
    await clientOf(app, world, world.client2, token).get('/mine').expect(401);
    await clientOf(app, world, world.client1, token).get('/mine').expect(200, { client: 'client-1' });
  });

  test('AuthGuard of several strategies goes on to the next only when no credentials came (invariant 11)', async () => {
    const { default: passport } = await import('passport');
    passport.use('weak', {
      authenticate(this: { success(user: object): void }) {
        this.success({ name: 'weak' });
      },
    } as never);
    @Controller()
    class EitherController {
      @Get('either') @UseGuards(AuthGuard(['cert-bound', 'weak'])) either(
        @AccessToken() token?: VerifiedAccessToken,
      ): object {
        return { token: token?.clientId ?? null };
      }
      @Get('both') @UseGuards(AuthGuard(['cert-bound', 'weak'])) @Scopes() both(): string {
        return 'both';
      }
    }
    const { as, app } = await startProtectedApi(world, platform, [EitherController], { globalGuards: false });
    const token = await as.accessToken({ certificate: world.client1 });
    await clientOf(app, world).get('/either').expect(200, { token: null });
    await clientOf(app, world).get('/both').expect(401);
    await clientOf(app, world, world.client1, token).get('/either').expect(200, { token: 'client-1' });
    await clientOf(app, world, world.client2, token).get('/either').expect(401);
    await clientOf(app, world, world.client1, 'rubbish').get('/either').expect(401);
    await clientOf(app, world, world.client1).get('/either').set('Authorization', 'Bearer').expect(400);
    as.behave('jwks', { status: 500 });
    await clientOf(app, world, world.client1, await as.accessToken({ header: { kid: 'new' } }))
      .get('/either')
      .expect(503);
  });

  test('a request.user that another guard has set is never believed', async () => {
    @Injectable()
    class Impostor implements CanActivate {
      canActivate(context: ExecutionContext): boolean {
        const request = context.switchToHttp().getRequest<{ user: unknown }>();
        request.user = { scopes: new Set(['payments:read']), boundBy: ['certificate'] };
        return true;
      }
    }
    const providers = [{ provide: APP_GUARD, useClass: Impostor }];
    const { as, app } = await startProtectedApi(world, platform, CONTROLLERS, { providers });
    await clientOf(app, world, world.client1).get('/payments').expect(401);
    const token = await as.accessToken({ certificate: world.client1, scope: 'other' });
    await clientOf(app, world, world.client1, token).get('/payments').expect(403);
  });
});

@Controller()
class UserController {
  static seen: { user?: unknown } = {};
  @Get('user') user(): string {
    return 'user';
  }
}

test('next() in a public handler leads to no protected one', async () => {
  @Controller('doc')
  class NextController {
    @Get('*rest') @Public() open(@Next() next: () => void): void {
      next();
    }
    @Get('secret') @UseGuards(AuthGuard('cert-bound')) secret(): string {
      return 'secret';
    }
  }
  const as = await startAuthorizationServer(world);
  for (const globalGuards of [true, false]) {
    const app = await startApi(world, 'express', as, [NextController], { globalGuards });
    await clientOf(app, world).get('/doc/secret').expect(401);
  }
});

describe.each(PLATFORMS)('the option validate on %s', (platform) => {
  const start = async (validate: NonNullable<CertBoundAuthOptions['validate']>, extra: object = {}) => {
    @Injectable()
    class UserSpy implements CanActivate {
      canActivate(context: ExecutionContext): boolean {
        UserController.seen = { user: context.switchToHttp().getRequest<{ user: unknown }>().user };
        return true;
      }
    }
    const { as, app } = await startProtectedApi(world, platform, [UserController], {
      options: { validate, ...extra },
      configure: (nest) => nest.useGlobalGuards(new UserSpy()),
    });
    const token = await as.accessToken({ certificate: world.client1 });
    return {
      client: clientOf(app, world, world.client1, token),
      token,
      other: clientOf(app, world, world.client2, token),
    };
  };

  test('the result of validate is request.user', async () => {
    const { client } = await start(async (token) => ({ name: `user of ${token.clientId}` }));
    await client.get('/user').expect(200);
    expect(UserController.seen.user).toEqual({ name: 'user of client-1' });
  });

  test('a request.user that a guard of the app changes stays, though @Scopes() guards once more', async () => {
    @Injectable()
    class Enrich implements CanActivate {
      canActivate(context: ExecutionContext): boolean {
        const request = context.switchToHttp().getRequest<{ user: object }>();
        request.user = { ...request.user, roles: ['teller'] };
        return true;
      }
    }
    @Controller()
    class EnrichedController {
      @Get('enriched') @Scopes() get(@Req() request: { user: { roles?: unknown } }): object {
        return { roles: request.user.roles };
      }
    }
    const configure = (nest: INestApplication): unknown => nest.useGlobalGuards(new Enrich());
    const { as, app } = await startProtectedApi(world, platform, [EnrichedController], { configure });
    const token = await as.accessToken({ certificate: world.client1 });
    await clientOf(app, world, world.client1, token)
      .get('/enriched')
      .expect(200, { roles: ['teller'] });
  });

  test('the token is request.user without validate, and has the raw token only when asked for', async () => {
    const { client, token } = await start((verified) => verified, { exposeToken: true });
    await client.get('/user').expect(200);
    expect(UserController.seen.user).toMatchObject({ clientId: 'client-1', raw: token });
  });

  test('validate runs only after the binding was checked, and gets the request', async () => {
    const calls: object[] = [];
    const { client, other } = await start((_token, request) => calls.push(request));
    await other.get('/user').expect(401);
    expect(calls).toEqual([]);
    await client.get('/user').expect(200);
    expect(calls).toHaveLength(1);
    expect((calls[0] as { headers: object }).headers).toHaveProperty('authorization');
  });

  test.each([undefined, null, false, 0, ''])('validate refuses by a result of %j', async (result) => {
    const { client } = await start(() => result);
    const refused = await client.get('/user').expect(401);
    expect(challengeOf(refused)).toContain('error="invalid_token"');
  });

  test.each([
    ['an error', new Error('no such user'), 401, true],
    ['UnauthorizedException', new UnauthorizedException('blocked'), 401, true],
    ['ForbiddenException', new ForbiddenException('blocked'), 403, false],
    ['ServiceUnavailableException', new ServiceUnavailableException(), 503, false],
    ['HttpException 429', new HttpException('slow down', 429), 429, false],
  ])('validate refuses by throwing %s', async (_name, error, status, challenged) => {
    const { client } = await start(() => {
      throw error;
    });
    const refused = await client.get('/user').expect(status);
    expect(challengeOf(refused) !== undefined).toBe(challenged);
  });
});
