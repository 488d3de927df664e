import { Logger } from '@nestjs/common';
import { type KeyObject } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  CertBoundAuthConfigurationError,
  ForwardAuthModule,
  type ForwardAuthOptions,
} from 'nestjs-cert-bound-auth';
import { beforeAll, describe, expect, test } from 'vitest';
import { ForwardAuth } from '../../lib/forward-auth/forward-auth.js';
import { resolveForwardAuth } from '../../lib/forward-auth/resolve-forward-auth.js';
import { eventually } from '../support/eventually.js';
import { startApp } from '../support/platforms.js';
import { RecordingLogger } from '../support/recording-logger.js';
import { createWorld, startAuthorizationServer, whenOver, type World } from '../support/world.js';
import { call } from './support/http-client.js';
import { optionsFor, startEndpoint } from './support/endpoint.js';
import { newKeyPair } from '../support/key-pair.js';

let world: World;
beforeAll(async () => {
  world = await createWorld();
});

const SERVER = { issuer: 'https://as.example.com' };
const RIGHT = {
  trustedProxies: ['loopback'],
  audience: 'https://api.example.com',
  authorizationServers: [SERVER],
  policies: { a: {} },
};
const BY_PSS_KEY = {
  clientAuthentication: { method: 'private_key_jwt', clientId: 'api', key: pssKey(), algorithm: 'PS256' },
};
const HEADER = { from: 'header', header: 'x-cert', format: 'pem', trust: 'proxy' } as const;

function pssKey(): KeyObject {
  return newKeyPair('rsa-pss', { modulusLength: 2048 }).privateKey;
}

/** What is wrong with options, a line each. */
function problemsOf(options: unknown): readonly string[] {
  try {
    resolveForwardAuth(options as ForwardAuthOptions);
    return [];
  } catch (error) {
    if (!(error instanceof CertBoundAuthConfigurationError)) throw error;
    expect(error.message).toMatch(/^ForwardAuthModule cannot start with these options:\n/);
    return error.problems.map(({ path, found, remedy }) => `${path} (${found}): ${remedy}`);
  }
}

describe('invariant 8: wrong options stop the boot', () => {
  test.each<[string, unknown, readonly string[]]>([
    ['there are no options', undefined, ['options (undefined): give { trustedProxies, policies }']],
    [
      'nothing is given',
      {},
      ['trustedProxies (undefined): name who may ask', 'policies (undefined): give at least one policy'],
    ],
    ['an option does not exist', { ...RIGHT, polices: {} }, ['polices (object): there is no such option']],
    [
      'scopes stand beside the policies',
      { ...RIGHT, scopes: ['a'] },
      ['scopes (array): scopes are for each policy'],
    ],
    ['the path is none', { ...RIGHT, path: 'auth' }, ['path (string): give a path']],
    ['the path is the root', { ...RIGHT, path: '/' }, ['path (string): give a path']],
    ['the path has a query', { ...RIGHT, path: '/auth?x' }, ['path (string): give a path']],
    [
      'nobody is trusted',
      { ...RIGHT, trustedProxies: [] },
      ['trustedProxies (empty array): name who may ask'],
    ],
    [
      'everybody is trusted',
      { ...RIGHT, trustedProxies: ['10.0.0.1', '0.0.0.0/0'] },
      ['trustedProxies[1] (string): name the proxies'],
    ],
    [
      'a proxy is a name',
      { ...RIGHT, trustedProxies: ['nginx.local'] },
      ['trustedProxies[0] (string): give an address'],
    ],
    [
      'the proxy is unknown',
      { ...RIGHT, proxy: 'haproxy' },
      ["proxy (string): use 'nginx', 'traefik', 'caddy' or 'envoy'"],
    ],
    ['there is no policy', { ...RIGHT, policies: {} }, ['policies (object): give at least one policy']],
    ['a policy is none', { ...RIGHT, policies: { a: null } }, ['policies.a (null): give an object']],
    [
      'the name of a policy is no part of a path',
      { ...RIGHT, policies: { 'a/b': {}, '..': {}, '': {} } },
      [
        'policies.a/b (object): a name is part of a path',
        'policies... (object): a name is part of a path',
        'policies. (object): a name is part of a path',
      ],
    ],
    [
      'a policy has what does not exist',
      { ...RIGHT, policies: { a: { scope: 'a' } } },
      ['policies.a.scope (string): there is no such option'],
    ],
    [
      'a policy says where it is',
      { ...RIGHT, policies: { a: { path: '/a' } } },
      ['policies.a.path (string): there is no such option'],
    ],
    [
      'scopes are one text',
      { ...RIGHT, policies: { a: { scopes: 'a b' } } },
      ['policies.a.scopes (string): give a list of scopes'],
    ],
    [
      'a scope is two',
      { ...RIGHT, policies: { a: { scopes: ['a b'] } } },
      ['policies.a.scopes (array): give a list of scopes'],
    ],
    [
      'any of no scopes is needed',
      { ...RIGHT, policies: { a: { anyScope: [] } } },
      ['policies.a.anyScope (empty array): give a list'],
    ],
    [
      'the sender constraint is unknown',
      { ...RIGHT, senderConstrained: 'mtls' },
      ["senderConstrained (string): use 'certificate'"],
    ],
    [
      'nobody could prove a key',
      { ...RIGHT, policies: { a: { senderConstrained: ['dpop'] } } },
      ["policies.a.senderConstrained (array): 'dpop' needs the option dpop"],
    ],
    [
      'the certificate is the proxy’s own',
      { ...RIGHT, clientCertificate: { from: 'tls' } },
      ['clientCertificate.from (string): use { from: '],
    ],
    [
      'the certificate’s header is not named',
      { ...RIGHT, policies: { a: { clientCertificate: { ...HEADER, header: undefined } } } },
      ['policies.a.clientCertificate.header (undefined): name the header'],
    ],
    [
      'a policy trusts nobody',
      { ...RIGHT, policies: { a: { clientCertificate: { ...HEADER, trustedProxies: [] } } } },
      ['policies.a.clientCertificate.trustedProxies (empty array)'],
    ],
    ['the token has no place', { ...RIGHT, token: {} }, ['token (object): use one of { header, prefix? }']],
    ['the token has a list of no places', { ...RIGHT, token: [] }, ['token (empty array): use one of']],
    [
      'the token has a list with a wrong place',
      {
        ...RIGHT,
        token: [
          { header: 'Authorization' },
          { cookie: 'a=b' },
          null,
          { header: 'Authorization', prefix: 'a' },
        ],
      },
      [
        'token[1].cookie (string): give its name',
        'token[2] (null): use one of',
        'token[3].header (string): give its name',
      ],
    ],
    [
      'the token has two places',
      { ...RIGHT, token: { header: 'X', cookie: 'x' } },
      ['token (object): use one of'],
    ],
    [
      'the token is in a query without its name',
      { ...RIGHT, token: { query: 'token' } },
      ['token (object): use one of'],
    ],
    [
      'a cookie has a prefix',
      { ...RIGHT, token: { cookie: 'a', prefix: 'b' } },
      ['token (object): use one of'],
    ],
    [
      'the token’s header is no header',
      { ...RIGHT, token: { header: 'a b' } },
      ['token.header (string): give its name'],
    ],
    [
      'the token’s header is Authorization',
      { ...RIGHT, token: { header: 'Authorization' } },
      ['token.header (string): give its name'],
    ],
    [
      'the token’s cookie is no cookie',
      { ...RIGHT, token: { cookie: 'a=b' } },
      ['token.cookie (string): give its name'],
    ],
    [
      'the query parameter has no name',
      { ...RIGHT, token: { unsafeQuery: '' } },
      ['token.unsafeQuery (empty string): give its name'],
    ],
    [
      'the prefix is empty',
      { ...RIGHT, token: { header: 'X', prefix: '' } },
      ['token.prefix (empty string): give printable ASCII'],
    ],
    [
      'the headers of claims are a list',
      { ...RIGHT, credentialHeaders: ['a'] },
      ['credentialHeaders (array): give the claim of each header'],
    ],
    [
      'a header of a claim is no header',
      { ...RIGHT, credentialHeaders: { 'a b': 'c' } },
      ['credentialHeaders.a b (string): it is no name of a header'],
    ],
    [
      'a header of a claim is a usual one',
      { ...RIGHT, credentialHeaders: { 'x-credential-sub': 'c' } },
      ['credentialHeaders.x-credential-sub (string): this header is set by this module'],
    ],
    [
      'a header of a claim is the connection’s',
      { ...RIGHT, credentialHeaders: { Connection: 'c' } },
      ['credentialHeaders.Connection (string): this header is set'],
    ],
    [
      'a header of a claim is there twice',
      { ...RIGHT, credentialHeaders: { 'X-A': 'c', 'x-a': 'd' } },
      ['credentialHeaders.x-a (string): this header is there already'],
    ],
    [
      'a header has no claim',
      { ...RIGHT, credentialHeaders: { 'X-A': '' } },
      ['credentialHeaders.X-A (empty string): name a claim'],
    ],
    [
      'the phantom token comes from nowhere',
      { ...RIGHT, phantomToken: { key: 'k' } },
      ["phantomToken (object): use { from: 'introspection' }"],
    ],
    [
      'no answer is signed',
      { ...RIGHT, phantomToken: { from: 'introspection' } },
      ['phantomToken.from (string): every server needs introspection'],
    ],
    [
      'the phantom token is incomplete',
      { ...RIGHT, phantomToken: { from: 'key' } },
      [
        'phantomToken.key (undefined): give the private key',
        'phantomToken.issuer (undefined): give the iss',
        'phantomToken.algorithm (undefined): use one of',
      ],
    ],
    [
      'the phantom token’s key is none',
      { ...RIGHT, phantomToken: { from: 'key', key: 'k', algorithm: 'ES256', issuer: 'i' } },
      ['phantomToken.key (string): it is no private key'],
    ],
    [
      'the phantom token’s key is restricted to PSS, with which jose cannot sign',
      { ...RIGHT, phantomToken: { from: 'key', key: pssKey(), algorithm: 'PS256', issuer: 'i' } },
      ['phantomToken.key (object): it is not a key for PS256'],
    ],
    [
      'the key by which we prove ourselves is restricted to PSS',
      { ...RIGHT, authorizationServers: [{ ...SERVER, introspection: BY_PSS_KEY }] },
      ['authorizationServers[0].introspection.clientAuthentication.key (object): it is not a key for PS256'],
    ],
    [
      'the phantom token’s fields are wrong',
      {
        ...RIGHT,
        phantomToken: {
          from: 'key',
          key: null,
          algorithm: 'HS256',
          issuer: '',
          keyId: 1,
          audience: [],
          lifetime: 0,
          claims: 'a',
          header: 'Cookie',
          extra: 1,
        },
      },
      [
        'phantomToken.extra (number): there is no such option',
        "phantomToken.header (string): use 'Authorization'",
        'phantomToken.key (null)',
        'phantomToken.issuer (empty string)',
        'phantomToken.keyId (number)',
        'phantomToken.audience (empty array)',
        'phantomToken.lifetime (number)',
        'phantomToken.claims (string)',
        'phantomToken.algorithm (string)',
      ],
    ],
    [
      'the phantom token’s header has a claim',
      { ...RIGHT, credentialHeaders: { 'X-A': 'a' }, phantomToken: { from: 'key', header: 'x-a' } },
      [
        "phantomToken.header (string): use 'Authorization', or a name that begins with 'X-' and is none of",
        'phantomToken.key',
        'phantomToken.issuer',
        'phantomToken.algorithm',
      ],
    ],
    [
      'what policies take over is wrong, once',
      { ...RIGHT, authorizationServers: [{}], policies: { a: {}, b: {} } },
      ['authorizationServers[0].issuer (undefined): give the exact iss'],
    ],
    [
      'what a policy needs is nowhere',
      {
        trustedProxies: ['loopback'],
        policies: { a: {}, b: { audience: 'x', authorizationServers: [SERVER] } },
      },
      [
        'policies.a.audience (undefined): name the aud values',
        'policies.a.authorizationServers (undefined): every server is an object',
      ],
    ],
    [
      'what a policy says itself is wrong',
      { ...RIGHT, policies: { a: { binding: 'none', dpop: {} }, b: { clockTolerance: -1 } } },
      [
        'policies.a.binding (string): use',
        'policies.a.dpop.publicUrl (undefined): give',
        'policies.b.clockTolerance (number): give',
      ],
    ],
    [
      'an option of the module makes no sense here',
      { ...RIGHT, validate: () => true },
      ['validate (function): there is no such option'],
    ],
  ])('the boot stops where %s', (_, options, expected) => {
    const problems = problemsOf(options);
    expect(problems.map((problem, index) => problem.slice(0, expected[index]?.length))).toEqual(expected);
  });

  test('every fault is named at once, and no value is shown', () => {
    const problems = problemsOf({
      path: 1,
      trustedProxies: 'secret',
      proxy: 'secret',
      policies: { a: { realm: '' } },
    });
    expect(problems).toHaveLength(6);
    expect(problems.join('\n')).not.toContain('secret');
  });

  test('the app does not start with wrong options, given directly or made by a factory', async () => {
    const wrong = { ...RIGHT, policies: {} };
    for (const module of [
      ForwardAuthModule.forRoot(wrong),
      ForwardAuthModule.forRootAsync({ useFactory: () => wrong }),
    ]) {
      await expect(startApp('express', module)).rejects.toThrow(
        'policies (object): give at least one policy',
      );
    }
    await expect(startApp('express', ForwardAuthModule.forRoot(undefined as never))).rejects.toThrow(
      'trustedProxies',
    );
  });

  test('the app does not start with the plain module, or with a factory that returns nothing', async () => {
    for (const module of [
      { module: ForwardAuthModule },
      ForwardAuthModule.forRootAsync({ useFactory: () => undefined as never }),
    ]) {
      await expect(startApp('express', module)).rejects.toThrow(
        'options (undefined): import ForwardAuthModule.forRoot(',
      );
    }
  });

  test.each([
    ['/auth', '/auth', true],
    ['/auth', '/auth/partners', true],
    ['/auth', '/authentication', false],
  ])(
    'two endpoints in one app, at %s and %s, stop its start where they overlap',
    async (one, other, stops) => {
      const start = startApp('express', {
        module: class Both {},
        imports: [
          ForwardAuthModule.forRoot({ ...RIGHT, path: one }),
          ForwardAuthModule.forRoot({ ...RIGHT, path: other }),
        ],
      });
      if (stops) await expect(start).rejects.toThrow('another ForwardAuthModule of this app');
      else await expect(start).resolves.toBeDefined();
    },
  );
});

test('unbound tokens are reported for the policies that let them pass, and for no other', () => {
  const { policies } = resolveForwardAuth({
    ...RIGHT,
    reportUnbound: true,
    policies: {
      strict: {},
      loose: { binding: 'if-bound' },
      server: { authorizationServers: [{ ...SERVER, binding: 'if-bound' }] },
    },
  });
  const reported = [...policies.values()].filter(({ options }) => options.reportUnbound !== undefined);
  expect(reported.map(({ name }) => name)).toEqual(['loose', 'server']);
  const own = { ...RIGHT, policies: { a: { reportUnbound: true } } };
  expect(problemsOf(own)).toEqual([
    expect.stringContaining('policies.a.reportUnbound (boolean): there is nothing to report'),
  ]);
});

test('a change of the options after the boot has no effect', async () => {
  const as = await startAuthorizationServer(world);
  const scopes = ['a'];
  const options = optionsFor(world, as, { policies: { any: { scopes } } });
  const endpoint = await startEndpoint('node', options);
  scopes.pop();
  const token = await as.accessToken({ certificate: world.client1 });
  expect((await endpoint.ask('any', { token, certificate: world.client1 })).status).toBe(403);
});

test('right options are accepted without complaint', () => {
  expect(problemsOf(RIGHT)).toEqual([]);
  expect(
    problemsOf({
      ...RIGHT,
      policies: {
        a: { scopes: [], senderConstrained: ['certificate', 'any'], clientCertificate: undefined },
      },
    }),
  ).toEqual([]);
  expect(
    problemsOf({ ...RIGHT, clientCertificate: { from: 'custom', find: () => undefined, trust: 'any' } }),
  ).toEqual([]);
});

test.each(['express', 'fastify'] as const)('the options may be made by a factory on %s', async (platform) => {
  const as = await startAuthorizationServer(world);
  const module = ForwardAuthModule.forRootAsync({ useFactory: async () => optionsFor(world, as) });
  const app = await startApp(platform, module);
  whenOver(async () => app.close());
  const { port } = (app.getHttpServer() as { address(): { port: number } }).address();
  expect((await call({ port }, { path: '/auth/any' })).status).toBe(401);
});

describe('what the endpoint logs', () => {
  test('the log names the policy, the method and the reason of a refusal, and no token', async () => {
    const as = await startAuthorizationServer(world);
    const logger = new RecordingLogger();
    const endpoint = await startEndpoint('node', optionsFor(world, as), { logger });
    const token = await as.accessToken({ certificate: world.client1 });
    await endpoint.ask('any', { token, certificate: world.client2, method: 'PUT' });
    const [line, ...others] = logger.ours.map(({ text }) => text);
    expect(line).toContain('reason=certificate_mismatch');
    expect(line).toContain('route="PUT /auth/any"');
    expect([line?.includes(token), others]).toEqual([false, []]);
  });

  test('the log names untrusted peers and unknown policies once a minute', async () => {
    const as = await startAuthorizationServer(world);
    const logger = new RecordingLogger();
    const stranger = await startEndpoint('node', optionsFor(world, as, { trustedProxies: ['10.0.0.1'] }), {
      logger,
    });
    const endpoint = await startEndpoint('node', optionsFor(world, as), { logger });
    for (const _ of [1, 2]) await stranger.ask('any');
    for (const _ of [1, 2]) await endpoint.ask('%0Anone');
    expect(logger.ours.map(({ level, text }) => `${level} ${text}`)).toEqual([
      'warn refused status=403 reason=proxy_untrusted detail="127.0.0.1 asked, and is none of trustedProxies"',
      'warn refused status=404 reason=policy_unknown policy="%0Anone"',
    ]);
  });
});

test('invariant 3: a fault in the endpoint itself is 500, and in the log', async () => {
  const logger = new RecordingLogger();
  Logger.overrideLogger(logger);
  const forwardAuth = new ForwardAuth(resolveForwardAuth(RIGHT));
  whenOver(async () => forwardAuth.close());
  const broken = {
    url: '/auth/a',
    socket: { remoteAddress: '127.0.0.1' },
    get rawHeaders(): never {
      throw new Error('a bug');
    },
  };
  for (let time = 0; time < 12; time += 1) {
    const { status } = await forwardAuth.answer(broken as never);
    expect(status).toBe(500);
  }
  // Ten within a minute: a caller may be the cause.
  expect(logger.ours.map(({ level, text }) => `${level} ${text}`)).toEqual(
    Array.from({ length: 10 }, () => 'error the request of a proxy could not be answered: a bug'),
  );
});

test('invariant 3: a response that the app has already sent stays as it is', async () => {
  const forwardAuth = new ForwardAuth(resolveForwardAuth(RIGHT));
  whenOver(async () => forwardAuth.close());
  const server = createServer((request, response) => {
    response.writeHead(504).end();
    Promise.resolve(forwardAuth.respond(request, response)).then(
      () => outcomes.push('fine'),
      (error: unknown) => outcomes.push(error),
    );
  }).listen(0, '127.0.0.1');
  whenOver(async () => server.close());
  const outcomes: unknown[] = [];
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  expect((await call({ port }, { path: '/auth/a' })).status).toBe(504);
  await eventually(() => outcomes.length > 0);
  expect(outcomes).toEqual(['fine']);
});
