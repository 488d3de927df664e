import { Controller, Get, Query, Req } from '@nestjs/common';
import { AccessExplainer, type Explanation, Public } from 'nestjs-cert-bound-auth';
import { TestDpopClient } from 'nestjs-cert-bound-auth/testing';
import { beforeAll, describe, expect, test } from 'vitest';
import { PUBLIC_URL, sendDpop, startDpopApi } from '../support/dpop.js';
import { PLATFORMS } from '../support/platforms.js';
import { startProtectedApi } from '../support/protected-api.js';
import { SESSION_SECRET, sessionCookie } from '../support/session-cookie.js';
import { TokenController } from '../support/token-controller.js';
import { AUDIENCE, clientOf, createWorld, type World } from '../support/world.js';

let world: World;

beforeAll(async () => {
  world = await createWorld();
});

@Controller('why')
@Public()
class WhyController {
  constructor(private readonly explainer: AccessExplainer) {}

  @Get() async why(@Req() request: object, @Query('policy') policy?: string): Promise<Explanation> {
    return this.explainer.explain(request, policy);
  }
}
Reflect.defineMetadata('design:paramtypes', [AccessExplainer], WhyController);

describe.each(PLATFORMS)('explain(request) on %s', (platform) => {
  test('a debug route tells what the app decides: of a token in its client, and in the hands of a thief', async () => {
    const { as, app, logger } = await startProtectedApi(world, platform, [TokenController, WhyController]);
    const token = await as.accessToken({ certificate: world.client1 });
    const why = async (certificate: World['client1']): Promise<Explanation> =>
      (await clientOf(app, world, certificate, token).get('/why').expect(200)).body as Explanation;
    expect(await why(world.client1)).toMatchObject({ outcome: 'accepted', notChecked: [] });
    const stolen = await why(world.client2);
    expect(stolen).toMatchObject({
      outcome: 'refused',
      reason: 'certificate_mismatch',
      status: 401,
      error: 'invalid_token',
    });
    expect(stolen.steps.filter(({ result }) => result === 'failed').map(({ check }) => check)).toEqual([
      'certificate_thumbprint',
    ]);
    expect(JSON.stringify(stolen)).not.toContain(token.slice(-20));
    const none = (await clientOf(app, world, world.client1).get('/why').expect(200)).body as Explanation;
    expect(none).toMatchObject({ outcome: 'refused', reason: 'credentials_missing' });
    expect(logger.ours.filter(({ text }) => text.includes('reason='))).toEqual([]);
  });

  test('a proof that was explained is used up by nothing but the call that it is for', async () => {
    const { as, app } = await startDpopApi(world, platform, [TokenController, WhyController]);
    const client = await TestDpopClient.create();
    const token = await as.accessToken({ dpop: client });
    const jti = 'explained-before';
    const sent = { path: '/why', url: `${PUBLIC_URL}/why`, jti };
    for (let times = 0; times < 2; times++) {
      const { body } = await sendDpop(app, world, client, token, sent);
      expect(body).toMatchObject({ outcome: 'accepted' });
    }
    expect((await sendDpop(app, world, client, token, { jti })).status).toBe(200);
    expect((await sendDpop(app, world, client, token, { jti })).status).toBe(401);
  });

  test('a session is explained up to the token in its cookie, and neither is repeated', async () => {
    const options = { session: { secrets: [SESSION_SECRET], lifetime: 300, idle: 100 } };
    const { as, app } = await startProtectedApi(world, platform, [TokenController, WhyController], {
      options,
    });
    const token = await as.accessToken({ certificate: world.client1 });
    const expired = await as.accessToken({ certificate: world.client1, claims: { exp: 1 } });
    const cookie = sessionCookie(token, world.client1);
    const why = async (
      sent: string,
      more: Readonly<Record<string, string>> = {},
      certificate: World['client1'] | undefined = world.client1,
    ): Promise<Explanation> => {
      const request = clientOf(app, world, certificate)
        .get('/why')
        .set({ cookie: sent, ...more });
      const { body } = (await request.expect(200)) as { readonly body: Explanation };
      for (const secret of [token, expired, sent])
        expect(JSON.stringify(body)).not.toContain(secret.slice(-20));
      return body;
    };
    expect(await why(cookie)).toMatchObject({ outcome: 'accepted', notChecked: [] });
    const failedAt = async (...given: Parameters<typeof why>): Promise<unknown> => {
      const { outcome, steps } = await why(...given);
      expect(outcome).toBe('refused');
      return steps.find(({ result }) => result === 'failed');
    };
    expect(await failedAt(cookie, {}, world.client2)).toMatchObject({
      check: 'session',
      reason: 'session_invalid',
    });
    expect(await failedAt(sessionCookie(token, world.client1, 101))).toMatchObject({
      check: 'session',
      reason: 'session_expired',
    });
    expect(await failedAt(cookie, { 'sec-fetch-site': 'cross-site' })).toMatchObject({
      check: 'session_origin',
    });
    expect(await failedAt(`${cookie}; ${cookie}`)).toMatchObject({
      check: 'credentials',
      reason: 'credentials_repeated',
    });
    expect(await failedAt(sessionCookie(expired, world.client1))).toMatchObject({
      check: 'times',
      reason: 'token_expired',
    });
  });

  test('a policy explains by its own rules, and one that is not there is said to be so', async () => {
    const options = { policies: { partners: { audience: 'https://partners.example.com' } } };
    const { as, app } = await startProtectedApi(world, platform, [TokenController, WhyController], {
      options,
    });
    const token = await as.accessToken({ certificate: world.client1, claims: { aud: AUDIENCE } });
    const client = clientOf(app, world, world.client1, token);
    expect((await client.get('/why')).body).toMatchObject({ outcome: 'accepted' });
    expect((await client.get('/why?policy=partners')).body).toMatchObject({
      outcome: 'refused',
      reason: 'audience_mismatch',
    });
    await client.get('/why?policy=none').expect(500);
  });
});
