import { Controller, Get, type INestApplication, type Type, UseGuards } from '@nestjs/common';
import { AuthGuard } from '@nestjs/passport';
import {
  type AccessDecision,
  AccessToken,
  AllowAnonymous,
  CertificateBindingGuard,
  ClientCertificate,
  describeEntrances,
  type PresentedCertificate,
  Public,
  Scopes,
  type VerifiedAccessToken,
} from 'nestjs-cert-bound-auth';
import type { TestAuthorizationServer } from 'nestjs-cert-bound-auth/testing';
import { describe, expect, test } from 'vitest';
import { watchDecisions } from '../support/watch-decisions.js';
import { PLATFORMS } from '../support/platforms.js';
import { startProtectedApi } from '../support/protected-api.js';
import { clientOf, createWorld } from '../support/world.js';

@Controller('rates')
class RatesController {
  @Get() @AllowAnonymous() list(@AccessToken() token?: VerifiedAccessToken): string {
    return token === undefined ? 'for everyone' : `for ${token.subject}`;
  }
  @Get('special') @AllowAnonymous() @Scopes('rates:special') special(
    @AccessToken('subject') who?: string,
  ): string {
    return who ?? 'for everyone';
  }
  @Get('certificate') @AllowAnonymous() certificate(
    @ClientCertificate() certificate?: PresentedCertificate,
  ): string {
    return certificate === undefined ? 'none' : certificate.thumbprint;
  }
  @Get('bound') @AllowAnonymous() @UseGuards(CertificateBindingGuard) bound(
    @AccessToken() token?: object,
  ): string {
    return token === undefined ? 'for everyone' : 'for one';
  }
  @Get('passport') @AllowAnonymous() @UseGuards(AuthGuard('cert-bound')) passport(
    @AccessToken() token?: object,
  ): string {
    return token === undefined ? 'for everyone' : 'for one';
  }
  @Get('closed') closed(): string {
    return 'closed';
  }
}

@Controller('news')
@AllowAnonymous()
@Scopes('news')
class NewsController {
  @Get() list(): string {
    return 'news';
  }
  @Get('archive') @Scopes('archive') archive(): string {
    return 'archive';
  }
  @Get('open') @Public() open(): string {
    return 'open';
  }
}

class BaseController {
  @Get() @AllowAnonymous() list(): string {
    return 'base';
  }
}

/** It overrides without a word. */
@Controller('derived')
class DerivedController extends BaseController {
  @Get() override list(): string {
    return 'derived';
  }
}

const CONTROLLERS: readonly Type[] = [RatesController, NewsController];

const world = await createWorld();

describe.each(PLATFORMS)('routes for callers without credentials on %s', (platform) => {
  describe.each([true, false])('these hold with globalGuards: %s', (globalGuards) => {
    const start = async (): Promise<{ app: INestApplication; as: TestAuthorizationServer }> =>
      startProtectedApi(world, platform, CONTROLLERS, { globalGuards });

    test('a request without credentials passes, with a certificate or without one, and its handler gets no token', async () => {
      const { app } = await start();
      for (const certificate of [undefined, world.client1]) {
        const api = clientOf(app, world, certificate);
        expect((await api.get('/rates').expect(200)).text).toBe('for everyone');
        expect((await api.get('/rates/special').expect(200)).text).toBe('for everyone');
        expect((await api.get('/rates/bound').expect(200)).text).toBe('for everyone');
        expect((await api.get('/rates/passport').expect(200)).text).toBe('for everyone');
        expect((await api.get('/news').expect(200)).text).toBe('news');
      }
      const { text } = await clientOf(app, world, world.client1).get('/rates/certificate').expect(200);
      expect(text).not.toBe('none');
    });

    test('a request with a token is judged by all that the route demands', async () => {
      const { app, as } = await start();
      const token = await as.accessToken({ certificate: world.client1, subject: 'alice' });
      const api = clientOf(app, world, world.client1, token);
      expect((await api.get('/rates').expect(200)).text).toBe('for alice');
      expect((await api.get('/rates/bound').expect(200)).text).toBe('for one');
      expect((await api.get('/rates/passport').expect(200)).text).toBe('for one');
      await api.get('/rates/special').expect(403);
      await api.get('/news').expect(403);
      const scoped = await as.accessToken({
        certificate: world.client1,
        scope: 'rates:special',
        subject: 'bob',
      });
      const { text } = await clientOf(app, world, world.client1, scoped).get('/rates/special').expect(200);
      expect(text).toBe('bob');
    });

    test('a stolen, expired or nonsensical token does not become anonymous', async () => {
      const { app, as } = await start();
      const stolen = await as.accessToken({ certificate: world.client1 });
      const expired = await as.accessToken({ certificate: world.client1, claims: { exp: 1 } });
      for (const path of ['/rates', '/rates/bound', '/rates/passport', '/news']) {
        await clientOf(app, world, world.client2, stolen).get(path).expect(401);
        await clientOf(app, world, undefined, stolen).get(path).expect(401);
        await clientOf(app, world, world.client1, expired).get(path).expect(401);
        await clientOf(app, world, world.client1, 'nonsense').get(path).expect(401);
      }
    });

    test.each([
      ['another scheme', { authorization: 'Basic YTpi' }, ''],
      ['an empty header', { authorization: '' }, ''],
      ['a DPoP proof alone', { dpop: 'a.b.c' }, ''],
      ['a token in the query', {}, '?access_token=x'],
    ])('%s is no anonymous request', async (_, headers, query) => {
      const { app } = await start();
      for (const path of ['/rates', '/rates/bound', '/rates/passport', '/news'])
        await clientOf(app, world).get(`${path}${query}`).set(headers).expect(401);
    });

    test('what a method demands of its own, it demands of everyone', async () => {
      const { app } = await start();
      await clientOf(app, world).get('/news/archive').expect(401);
      await clientOf(app, world).get('/news/open').expect(200);
    });
  });

  test('it does not open the route beside it', async () => {
    const { app } = await startProtectedApi(world, platform, CONTROLLERS);
    await clientOf(app, world).get('/rates/closed').expect(401);
  });

  test('a method that overrides one must say so itself, or the app does not start', async () => {
    await expect(startProtectedApi(world, platform, [DerivedController])).rejects.toThrow(
      /DerivedController\.list/,
    );
  });

  test('listeners are told of it once, as accepted without credentials', async () => {
    const seen: readonly AccessDecision[] = watchDecisions();
    const { app } = await startProtectedApi(world, platform, CONTROLLERS);
    await clientOf(app, world, world.client1).get('/rates/bound').expect(200);
    expect(seen).toEqual([
      expect.objectContaining({
        outcome: 'accepted',
        anonymous: true,
        boundBy: [],
        route: 'GET /rates/bound',
        tokenDigest: undefined,
        certificateThumbprint: expect.stringMatching(/^[\w-]{43}$/) as string,
      }),
    ]);
  });

  test('the list of entrances has it as protected, with what it demands of those that show a token', async () => {
    const { app } = await startProtectedApi(world, platform, CONTROLLERS);
    const entrances = describeEntrances(app);
    expect(entrances.find(({ name }) => name === 'GET /rates/special')).toMatchObject({
      access: 'anonymous',
    });
    expect(entrances.find(({ name }) => name === 'GET /news/archive')).toMatchObject({ access: 'protected' });
  });

  test('public and anonymous at once stops the boot', async () => {
    @Controller()
    class BothController {
      @Get() @Public() @AllowAnonymous() get(): void {}
    }
    await expect(startProtectedApi(world, platform, [BothController])).rejects.toThrow(/BothController\.get/);
  });
});
