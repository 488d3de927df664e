import type { UnboundRequest } from 'nestjs-cert-bound-auth';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { PLATFORMS } from '../support/platforms.js';
import { startProtectedApi } from '../support/protected-api.js';
import { RecordingLogger } from '../support/recording-logger.js';
import { TokenController } from '../support/token-controller.js';
import { API_CLIENT, clientOf, createWorld, startApi, startAuthorizationServer } from '../support/world.js';

const world = await createWorld();
afterEach(() => {
  vi.useRealTimers();
});

describe.each(PLATFORMS)('the option reportUnbound on %s', (platform) => {
  const start = async (reportUnbound: true | ((request: UnboundRequest) => void)) => {
    const { as, app, logger } = await startProtectedApi(world, platform, [TokenController], {
      server: { introspection: { clientAuthentication: API_CLIENT } },
      options: { binding: 'if-bound', reportUnbound },
    });
    return { as, app, lines: () => logger.ours.filter(({ text }) => text.includes('unbound')) };
  };

  test("reportUnbound: true logs client and route of what 'required' would refuse, once an hour", async () => {
    const { as, app, lines } = await start(true);
    const unbound = await as.accessToken({ clientId: 'legacy', lifetime: 10_000 });
    for (const token of [unbound, unbound, as.opaqueToken({ clientId: 'old' })]) {
      await clientOf(app, world, undefined, token).get('/').expect(200);
    }
    expect(lines()).toEqual([
      {
        level: 'warn',
        context: 'CertBoundAuth',
        text: `unbound access token: binding 'required' would refuse issuer=${as.issuer} client=legacy route="GET /"`,
      },
      expect.objectContaining({ text: expect.stringContaining('client=old') as string }),
    ]);
  });

  test('bound tokens and refused requests are not reported', async () => {
    const reported: UnboundRequest[] = [];
    const { as, app, lines } = await start((request) => reported.push(request));
    const certificate = world.client1;
    await clientOf(app, world, certificate, await as.accessToken({ certificate }))
      .get('/')
      .expect(200);
    await clientOf(app, world, undefined, await as.accessToken({ lifetime: -60 }))
      .get('/')
      .expect(401);
    await clientOf(app, world, undefined, await as.accessToken({ claims: { cnf: {} } }))
      .get('/')
      .expect(401);
    await clientOf(app, world).get('/').expect(401);
    expect([reported, lines()]).toEqual([[], []]);
  });

  test('a listener gets every such request, and what it throws is logged and changes nothing', async () => {
    const reported: UnboundRequest[] = [];
    const { as, app, lines } = await start((request) => {
      reported.push(request);
      if (reported.length > 1) throw new Error('of the listener');
    });
    const token = await as.accessToken({ clientId: 'legacy', subject: 'user' });
    const other = await as.accessToken({ claims: { client_id: 'c', sub: 's' } });
    for (const each of [token, token, other]) {
      await clientOf(app, world, undefined, each).get('/').expect(200);
    }
    const route = 'GET /';
    expect(reported).toEqual([
      { issuer: as.issuer, clientId: 'legacy', subject: 'user', route },
      { issuer: as.issuer, clientId: 'legacy', subject: 'user', route },
      { issuer: as.issuer, clientId: 'c', subject: 's', route },
    ]);
    expect(lines().filter(({ level }) => level === 'warn')).toHaveLength(2);
  });

  test('a listener is told nothing that the token does not say', async () => {
    const reported: UnboundRequest[] = [];
    const { as, app } = await start((request) => reported.push(request));
    const token = as.opaqueToken({ claims: { client_id: undefined, sub: undefined } });
    await clientOf(app, world, undefined, token).get('/').expect(200);
    expect(reported).toStrictEqual([{ issuer: as.issuer, route: 'GET /' }]);
  });

  test.each([
    [
      'throws',
      () => {
        throw new Error('of the listener');
      },
    ],
    ['rejects', async () => Promise.reject(new Error('of the listener'))],
  ])('a listener that %s is named in the log at error, and ends nothing', async (_, reportUnbound) => {
    const logger = new RecordingLogger();
    const as = await startAuthorizationServer(world);
    const app = await startApi(world, platform, as, [TokenController], {
      logger,
      options: { binding: 'if-bound', reportUnbound },
    });
    await clientOf(app, world, undefined, await as.accessToken())
      .get('/')
      .expect(200);
    expect(logger.ours).toContainEqual({
      level: 'error',
      context: 'CertBoundAuth',
      text: 'the listener of reportUnbound threw: of the listener',
    });
  });

  test('a token cannot forge a line of the log', async () => {
    const { as, app, lines } = await start(true);
    const token = await as.accessToken({ clientId: 'a"\nb\u2028' });
    await clientOf(app, world, undefined, token).get('/').expect(200);
    expect(lines()[0]?.text).toContain(String.raw`client="a\"\nb\u2028"`);
  });
});
