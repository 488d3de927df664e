import { Controller, Get, Injectable, Param, Post } from '@nestjs/common';
import {
  type AccessDecision,
  AccessToken,
  authorize,
  type DemandsInCode,
  Public,
  Scopes,
  type VerifiedAccessToken,
} from 'nestjs-cert-bound-auth';
import type { TestJwtOptions } from 'nestjs-cert-bound-auth/testing';
import { describe, expect, test } from 'vitest';
import { PLATFORMS } from '../support/platforms.js';
import { type ProtectedApi, startProtectedApi } from '../support/protected-api.js';
import { watchDecisions } from '../support/watch-decisions.js';
import { challengeOf, clientOf, createWorld } from '../support/world.js';

const DEMANDS: Readonly<Record<string, DemandsInCode>> = {
  scopes: { scopes: ['a', 'b'] },
  any: { anyScope: ['a', 'b'] },
  claim: { claims: [{ path: 'role', anyOf: ['admin'] }, { path: 'tenant' }] },
  age: { authentication: { maxAge: 300 } },
  details: { authorizationDetails: { type: 'payment', requirement: { actions: ['initiate'] } } },
  proof: { senderConstrained: 'certificate' },
  nothing: {},
  nonsense: { scopes: ['a b'] },
};

@Injectable()
class PaymentsService {
  async check(token: VerifiedAccessToken, what: string): Promise<string> {
    await authorize(token, DEMANDS[what] ?? {});
    return 'done';
  }
}

@Controller()
class PaymentsController {
  constructor(private readonly payments: PaymentsService) {}

  @Post('pay/:what') @Scopes('pay') async pay(
    @AccessToken() token: VerifiedAccessToken,
    @Param('what') what: string,
  ): Promise<string> {
    return this.payments.check(token, what);
  }
  @Get('tampered') async tampered(@AccessToken() token: VerifiedAccessToken): Promise<string> {
    (token.scopes as Set<string>).add('a').add('b');
    return this.payments.check(token, 'scopes');
  }
  @Get('copied') async copied(@AccessToken() token: VerifiedAccessToken): Promise<string> {
    return this.payments.check({ ...token }, 'any').catch((error: unknown) => String(error));
  }
  @Get('none') @Public() async none(): Promise<string> {
    return this.payments.check(undefined as never, 'any').catch((error: unknown) => String(error));
  }
}

const world = await createWorld();

describe.each(PLATFORMS)('what code demands of a token on %s', (platform) => {
  const start = async (): Promise<ProtectedApi> =>
    startProtectedApi(world, platform, [PaymentsController], { providers: [PaymentsService] });

  async function pay({ app, as }: ProtectedApi, what: string, token: TestJwtOptions) {
    const sent = await as.accessToken({
      certificate: world.client1,
      ...token,
      scope: `pay ${token.scope ?? ''}`,
    });
    const response = await clientOf(app, world, world.client1, sent).post(`/pay/${what}`);
    return { status: response.status, challenge: challengeOf(response) };
  }

  test('scopes are demanded as @Scopes() and @AnyScope() demand them, with the same challenge', async () => {
    const api = await start();
    expect((await pay(api, 'scopes', { scope: 'a b' })).status).toBe(201);
    expect((await pay(api, 'any', { scope: 'b' })).status).toBe(201);
    const { status, challenge } = await pay(api, 'scopes', { scope: 'a' });
    expect(status).toBe(403);
    expect(challenge).toMatch(/^Bearer error="insufficient_scope", .* scope="a b"$/);
    expect((await pay(api, 'any', {})).status).toBe(403);
  });

  test('claims, authentication, details and proofs are demanded as by the decorators', async () => {
    const api = await start();
    const now = Math.floor(Date.now() / 1000);
    const details = [{ type: 'payment', actions: ['initiate'] }];
    const good: Readonly<Record<string, object>> = {
      claim: { role: 'admin', tenant: 't' },
      age: { auth_time: now - 20 },
      details: { authorization_details: details },
      proof: {},
    };
    for (const [what, claims] of Object.entries(good))
      expect([what, (await pay(api, what, { claims: { ...claims } })).status]).toEqual([what, 201]);
    expect((await pay(api, 'claim', { claims: { role: 'admin' } })).status).toBe(403);
    expect((await pay(api, 'details', {})).status).toBe(403);
    const old = await pay(api, 'age', { subject: 'alice', claims: { auth_time: now - 400 } });
    expect(old.status).toBe(401);
    expect(old.challenge).toContain('error="insufficient_user_authentication"');
    expect(old.challenge).toContain('max_age="300"');
  });

  test('what the app has changed in its token since does not count', async () => {
    const { app, as } = await start();
    const token = await as.accessToken({ certificate: world.client1 });
    await clientOf(app, world, world.client1, token).get('/tampered').expect(403);
  });

  test('a copy of a token, and no token at all, are errors of the program', async () => {
    const { app, as } = await start();
    const token = await as.accessToken({ certificate: world.client1, scope: 'a' });
    for (const path of ['/copied', '/none']) {
      const { text } = await clientOf(app, world, world.client1, token).get(path).expect(200);
      expect(text).toBe('TypeError: authorize() needs the token that @AccessToken() gave, and no copy of it');
    }
  });

  test('demands that are none are errors of the program', async () => {
    const api = await start();
    expect((await pay(api, 'nothing', {})).status).toBe(500);
    expect((await pay(api, 'nonsense', {})).status).toBe(500);
  });

  test('a refusal is logged and told to listeners as any other', async () => {
    const seen: readonly AccessDecision[] = watchDecisions();
    const api = await start();
    await pay(api, 'scopes', {});
    expect(seen.map(({ outcome, route }) => [outcome, route])).toEqual([
      ['accepted', 'POST /pay/:what'],
      ['refused', 'POST /pay/:what'],
    ]);
    expect(seen[1]).toMatchObject({ reason: 'scope_missing' });
  });
});
