import { Controller, Get, type INestApplication, Post } from '@nestjs/common';
import {
  BCP195_CIPHERS,
  CertBoundAuthModule,
  type CertBoundAuthOptions,
  INTERACTION_IDS,
  mutualTls,
  Public,
} from 'nestjs-cert-bound-auth';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { TestDpopClient } from 'nestjs-cert-bound-auth/testing';
import { decodeJwt } from 'jose';
import { describe, expect, test } from 'vitest';
import { type Platform, PLATFORMS, startApp } from '../support/platforms.js';
import { CARRIERS, connectBy, connected, portOf, refused, startGateways } from '../support/websockets.js';
import { answerTo } from './websockets/chat.gateway.js';
import {
  API_CLIENT,
  AUDIENCE,
  clientOf,
  createWorld,
  startAuthorizationServer,
  whenOver,
} from '../support/world.js';

@Controller()
class RoutesController {
  @Get() get(): string {
    return 'got';
  }
  @Get('open') @Public() open(): string {
    return 'open';
  }
  @Post('fail') @Public() fail(): string {
    throw new Error('failed');
  }
}

const world = await createWorld();
const { server, ca } = world;
const TLS = { key: server.key, cert: server.cert, ca: ca.cert, clientAuth: 'request' } as const;

async function start(
  platform: Platform,
  options: Partial<CertBoundAuthOptions>,
  tls = mutualTls({ ...TLS, ciphers: BCP195_CIPHERS }),
): Promise<INestApplication> {
  const authorizationServers = [
    { issuer: 'https://as.example.com', introspection: { clientAuthentication: API_CLIENT, tokens: 'all' } },
  ] as const;
  const auth = CertBoundAuthModule.forRoot({ audience: AUDIENCE, authorizationServers, ...options });
  const module = { module: class App {}, imports: [auth], controllers: [RoutesController] };
  const app = await startApp(platform, module, tls);
  whenOver(async () => app.close());
  return app;
}

describe.each(PLATFORMS)("profile: 'fapi2' on %s", (platform) => {
  const fapi2 = async (
    options: Partial<CertBoundAuthOptions>,
    tls?: ReturnType<typeof mutualTls>,
  ): Promise<INestApplication> => start(platform, { profile: 'fapi2', ...options }, tls);
  const serverWith = (different: object): Partial<CertBoundAuthOptions> => ({
    authorizationServers: [
      {
        issuer: 'https://as.example.com',
        introspection: { clientAuthentication: API_CLIENT, tokens: 'all' },
        ...different,
      } as never,
    ],
  });

  test('FAPI2-1: it starts with what the profile asks for', async () => {
    await fapi2({});
    await fapi2({ dpop: { publicUrl: AUDIENCE } });
    await fapi2({}, mutualTls({ ...TLS, minVersion: 'TLSv1.3' }));
    await fapi2(serverWith({ jwt: false, introspection: { clientAuthentication: API_CLIENT } }));
  });

  test.each<[what: string, different: Partial<CertBoundAuthOptions>, field: RegExp]>([
    ['an unbound token', { binding: 'if-bound' }, /- binding /],
    ['an unbound token of one server', serverWith({ binding: 'if-bound' }), /\[0\]\.binding/],
    ['RS256', serverWith({ jwt: { algorithms: ['ES256', 'RS256'] } }), /\[0\]\.jwt\.algorithms/],
    ['a shared secret', serverWith({ jwt: { secret: 'x'.repeat(32) } }), /\[0\]\.jwt\.secret/],
    ['a JWT that nobody is asked about', serverWith({ introspection: undefined }), /\[0\]\.introspection/],
    [
      'a server that is asked about opaque tokens only',
      serverWith({ introspection: { clientAuthentication: API_CLIENT } }),
      /\[0\]\.introspection/,
    ],
    ['HTTP without TLS', serverWith({ http: { allowLoopbackHttp: true } }), /allowLoopbackHttp/],
    ['clocks that may not differ', { clockTolerance: 5 }, /- clockTolerance /],
    ['clocks that may differ too much', { clockTolerance: 61 }, /- clockTolerance /],
    ['a proof by RS256', { dpop: { publicUrl: AUDIENCE, algorithms: ['RS256'] } }, /- dpop\.algorithms /],
    [
      'a client whose clock may not differ',
      { dpop: { publicUrl: AUDIENCE, clockSkew: 1 } },
      /- dpop\.clockSkew /,
    ],
  ])('FAPI2-1, FAPI2-2, FAPI2-5: %s stops the boot', async (_, different, field) => {
    await expect(fapi2(different)).rejects.toThrow(field);
    const { profile: _none, ...without } = { profile: 'fapi2', ...different };
    await start(platform, without);
  });

  test("FAPI2-4: TLS 1.2 with Node's own cipher suites stops the boot", async () => {
    await expect(fapi2({}, mutualTls(TLS))).rejects.toThrow(/BCP195_CIPHERS/);
  });

  test.each<['ES256' | 'PS256' | 'RS256', number]>([
    ['ES256', 200],
    ['PS256', 200],
    ['RS256', 401],
  ])('FAPI2-2: a token and a proof that are signed by %s are answered with %i', async (algorithm, status) => {
    const as = await startAuthorizationServer(world, { algorithm });
    const introspection = { clientAuthentication: API_CLIENT, tokens: 'all' } as const;
    const app = await fapi2({
      authorizationServers: [{ issuer: as.issuer, tls: { ca: ca.cert }, introspection }],
      dpop: { publicUrl: AUDIENCE },
    });
    const bound = await as.accessToken({ certificate: world.client1 });
    as.answerIntrospection(bound, { active: true, ...decodeJwt(bound) });
    await clientOf(app, world, world.client1, bound).get('/').expect(status);
    const good = await startAuthorizationServer(world);
    const other = await fapi2({
      authorizationServers: [{ issuer: good.issuer, tls: { ca: ca.cert }, introspection }],
      dpop: { publicUrl: AUDIENCE },
    });
    const client = await TestDpopClient.create(algorithm);
    const token = await good.accessToken({ dpop: client });
    good.answerIntrospection(token, { active: true, ...decodeJwt(token) });
    const headers = await client.headers({ token, url: `${AUDIENCE}/` });
    await clientOf(other, world)
      .get('/')
      .set({ ...headers })
      .expect(status);
  });
});

describe.each(PLATFORMS)("profile: 'mcp' on %s", (platform) => {
  const resource = 'https://mcp.example.com/mcp';
  const mcp = async (options: Partial<CertBoundAuthOptions>): Promise<INestApplication> =>
    start(platform, { profile: 'mcp', audience: resource, protectedResource: { resource }, ...options });

  test('MCP-1, MCP-3, MCP-12: it wants metadata, tokens for just this resource, and no slash at its end', async () => {
    await mcp({});
    await mcp({ audience: ['https://other.example', resource] });
    await expect(mcp({ protectedResource: undefined as never })).rejects.toThrow(/- protectedResource /);
    await expect(mcp({ audience: AUDIENCE })).rejects.toThrow(/- audience /);
    await expect(
      mcp({ authorizationServers: [{ issuer: 'https://as.example.com', audience: AUDIENCE }] }),
    ).rejects.toThrow(/- authorizationServers\[0\]\.audience /);
    const slash = `${resource}/`;
    await expect(mcp({ audience: slash, protectedResource: { resource: slash } })).rejects.toThrow(
      /- protectedResource\.resource /,
    );
  });

  test('MCP-10: a page of another origin is refused before anything else, and its own passes', async () => {
    const app = await mcp({});
    const call = clientOf(app, world);
    await call.get('/open').set('Origin', 'https://evil.example').expect(403);
    await call.get('/nowhere').set('Origin', 'null').expect(403);
    await call.options('/open').set('Origin', 'https://evil.example').expect(403);
    await call.get('/open').set('Origin', 'https://MCP.example.com').expect(200);
    await call.get('/open').expect(200);
    const metadata = '/.well-known/oauth-protected-resource/mcp';
    await call.get(metadata).set('Origin', 'https://page.example').expect(200);
  });

  test('MCP-10: other origins can be allowed', async () => {
    const app = await mcp({ allowedOrigins: ['https://app.example'] });
    await clientOf(app, world).get('/open').set('Origin', 'https://app.example').expect(200);
    await clientOf(app, world).get('/open').set('Origin', 'https://mcp.example.com').expect(403);
  });
});

@WebSocketGateway({ path: '/chat' })
@Public()
class OpenGateway {
  @SubscribeMessage('open') open(client: object): unknown {
    return answerTo(client, 'open');
  }
}

test.each(CARRIERS)(
  'MCP-10, WS-5: a page of another origin cannot connect by %s, where origins are named',
  async (carrier) => {
    const as = await startAuthorizationServer(world);
    const allowedOrigins = ['https://app.example'];
    const auth = CertBoundAuthModule.forRoot({ ...as.moduleOptions, allowedOrigins });
    const app = await startGateways(world, 'express', carrier, auth, [OpenGateway]);
    const from = (Origin: string): Parameters<typeof connectBy>[2] => ({
      port: portOf(app),
      headers: { Origin },
    });
    const client = await connected(connectBy(carrier, world, from('https://app.example')));
    expect(await client.ask('open')).toBe('open');
    expect((await refused(connectBy(carrier, world, from('https://evil.example')))).status).toBe(403);
  },
);

const UUID = /^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[\da-f]{4}-[\da-f]{12}$/;
const SENT = '93BAC548-D2DE-4546-B106-880A5018460D';
const HEADER = 'x-fapi-interaction-id';

describe.each(PLATFORMS)('the interaction id of open banking on %s', (platform) => {
  const startWith = async (interactionId: CertBoundAuthOptions['interactionId']): Promise<INestApplication> =>
    start(platform, interactionId === undefined ? {} : { interactionId });

  test('FAPI1-1, OB-3: every answer repeats it as it was sent, refusals, errors and 404 too', async () => {
    const app = await startWith(INTERACTION_IDS.brazil);
    const call = clientOf(app, world);
    for (const [method, path, status] of [
      ['get', '/open', 200],
      ['get', '/', 401],
      ['get', '/nowhere', 401],
      ['post', '/fail', 500],
    ] as const) {
      const response = await call[method](path).set(HEADER, SENT).expect(status);
      expect([path, response.headers[HEADER]]).toEqual([path, SENT]);
      expect(response.headers['date']).toMatch(/ GMT$/);
    }
  });

  test('FAPI1-1, OB-4: one that is missing is made, and each answer has another', async () => {
    const call = clientOf(await startWith(INTERACTION_IDS.uk), world);
    const one = await call.get('/open').expect(200);
    const other = await call.get('/open').expect(200);
    expect(one.headers[HEADER]).toMatch(UUID);
    expect(other.headers[HEADER]).not.toBe(one.headers[HEADER]);
  });

  test.each<[keyof typeof INTERACTION_IDS, missing: number, invalid: number]>([
    ['brazil', 400, 400],
    ['cdr', 200, 400],
    ['uk', 200, 200],
    ['uae', 200, 200],
  ])(
    'OB-3, OB-4: what is missing or no UUID is treated as %s asks for, and is never repeated',
    async (country, missing, invalid) => {
      const call = clientOf(await startWith(INTERACTION_IDS[country]), world);
      const absent = await call.get('/open').expect(missing);
      expect(absent.headers[HEADER]).toMatch(UUID);
      for (const wrong of ['x', `${SENT}\t`, `${SENT}x`, `${SENT}, ${SENT}`]) {
        const response = await call.get('/open').set(HEADER, wrong);
        if (wrong.trim() === SENT) continue;
        expect([wrong, response.status]).toEqual([wrong, invalid]);
        expect(response.headers[HEADER]).toMatch(UUID);
      }
    },
  );

  test.each(['192.0.2.7', '2001:db8::7'])(
    'FAPI1-2: no request is refused because its user is at %s, or for the date of a login',
    async (address) => {
      const as = await startAuthorizationServer(world);
      const { authorizationServers } = as.moduleOptions;
      const app = await start(platform, { authorizationServers, interactionId: INTERACTION_IDS.brazil });
      const token = await as.accessToken({ certificate: world.client1 });
      await clientOf(app, world, world.client1, token)
        .get('/')
        .set({
          [HEADER]: SENT,
          'x-fapi-customer-ip-address': address,
          'x-fapi-auth-date': 'Tue, 11 Sep 2012 19:43:31 GMT',
        })
        .expect(200);
    },
  );

  test('the header means nothing where the option is not given', async () => {
    const response = await clientOf(await startWith(undefined), world)
      .get('/open')
      .set(HEADER, SENT)
      .expect(200);
    expect(response.headers[HEADER]).toBeUndefined();
  });
});
