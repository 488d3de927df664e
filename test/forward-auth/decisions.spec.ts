import { Controller, Get } from '@nestjs/common';
import { type AbstractHttpAdapter, NestFactory } from '@nestjs/core';
import { Test } from '@nestjs/testing';
import { ForwardAuthModule } from 'nestjs-cert-bound-auth';
import type { AddressInfo } from 'node:net';
import { beforeAll, describe, expect, test } from 'vitest';
import type { TestAuthorizationServer } from 'nestjs-cert-bound-auth/testing';
import { createWorld, startAuthorizationServer, whenOver, type World } from '../support/world.js';
import { headersOf, optionsFor, startEndpoint, WAYS } from './support/endpoint.js';
import { call } from './support/http-client.js';

let world: World;
beforeAll(async () => {
  world = await createWorld();
});

describe.each(WAYS)('a policy of the endpoint served by %s', (way) => {
  test('RFC8705-1: the certificate that the proxy names must be the one that the token is bound to, or the answer is 401', async () => {
    const as = await startAuthorizationServer(world);
    const endpoint = await startEndpoint(way, optionsFor(world, as));
    const token = await as.accessToken({ certificate: world.client1 });
    const right = await endpoint.ask('any', { token, certificate: world.client1 });
    const stolen = await endpoint.ask('any', { token, certificate: world.client2 });
    const without = await endpoint.ask('any', { token });
    expect([right.status, stolen.status, without.status]).toEqual([200, 401, 401]);
    expect(right.body).toBe('');
    expect(stolen.headers['www-authenticate']).toMatch(/^Bearer error="invalid_token"/);
    expect(JSON.parse(stolen.body)).toMatchObject({ statusCode: 401, error: 'invalid_token' });
  });

  test('RFC8705-1: a placeholder that Caddy has put nothing in the place of is no certificate, which is 401', async () => {
    const as = await startAuthorizationServer(world);
    const endpoint = await startEndpoint(way, optionsFor(world, as, { proxy: 'caddy' }));
    const token = await as.accessToken({ certificate: world.client1 });
    const ask = async (certificate: string): Promise<number> => {
      const headers = {
        'x-forwarded-method': 'GET',
        'x-forwarded-uri': '/',
        'x-ssl-client-cert': certificate,
      };
      return (await endpoint.ask('any', { token, headers })).status;
    };
    expect(await ask('{http.request.tls.client.certificate_der_base64}')).toBe(401);
    expect(await ask(world.client1.der.toString('base64'))).toBe(200);
  });

  test('RFC6750-1: a missing scope is 403 with the scopes that are needed, and any one of several suffices', async () => {
    const as = await startAuthorizationServer(world);
    const policies = { all: { scopes: ['a', 'b'] }, some: { anyScope: ['b', 'c'] } };
    const endpoint = await startEndpoint(way, optionsFor(world, as, { policies }));
    const token = await as.accessToken({ certificate: world.client1, scope: 'b' });
    const caller = { token, certificate: world.client1 };
    const refused = await endpoint.ask('all', caller);
    expect(refused.status).toBe(403);
    expect(refused.headers['www-authenticate']).toContain('error="insufficient_scope"');
    expect(refused.headers['www-authenticate']).toContain('scope="a b"');
    expect((await endpoint.ask('some', caller)).status).toBe(200);
  });

  test('row 47: the path need not name the policy where there is only one', async () => {
    const as = await startAuthorizationServer(world);
    const one = await startEndpoint(way, optionsFor(world, as));
    const several = await startEndpoint(way, optionsFor(world, as, { policies: { any: {}, other: {} } }));
    const token = await as.accessToken({ certificate: world.client1 });
    const statusOf = async (endpoint: typeof one, path: string, bearer = token): Promise<number> =>
      (await endpoint.call({ path, headers: headersOf({ token: bearer, certificate: world.client1 }) }))
        .status;
    expect([
      await statusOf(one, '/auth'),
      await statusOf(one, '/auth?a=b'),
      await statusOf(one, '/auth/any'),
    ]).toEqual([200, 200, 200]);
    expect([await statusOf(one, '/auth', 'a'), await statusOf(one, '/auth/')]).toEqual([401, 404]);
    expect([await statusOf(one, '/authx'), await statusOf(one, '/auth#')]).not.toContain(200);
    expect(await statusOf(several, '/auth')).not.toBe(200);
    expect(await statusOf(several, '/auth/other')).toBe(200);
  });

  test('RFC6750-2: a request without credentials is 401 without an error code', async () => {
    const as = await startAuthorizationServer(world);
    const endpoint = await startEndpoint(way, optionsFor(world, as, { realm: 'bank' }));
    const { status, headers } = await endpoint.ask('any', { certificate: world.client1 });
    expect([status, headers['www-authenticate']]).toEqual([401, 'Bearer realm="bank"']);
  });

  test('invariant 3: an outage of the authorization server is 503 with Retry-After, neither a pass nor a refusal', async () => {
    const as = await startAuthorizationServer(world);
    const endpoint = await startEndpoint(way, optionsFor(world, as));
    const token = await as.accessToken({ certificate: world.client1 });
    await as.stop();
    const { status, headers } = await endpoint.ask('any', { token, certificate: world.client1 });
    expect([status, headers['retry-after'], headers['www-authenticate']]).toEqual([503, '5', undefined]);
  });

  test('RFC9111-5.2.2.5: no answer may be stored', async () => {
    const as = await startAuthorizationServer(world);
    const endpoint = await startEndpoint(way, optionsFor(world, as));
    const token = await as.accessToken({ certificate: world.client1 });
    const answers = [
      await endpoint.ask('any', { token, certificate: world.client1 }),
      await endpoint.ask('any'),
      await endpoint.ask('none'),
    ];
    expect(answers.map(({ status }) => status)).toEqual([200, 401, 404]);
    expect(answers.map(({ headers }) => headers['cache-control'])).toEqual([
      'no-store',
      'no-store',
      'no-store',
    ]);
  });

  test('RFC9110-9: the proxy may ask by any method, with the content type of a body that it does not send', async () => {
    const as = await startAuthorizationServer(world);
    const endpoint = await startEndpoint(
      way,
      optionsFor(world, as, { proxy: 'envoy', clientCertificate: NGINX }),
    );
    const token = await as.accessToken({ certificate: world.client1 });
    const headers = {
      authorization: `Bearer ${token}`,
      'x-ssl-client-cert': encodeURIComponent(world.client1.cert),
    };
    const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];
    const statuses = await Promise.all(
      methods.map(async (method) => {
        const typed = { ...headers, 'content-type': 'application/json', 'content-length': '0' };
        return (await endpoint.call({ method, path: '/auth/any/payments/1?x=1', headers: typed })).status;
      }),
    );
    expect(statuses).toEqual(methods.map(() => 200));
  });
});

@Controller()
class OtherController {
  @Get('authors/1') author(): string {
    return 'an author';
  }
  @Get('auth') auth(): string {
    return 'about auth';
  }
}

const NGINX = { from: 'header', header: 'x-ssl-client-cert', format: 'pem', trust: 'proxy' } as const;

describe('the policies of one endpoint', () => {
  async function start(): Promise<{ as: TestAuthorizationServer; other: TestAuthorizationServer }> {
    return { as: await startAuthorizationServer(world), other: await startAuthorizationServer(world) };
  }

  test('RFC9068-2: each policy has its own issuers, audience, algorithms, required claims and binding', async () => {
    const { as, other } = await start();
    const tls = { ca: world.ca.cert };
    const endpoint = await startEndpoint(
      'node',
      optionsFor(world, as, {
        policies: {
          one: {},
          other: { authorizationServers: [{ issuer: other.issuer, tls }] },
          audience: { audience: 'https://other.example.com' },
          algorithm: { authorizationServers: [{ issuer: as.issuer, tls, jwt: { algorithms: ['PS256'] } }] },
          claims: { authorizationServers: [{ issuer: as.issuer, tls, jwt: { requiredClaims: ['tenant'] } }] },
          unbound: { binding: 'if-bound' },
        },
      }),
    );
    const bound = { certificate: world.client1 };
    const statuses = async (token: string): Promise<object> => {
      const names = ['one', 'other', 'audience', 'algorithm', 'claims', 'unbound'];
      const answers = names.map(async (name) => (await endpoint.ask(name, { token, ...bound })).status);
      return Object.fromEntries((await Promise.all(answers)).map((status, index) => [names[index], status]));
    };
    const all = { one: 401, other: 401, audience: 401, algorithm: 401, claims: 401, unbound: 401 };
    expect(await statuses(await as.accessToken(bound))).toEqual({ ...all, one: 200, unbound: 200 });
    expect(await statuses(await other.accessToken(bound))).toEqual({ ...all, other: 200 });
    expect(await statuses(await as.accessToken({ ...bound, audience: 'https://other.example.com' }))).toEqual(
      {
        ...all,
        audience: 200,
      },
    );
    expect(await statuses(await as.accessToken({ ...bound, claims: { tenant: 't' } }))).toEqual({
      ...all,
      one: 200,
      claims: 200,
      unbound: 200,
    });
    expect(await statuses(await as.accessToken())).toEqual({ ...all, unbound: 200 });
  });

  test('RFC8705-1: senderConstrained asks for a proof where the binding would let an unbound token pass', async () => {
    const { as } = await start();
    const policies = { loose: {}, strict: { senderConstrained: 'certificate' as const } };
    const endpoint = await startEndpoint('node', optionsFor(world, as, { binding: 'if-bound', policies }));
    const [token, bound] = [await as.accessToken(), await as.accessToken({ certificate: world.client1 })];
    expect((await endpoint.ask('loose', { token })).status).toBe(200);
    const refused = await endpoint.ask('strict', { token });
    expect([refused.status, refused.headers['www-authenticate']]).toEqual([
      401,
      expect.stringContaining('error="invalid_token"'),
    ]);
    expect((await endpoint.ask('strict', { token: bound, certificate: world.client1 })).status).toBe(200);
  });

  test('RFC8705-4: reportUnbound is told of an unbound token that passes, with method and policy', async () => {
    const { as } = await start();
    const reports: object[] = [];
    const options = { binding: 'if-bound', reportUnbound: (report: object) => reports.push(report) } as const;
    const endpoint = await startEndpoint('node', optionsFor(world, as, options));
    await endpoint.ask('any', { token: await as.accessToken(), method: 'PUT' });
    const bound = await as.accessToken({ certificate: world.client1 });
    await endpoint.ask('any', { token: bound, certificate: world.client1 });
    expect(reports).toEqual([
      { issuer: as.issuer, clientId: 'client-1', subject: 'user-1', route: 'PUT /auth/any' },
    ]);
  });

  test('RFC7662-1: an opaque token is looked up, and a revoked one is refused', async () => {
    const { as } = await start();
    const { authorizationServers } = as.moduleOptions;
    const endpoint = await startEndpoint('node', optionsFor(world, as, { authorizationServers }));
    const token = as.opaqueToken({ certificate: world.client1 });
    expect((await endpoint.ask('any', { token, certificate: world.client1 })).status).toBe(200);
    as.revoke(token);
    expect((await endpoint.ask('any', { token, certificate: world.client1 })).status).toBe(401);
  });
});

describe('invariant 2: who may ask the endpoint', () => {
  test('a peer that is not trusted gets 403 without a body, whatever it asks', async () => {
    const as = await startAuthorizationServer(world);
    const endpoint = await startEndpoint('node', optionsFor(world, as, { trustedProxies: ['10.0.0.0/8'] }));
    const token = await as.accessToken({ certificate: world.client1 });
    const answers = [
      await endpoint.ask('any', { token, certificate: world.client1 }),
      await endpoint.ask('none', { token, certificate: world.client1 }),
    ];
    expect(answers.map(({ status, body }) => ({ status, body }))).toEqual([
      { status: 403, body: '' },
      { status: 403, body: '' },
    ]);
    expect(as.requests).toEqual([]);
  });

  test('a certificate is believed only from the proxies that the policy names, where it names its own', async () => {
    const as = await startAuthorizationServer(world);
    const policies = {
      own: { clientCertificate: { ...NGINX, trustedProxies: ['10.0.0.0/8'] } },
      same: { clientCertificate: NGINX },
    };
    const endpoint = await startEndpoint('node', optionsFor(world, as, { policies }));
    const token = await as.accessToken({ certificate: world.client1 });
    expect((await endpoint.ask('own', { token, certificate: world.client1 })).status).toBe(401);
    expect((await endpoint.ask('same', { token, certificate: world.client1 })).status).toBe(200);
  });

  test('a certificate that nginx has not verified is refused', async () => {
    const as = await startAuthorizationServer(world);
    const endpoint = await startEndpoint('node', optionsFor(world, as));
    const token = await as.accessToken({ certificate: world.client1 });
    const statuses = await Promise.all(
      ['FAILED:self-signed certificate', 'NONE', '', undefined, ['SUCCESS', 'SUCCESS']].map(
        async (verdict) => {
          const headers = { 'x-ssl-client-verify': verdict };
          return (await endpoint.ask('any', { token, certificate: world.client1, headers })).status;
        },
      ),
    );
    expect(statuses).toEqual([401, 401, 401, 401, 401]);
  });
});

const ENVOY = { proxy: 'envoy', clientCertificate: NGINX } as const;

describe('invariant 1: nothing that the app sets up answers in place of the endpoint', () => {
  test.each(['express', 'fastify'] as const)(
    'CORS of the app does not answer a preflight to the endpoint, with a token or without, on %s',
    async (platform) => {
      const as = await startAuthorizationServer(world);
      const endpoint = await startEndpoint(platform, optionsFor(world, as, ENVOY), {
        controllers: [OtherController],
        configure: (app) => app.enableCors({ optionsSuccessStatus: 200 }),
      });
      const preflight = async (path: string, headers = {}): Promise<number> => {
        const sent = {
          origin: 'https://web.example.com',
          'access-control-request-method': 'PUT',
          ...headers,
        };
        return (await endpoint.call({ method: 'OPTIONS', path, headers: sent })).status;
      };
      const proved = {
        authorization: `Bearer ${await as.accessToken({ certificate: world.client1 })}`,
        'x-ssl-client-cert': encodeURIComponent(world.client1.cert),
      };
      expect(await preflight('/auth/any/x')).toBe(401);
      expect(await preflight('/auth/any/x', proved)).toBe(200);
      expect(await preflight('/auth/none/x', proved)).toBe(404);
      expect(await preflight('/authors/1')).toBe(200);
    },
  );

  test.each(['express', 'fastify'] as const)(
    'the body parsers of the app do not touch requests to the endpoint on %s',
    async (platform) => {
      const as = await startAuthorizationServer(world);
      const endpoint = await startEndpoint(platform, optionsFor(world, as, ENVOY));
      const headers = {
        authorization: `Bearer ${await as.accessToken({ certificate: world.client1 })}`,
        'x-ssl-client-cert': encodeURIComponent(world.client1.cert),
        'content-type': 'application/json',
        'content-length': '1',
      };
      const { status } = await endpoint.call({ method: 'POST', path: '/auth/any/x', headers, body: '{' });
      expect(status).toBe(200);
    },
  );

  test.each(['express', 'fastify'] as const)(
    'a request hook of the app on %s sees the other requests, and none to the endpoint',
    async (platform) => {
      const as = await startAuthorizationServer(world);
      let seen = 0;
      const endpoint = await startEndpoint(platform, optionsFor(world, as), {
        controllers: [OtherController],
        configure: (app) =>
          (app.getHttpAdapter() as AbstractHttpAdapter).setOnRequestHook(
            (_request: unknown, _response: unknown, done: () => void) => {
              seen += 1;
              done();
            },
          ),
      });
      expect((await endpoint.ask('any')).status).toBe(401);
      expect(seen).toBe(0);
      expect((await endpoint.call({ path: '/authors/1' })).body).toBe('an author');
      expect(seen).toBe(1);
    },
  );

  test('an app of @nestjs/testing has the endpoint too, although its adapter comes after its modules', async () => {
    const as = await startAuthorizationServer(world);
    const imports = [ForwardAuthModule.forRoot(optionsFor(world, as))];
    const module = await Test.createTestingModule({ imports }).compile();
    const app = module.createNestApplication({ logger: false });
    whenOver(async () => app.close());
    await app.listen(0, '127.0.0.1');
    const { port } = (app.getHttpServer() as { address(): AddressInfo }).address();
    expect((await call({ port }, { path: '/auth/any' })).status).toBe(401);
  });

  test('an application context without HTTP starts', async () => {
    const as = await startAuthorizationServer(world);
    const context = await NestFactory.createApplicationContext(
      ForwardAuthModule.forRoot(optionsFor(world, as)) as never,
      { logger: false, abortOnError: false },
    );
    await expect(context.close()).resolves.toBeUndefined();
  });
});

describe('the paths of an endpoint', () => {
  test.each([
    ['/auth/none', 404],
    ['/auth/', 404],
    ['/auth/any/', 404],
    ['/auth/any/other', 404],
    ['/auth/ANY', 404],
    ['/auth/constructor', 404],
    ['/auth/any?x=1', 401],
    ['/auth/any', 401],
  ])('the path %s is answered with %i for a request without a token', async (path, status) => {
    const as = await startAuthorizationServer(world);
    const endpoint = await startEndpoint('node', optionsFor(world, as));
    expect((await endpoint.call({ path })).status).toBe(status);
  });

  test.each(['express', 'fastify'] as const)(
    'the other routes of an app on %s are its own, and a global prefix changes nothing',
    async (platform) => {
      const as = await startAuthorizationServer(world);
      const endpoint = await startEndpoint(platform, optionsFor(world, as), {
        controllers: [OtherController],
        configure: (app) => app.setGlobalPrefix('v1'),
      });
      expect((await endpoint.call({ path: '/v1/authors/1' })).body).toBe('an author');
      expect((await endpoint.call({ path: '/v1/auth' })).body).toBe('about auth');
      expect((await endpoint.call({ path: '/authors' })).status).toBe(404);
      expect((await endpoint.ask('any')).status).toBe(401);
    },
  );

  test('the option path sets where the endpoint is', async () => {
    const as = await startAuthorizationServer(world);
    const endpoint = await startEndpoint('express', optionsFor(world, as, { path: '/internal/ask/' }));
    expect((await endpoint.call({ path: '/internal/ask/any' })).status).toBe(401);
    expect((await endpoint.call({ path: '/auth/any' })).status).toBe(404);
  });
});
