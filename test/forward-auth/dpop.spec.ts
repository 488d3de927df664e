import type { AskingProxy, ForwardAuthOptions } from 'nestjs-cert-bound-auth';
import { TestDpopClient } from 'nestjs-cert-bound-auth/testing';
import { beforeAll, describe, expect, test } from 'vitest';
import { RecordingLogger } from '../support/recording-logger.js';
import { createWorld, startAuthorizationServer, type World } from '../support/world.js';
import { type Endpoint, optionsFor, startEndpoint, WAYS } from './support/endpoint.js';
import type { HttpAnswer } from './support/http-client.js';

const PUBLIC_URL = 'https://api.example.com';
const TARGET = { method: 'POST', path: '/payments/1?x=1' };

let world: World;
let client: TestDpopClient;
beforeAll(async () => {
  world = await createWorld();
  client = await TestDpopClient.create();
});

/** How each proxy tells what its client wants, and what the client itself could send to tell something else. */
const PROXIES: Readonly<
  Record<AskingProxy, { readonly says: (method: string, uri: string) => object; readonly ignored: object }>
> = {
  nginx: {
    says: (method, uri) => ({ headers: { 'x-original-method': method, 'x-original-uri': uri } }),
    ignored: { 'x-forwarded-method': 'GET', 'x-forwarded-uri': '/other', 'x-http-method-override': 'GET' },
  },
  traefik: {
    says: (method, uri) => ({ headers: { 'x-forwarded-method': method, 'x-forwarded-uri': uri } }),
    ignored: { 'x-original-method': 'GET', 'x-original-uri': '/other' },
  },
  caddy: {
    says: (method, uri) => ({ headers: { 'x-forwarded-method': method, 'x-forwarded-uri': uri } }),
    ignored: { 'x-original-method': 'GET', 'x-original-uri': '/other' },
  },
  envoy: {
    says: (method, uri) => ({ method, path: `/auth/any${uri}` }),
    ignored: {
      'x-original-method': 'GET',
      'x-original-uri': '/other',
      'x-forwarded-uri': '/other',
      'x-envoy-original-path': '/other',
    },
  },
};

async function start(
  options: Partial<ForwardAuthOptions>,
  logger?: RecordingLogger,
): Promise<{ endpoint: Endpoint; token: string }> {
  const as = await startAuthorizationServer(world);
  const all = optionsFor(world, as, { dpop: { publicUrl: PUBLIC_URL }, ...options });
  const endpoint = await startEndpoint('node', all, logger === undefined ? {} : { logger });
  return { endpoint, token: await as.accessToken({ dpop: client }) };
}

async function proofFor(
  token: string,
  method: string,
  path: string,
  nonce?: string,
): Promise<Record<string, string>> {
  const url = `${PUBLIC_URL}${path}`;
  return { ...(await client.headers({ method, url, token, ...(nonce === undefined ? {} : { nonce }) })) };
}

interface Said {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
}

async function send(endpoint: Endpoint, said: object, headers: object): Promise<HttpAnswer> {
  const { method, path = '/auth/any', headers: own = {} } = said as Said;
  return endpoint.call({
    ...(method === undefined ? {} : { method }),
    path,
    headers: { ...own, ...headers } as Record<string, string>,
  });
}

describe.each(Object.keys(PROXIES) as AskingProxy[])('RFC9449-1: a proof behind %s', (proxy) => {
  const { says, ignored } = PROXIES[proxy];

  test('a proof must be for the method and the URI that the proxy names, under the public URL', async () => {
    const { endpoint, token } = await start({ proxy });
    const headers = await proofFor(token, 'POST', '/payments/1');
    const answer = await send(endpoint, says(TARGET.method, TARGET.path), { ...headers, ...ignored });
    expect(answer.status).toBe(200);
    expect(answer.headers['x-credential-token-type']).toBe('DPoP');
  });

  test.each([
    ['method', 'GET', '/payments/1'],
    ['path', 'POST', '/payments/2'],
  ])('a proof for another %s is refused', async (_, method, path) => {
    const { endpoint, token } = await start({ proxy });
    const answer = await send(
      endpoint,
      says(TARGET.method, TARGET.path),
      await proofFor(token, method, path),
    );
    expect(answer.status).toBe(401);
    expect(answer.headers['www-authenticate']).toMatch(/^DPoP error="invalid_dpop_proof"/);
  });
});

describe.each(['nginx', 'traefik', 'caddy'] as const)(
  'invariant 2: what the proxy %s says about a request',
  (proxy) => {
    const [method, uri] =
      proxy === 'nginx' ? ['x-original-method', 'x-original-uri'] : ['x-forwarded-method', 'x-forwarded-uri'];

    test.each([
      ['no method', { [uri]: '/' }],
      ['no URI', { [method]: 'GET' }],
      ['an empty URI', { [method]: 'GET', [uri]: '' }],
      ['neither', {}],
    ])('no proof is right where the proxy sends %s, and the log says so', async (_, said) => {
      const logger = new RecordingLogger();
      const { endpoint, token } = await start({ proxy }, logger);
      const answer = await send(endpoint, { headers: said }, await proofFor(token, 'GET', '/'));
      expect(answer.status).toBe(401);
      const lines = logger.ours
        .filter(({ level, text }) => level === 'warn' && !text.startsWith('dpop.replayStore'))
        .map(({ text }) => text);
      expect(lines).toEqual([
        `/auth/any: the proxy does not send ${method} and ${uri}: no DPoP proof can be right`,
      ]);
    });

    test.each([
      ['method', { [method]: ['GET', 'GET'], [uri]: '/' }],
      ['URI', { [method]: 'GET', [uri]: ['/', '/'] }],
    ])('a repeated %s is refused', async (_, said) => {
      const { endpoint, token } = await start({ proxy });
      const answer = await send(endpoint, { headers: said }, await proofFor(token, 'GET', '/'));
      // nginx knows no 400.
      expect(answer.status).toBe(proxy === 'nginx' ? 401 : 400);
      expect(answer.headers['www-authenticate']).toContain('error="invalid_request"');
      expect(JSON.parse(answer.body)).toMatchObject({ statusCode: answer.status, error: 'invalid_request' });
    });
  },
);

test.each(WAYS)(
  'RFC9449-1: a proof must be for what the client wants, with the endpoint served by %s',
  async (way) => {
    const as = await startAuthorizationServer(world);
    const endpoint = await startEndpoint(way, optionsFor(world, as, { dpop: { publicUrl: PUBLIC_URL } }));
    const token = await as.accessToken({ dpop: client });
    const nginx = PROXIES.nginx.says('POST', '/payments');
    expect((await send(endpoint, nginx, await proofFor(token, 'POST', '/payments'))).status).toBe(200);
    expect((await send(endpoint, nginx, await proofFor(token, 'GET', '/auth/any'))).status).toBe(401);
  },
);

describe('a token that is bound to a key of DPoP', () => {
  const nginx = PROXIES.nginx.says('GET', '/');

  test('RFC9449-4: a token bound to a key is refused without its proof, and as a bearer token', async () => {
    const { endpoint, token } = await start({});
    const { dpop: _proof, DPoP: _other, ...without } = await proofFor(token, 'GET', '/');
    expect((await send(endpoint, nginx, without)).status).toBe(401);
    const headers = { ...(await proofFor(token, 'GET', '/')) };
    const bearer = Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [
        name,
        name.toLowerCase() === 'authorization' ? `Bearer ${token}` : value,
      ]),
    );
    expect((await send(endpoint, nginx, bearer)).status).toBe(401);
  });

  test('RFC9449-8: a token bound to a key cannot be used twice with one proof, not even at another policy', async () => {
    const { endpoint, token } = await start({ policies: { any: {}, other: {} } });
    const headers = await proofFor(token, 'GET', '/');
    expect((await send(endpoint, nginx, headers)).status).toBe(200);
    expect((await send(endpoint, nginx, headers)).status).toBe(401);
    expect((await send(endpoint, { ...nginx, path: '/auth/other' }, headers)).status).toBe(401);
  });

  test('RFC9449-6: a client gets the nonce that it needs, and every policy knows that nonce', async () => {
    const dpop = { publicUrl: PUBLIC_URL, nonce: 'required', nonceSecret: 'n'.repeat(32) } as const;
    const { endpoint, token } = await start({ dpop, policies: { any: {}, other: {} } });
    const refused = await send(endpoint, nginx, await proofFor(token, 'GET', '/'));
    expect([refused.status, refused.headers['www-authenticate']]).toEqual([
      401,
      expect.stringContaining('error="use_dpop_nonce"'),
    ]);
    const nonce = String(refused.headers['dpop-nonce']);
    const accepted = await send(
      endpoint,
      { ...nginx, path: '/auth/other' },
      await proofFor(token, 'GET', '/', nonce),
    );
    expect(accepted.status).toBe(200);
  });

  test('RFC9449-1: a token bound to a key may stand in another place, with its proof beside it', async () => {
    const { endpoint, token } = await start({ token: { header: 'X-Token' } });
    const { authorization: _lower, Authorization: _upper, ...proof } = await proofFor(token, 'GET', '/');
    expect((await send(endpoint, nginx, { ...proof, 'x-token': token })).status).toBe(200);
    expect((await send(endpoint, nginx, { 'x-token': token })).status).toBe(401);
  });

  test('RFC9449-4: a token bound to a key is refused where the policy accepts no proofs', async () => {
    const { endpoint, token } = await start({ policies: { any: {} } });
    const as = await startAuthorizationServer(world);
    const without = await startEndpoint('node', optionsFor(world, as));
    const headers = await proofFor(token, 'GET', '/');
    expect((await send(endpoint, nginx, headers)).status).toBe(200);
    expect(
      (await send(without, nginx, await proofFor(await as.accessToken({ dpop: client }), 'GET', '/'))).status,
    ).toBe(401);
  });
});

test('invariant 2: a request behind Envoy that names only the policy is answered with 404', async () => {
  const { endpoint } = await start({ proxy: 'envoy' });
  const paths = ['/auth/any', '/auth/any?x=1', '/auth/anyother/1'];
  expect(await Promise.all(paths.map(async (path) => (await endpoint.call({ path })).status))).toEqual([
    404, 404, 404,
  ]);
});
