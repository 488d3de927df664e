import { hash } from 'node:crypto';
import {
  Controller,
  ForbiddenException,
  Get,
  type INestApplication,
  Injectable,
  Param,
  UseGuards,
} from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { AuthGuard } from '@nestjs/passport';
import {
  type AccessDecision,
  CertificateBindingGuard,
  type CertBoundAuthOptions,
  DecisionListener,
  Public,
  Scopes,
} from 'nestjs-cert-bound-auth';
import type { TestAuthorizationServer } from 'nestjs-cert-bound-auth/testing';
import { describe, expect, test } from 'vitest';
import { eventually } from '../support/eventually.js';
import { PLATFORMS } from '../support/platforms.js';
import { startProtectedApi } from '../support/protected-api.js';
import { RecordingLogger } from '../support/recording-logger.js';
import { watchDecisions } from '../support/watch-decisions.js';
import { clientOf, createWorld, startApi, startAuthorizationServer } from '../support/world.js';

@Controller()
class RoutesController {
  @Get('plain/:id') plain(@Param('id') id: string): string {
    return id;
  }
  @Get('scoped') @Scopes('accounts:read') scoped(): string {
    return 'scoped';
  }
  @Get('twice') @UseGuards(CertificateBindingGuard) @Scopes('accounts:read') twice(): string {
    return 'twice';
  }
  @Get('passport') @UseGuards(AuthGuard('cert-bound')) passport(): string {
    return 'passport';
  }
  @Get('passport-scoped') @UseGuards(AuthGuard('cert-bound')) @Scopes('accounts:read') both(): string {
    return 'both';
  }
  @Get('open') @Public() open(): string {
    return 'open';
  }
}

const world = await createWorld();

describe.each(PLATFORMS)('every decision is one event on %s', (platform) => {
  interface Api {
    readonly as: TestAuthorizationServer;
    readonly app: INestApplication;
    readonly decisions: readonly AccessDecision[];
  }

  const start = async (options: Partial<CertBoundAuthOptions> = {}, globalGuards = true): Promise<Api> => {
    const { as, app } = await startProtectedApi(world, platform, [RoutesController], {
      options,
      globalGuards,
    });
    return { as, app, decisions: watchDecisions() };
  };

  test('the event of an accepted request says who, how, where, and whether the token was known', async () => {
    const { as, app, decisions } = await start();
    const token = await as.accessToken({ certificate: world.client1 });
    for (const _ of [1, 2]) await clientOf(app, world, world.client1, token).get('/plain/7?a=b').expect(200);
    const expected = {
      outcome: 'accepted',
      route: 'GET /plain/:id',
      scheme: 'Bearer',
      issuer: as.issuer,
      clientId: 'client-1',
      subject: 'user-1',
      boundBy: ['certificate'],
      tokenDigest: hash('sha256', token, 'base64url'),
      certificateThumbprint: world.client1.thumbprint,
      duration: expect.any(Number),
    };
    expect(decisions).toEqual([
      { ...expected, cacheHit: false },
      { ...expected, cacheHit: true },
    ]);
    for (const { duration } of decisions) expect(duration).toBeGreaterThan(0);
    expect(decisions.every((decision) => Object.isFrozen(decision))).toBe(true);
  });

  test('the event of a refused request has the status, the error, the exact reason, and what the token claims to be', async () => {
    const { as, app, decisions } = await start();
    const foreign = await as.accessToken({ fault: 'foreign-key' });
    await clientOf(app, world, world.client1, foreign).get('/scoped').expect(401);
    await clientOf(app, world, world.client2, await as.accessToken({ certificate: world.client1 }))
      .get('/scoped')
      .expect(401);
    await clientOf(app, world).get('/plain/1').expect(401);
    expect(decisions).toMatchObject([
      {
        outcome: 'refused',
        reason: 'signature_invalid',
        status: 401,
        error: 'invalid_token',
        route: 'GET /scoped',
        scheme: 'Bearer',
        issuer: undefined,
        clientId: undefined,
        subject: undefined,
        claimed: { issuer: as.issuer, clientId: 'client-1', subject: 'user-1' },
        tokenDigest: hash('sha256', foreign, 'base64url'),
        certificateThumbprint: world.client1.thumbprint,
        cacheHit: false,
      },
      {
        outcome: 'refused',
        reason: 'certificate_mismatch',
        detail: expect.stringContaining(world.client2.thumbprint),
        issuer: as.issuer,
        clientId: 'client-1',
        claimed: undefined,
      },
      { reason: 'credentials_missing', error: undefined, scheme: undefined, tokenDigest: undefined },
    ]);
    expect(decisions).toHaveLength(3);
  });

  test('invariant 3: the event of an outage is not a refusal', async () => {
    const { as, app, decisions } = await start();
    as.behave('jwks', { status: 500 });
    await clientOf(app, world, world.client1, await as.accessToken())
      .get('/plain/1')
      .expect(503);
    expect(decisions).toMatchObject([
      { outcome: 'unavailable', status: 503, reason: 'authorization_server_answer_invalid' },
    ]);
  });

  test.each(['/scoped', '/twice', '/passport-scoped'])(
    "the event of a request to %s is 'accepted' only when the rules of the route hold",
    async (path) => {
      const { as, app, decisions } = await start();
      const ask = async (scope: string, status: number): Promise<unknown> =>
        clientOf(app, world, world.client1, await as.accessToken({ certificate: world.client1, scope }))
          .get(path)
          .expect(status);
      await ask('accounts:read', 200);
      await ask('other', 403);
      expect(decisions).toMatchObject([
        { outcome: 'accepted', route: `GET ${path}` },
        { outcome: 'refused', reason: 'scope_missing', status: 403, subject: 'user-1' },
      ]);
      expect(decisions).toHaveLength(2);
    },
  );

  test.each([true, false])(
    'a request through Passport is one event too, with globalGuards: %s',
    async (globalGuards) => {
      const { as, app, decisions } = await start({}, globalGuards);
      const client = clientOf(
        app,
        world,
        world.client1,
        await as.accessToken({ certificate: world.client1 }),
      );
      await client.get('/passport').expect(200);
      await client.get('/passport-scoped').expect(403);
      await clientOf(app, world, world.client2).get('/passport').expect(401);
      expect(decisions).toMatchObject([
        { outcome: 'accepted', route: 'GET /passport' },
        { outcome: 'refused', reason: 'scope_missing' },
        { outcome: 'refused', reason: 'credentials_missing' },
      ]);
      expect(decisions).toHaveLength(3);
    },
  );

  test('the event comes when the response is over where a guard of the app runs before all of ours', async () => {
    const first = { provide: APP_GUARD, useClass: AuthGuard('cert-bound') };
    const { as, app } = await startProtectedApi(world, platform, [RoutesController], {
      providers: [first],
      globalGuards: false,
    });
    const decisions = watchDecisions();
    const client = clientOf(app, world, world.client1, await as.accessToken({ certificate: world.client1 }));
    await client.get('/plain/1').expect(200);
    await eventually(() => decisions.length === 1);
    await client.get('/scoped').expect(403);
    await client.get('/plain/1').expect(200);
    await eventually(() => decisions.length === 3);
    expect(decisions.map(({ outcome }) => outcome)).toEqual(['accepted', 'refused', 'accepted']);
  });

  test('a request to a public route is no event', async () => {
    const { app, decisions } = await start();
    await clientOf(app, world).get('/open').expect(200);
    expect(decisions).toEqual([]);
  });

  test('the event has the status that validate chose', async () => {
    const { as, app, decisions } = await start({
      validate: () => {
        throw new ForbiddenException();
      },
    });
    await clientOf(app, world, world.client1, await as.accessToken({ certificate: world.client1 }))
      .get('/plain/1')
      .expect(403);
    expect(decisions).toMatchObject([{ reason: 'user_refused', status: 403 }]);
  });
});

@Injectable()
class Trail {
  readonly decisions: AccessDecision[] = [];
}

/** Listens by what the app injects. */
@Injectable()
class TrailListener extends DecisionListener {
  constructor(private readonly trail: Trail) {
    super();
  }

  onDecision(decision: AccessDecision): void {
    this.trail.decisions.push(decision);
  }
}
Reflect.defineMetadata('design:paramtypes', [Trail], TrailListener);

describe.each(PLATFORMS)('a DecisionListener on %s', (platform) => {
  test('a listener is told of the decisions of its own app only', async () => {
    const as = await startAuthorizationServer(world);
    const start = async (): Promise<INestApplication> =>
      startApi(world, platform, as, [RoutesController], {
        providers: [Trail, { provide: DecisionListener, useClass: TrailListener }] as never,
      });
    const [app, other] = [await start(), await start()];
    await clientOf(app, world, world.client1).get('/plain/1').expect(401);
    expect(app.get(Trail).decisions).toMatchObject([{ reason: 'credentials_missing' }]);
    expect(other.get(Trail).decisions).toEqual([]);
  });

  test('INV1: a listener changes nothing about a decision, however it tries', async () => {
    const as = await startAuthorizationServer(world);
    const [failures, heard]: [unknown[], unknown[]] = [[], []];
    const onDecision = (decision: AccessDecision): void => {
      if (decision.outcome === 'accepted') heard.push([...decision.boundBy]);
      try {
        if (decision.outcome === 'accepted') (decision.boundBy as string[]).push('dpop');
      } catch (error) {
        failures.push(error);
      }
    };
    const app = await startApi(world, platform, as, [RoutesController], {
      providers: [{ provide: DecisionListener, useValue: { onDecision } }] as never,
    });
    const client = clientOf(app, world, world.client1, await as.accessToken({ certificate: world.client1 }));
    for (const _ of [1, 2]) await client.get('/plain/1').expect(200);
    expect(heard).toEqual([['certificate'], ['certificate']]);
    expect(failures).toEqual([expect.any(TypeError), expect.any(TypeError)]);
  });

  test.each<[string, () => unknown]>([
    [
      'throws',
      () => {
        throw new Error('full');
      },
    ],
    ['rejects', async () => Promise.reject(new Error('full'))],
  ])('a listener that %s changes nothing, and the log says so', async (_, onDecision) => {
    const as = await startAuthorizationServer(world);
    const logger = new RecordingLogger();
    const app = await startApi(world, platform, as, [RoutesController], {
      logger,
      providers: [{ provide: DecisionListener, useValue: { onDecision } }] as never,
    });
    const client = clientOf(app, world, world.client1, await as.accessToken({ certificate: world.client1 }));
    await client.get('/plain/1').expect(200);
    expect(logger.ours.map(({ level, text }) => `${level} ${text}`)).toContain(
      'error a DecisionListener threw: full',
    );
  });
});
