import { Controller, Get } from '@nestjs/common';
import { AllowAnonymous, INTERACTION_IDS, Policy, Scopes } from 'nestjs-cert-bound-auth';
import { describe, expect, test } from 'vitest';
import { PLATFORMS } from '../support/platforms.js';
import { startProtectedApi } from '../support/protected-api.js';
import { watchDecisions } from '../support/watch-decisions.js';
import { clientOf, createWorld } from '../support/world.js';

@Controller()
class RoutesController {
  @Get() get(): string {
    return 'got';
  }
  @Get('admin') @Scopes('admin') admin(): string {
    return 'admin';
  }
  @Get('anyone') @AllowAnonymous() anyone(): string {
    return 'anyone';
  }
}

@Controller('partners')
@Policy('partners')
class PartnersController {
  @Get() get(): string {
    return 'partners';
  }
}

const SENT = '93BAC548-D2DE-4546-B106-880A5018460D';
const OTHER = '93bac548-d2de-4546-b106-880a5018460e';
const HEADER = 'x-fapi-interaction-id';

const world = await createWorld();

describe.each(PLATFORMS)('a support case finds its call by the interaction id on %s', (platform) => {
  const start = (options: Parameters<typeof startProtectedApi>[3]): ReturnType<typeof startProtectedApi> =>
    startProtectedApi(world, platform, [RoutesController], options);

  test('FAPI1-1: the line of a refusal and the event of a decision have the id of the answer, sent or made', async () => {
    const { app, logger } = await start({ options: { interactionId: INTERACTION_IDS.uk } });
    const events = watchDecisions();
    const call = clientOf(app, world);
    const sent = await call.get('/').set(HEADER, SENT).expect(401);
    const made = await call.get('/').expect(401);
    await call.get('/anyone').set(HEADER, OTHER).expect(200);
    const ids = [sent.headers[HEADER], made.headers[HEADER]] as const;
    expect(ids[0]).toBe(SENT);
    expect(logger.ours.map(({ text }) => / interaction_id=(\S+)/.exec(text)?.[1])).toEqual(ids);
    expect(events.map(({ outcome, interactionId }) => [outcome, interactionId])).toEqual([
      ['refused', ids[0]],
      ['refused', ids[1]],
      ['accepted', OTHER],
    ]);
  });

  test('a decision of a policy is told of by the id of its answer as well', async () => {
    const options = { interactionId: INTERACTION_IDS.uk, policies: { partners: {} } };
    const { app, logger } = await startProtectedApi(world, platform, [PartnersController], { options });
    const events = watchDecisions();
    await clientOf(app, world).get('/partners').set(HEADER, SENT).expect(401);
    expect(logger.ours.map(({ text }) => / interaction_id=(\S+)/.exec(text)?.[1])).toEqual([SENT]);
    expect(events).toMatchObject([{ policy: 'partners', interactionId: SENT }]);
  });

  test('a token that is known, and one that is not enough, is told of by the id of each call', async () => {
    const { as, app, logger } = await start({ options: { interactionId: INTERACTION_IDS.brazil } });
    const events = watchDecisions();
    const call = clientOf(app, world, world.client1, await as.accessToken({ certificate: world.client1 }));
    await call.get('/').set(HEADER, SENT).expect(200);
    await call.get('/').set(HEADER, OTHER).expect(200);
    await call.get('/admin').set(HEADER, SENT).expect(403);
    expect(events.map(({ cacheHit, interactionId }) => [cacheHit, interactionId])).toEqual([
      [false, SENT],
      [true, OTHER],
      [true, SENT],
    ]);
    expect(logger.ours).toMatchObject([{ text: expect.stringContaining(` interaction_id=${SENT}`) }]);
  });

  test.each(['x reason=forged', `${SENT}x`, `${SENT}, ${SENT}`, `{"a":"${SENT}"}`])(
    'OB-3: what a caller sent that is no UUID (%s) is in no line and no event: the id that was made is',
    async (wrong) => {
      const { app, logger } = await start({ options: { interactionId: INTERACTION_IDS.uae } });
      const events = watchDecisions();
      const { headers } = await clientOf(app, world).get('/').set(HEADER, wrong).expect(401);
      const made = String(headers[HEADER]);
      expect(events).toMatchObject([{ interactionId: made }]);
      expect(logger.ours).toMatchObject([{ text: expect.stringContaining(` interaction_id=${made}`) }]);
      expect(JSON.stringify([events, logger.ours])).not.toContain(wrong);
    },
  );

  test('an app without the option has the header in no line and in no event', async () => {
    const { app, logger } = await start({});
    const events = watchDecisions();
    await clientOf(app, world).get('/').set(HEADER, SENT).expect(401);
    expect(events).toMatchObject([{ outcome: 'refused', interactionId: undefined }]);
    expect(JSON.stringify([events, logger.ours])).not.toContain(SENT);
  });
});
