import { Module } from '@nestjs/common';
import {
  CertBoundAuthModule,
  ForwardAuthModule,
  type ForwardAuthOptions,
  type ForwardAuthPolicy,
} from 'nestjs-cert-bound-auth';
import { createLocalJWKSet, exportJWK, jwtVerify } from 'jose';
import { describe, expect, test } from 'vitest';
import { resolveForwardAuth } from '../../lib/forward-auth/resolve-forward-auth.js';
import { newKeyPair } from '../support/key-pair.js';
import { PLATFORMS, startApp } from '../support/platforms.js';
import { AUDIENCE, createWorld, startAuthorizationServer } from '../support/world.js';
import { type Endpoint, optionsFor, startEndpoint, WAYS } from './support/endpoint.js';
import type { HttpAnswer } from './support/http-client.js';

const world = await createWorld();

const DOCUMENT = '/.well-known/oauth-protected-resource';
const PAYMENTS = 'https://api.example.com/payments';
const DPOP = { publicUrl: 'https://api.example.com' };

const POLICIES: ForwardAuthOptions['policies'] = {
  payments: {
    scopes: ['payments:read'],
    anyScope: ['retail', 'corporate'],
    protectedResource: { resource: PAYMENTS, name: 'Payments', scopesSupported: 'enforced' },
  },
  root: { protectedResource: { resource: 'https://api.example.com/', maxAge: 60 } },
  silent: {},
};

describe.each(WAYS)('what everyone is told of an API behind a proxy, by %s', (way) => {
  const start = async (
    policies: ForwardAuthOptions['policies'] = POLICIES,
    options: Partial<ForwardAuthOptions> = {},
  ): Promise<Endpoint & { readonly issuer: string }> => {
    const as = await startAuthorizationServer(world);
    const endpoint = await startEndpoint(way, optionsFor(world, as, { policies, ...options }));
    return { ...endpoint, issuer: as.issuer };
  };
  const documentOf = async (policy: ForwardAuthPolicy): Promise<Record<string, unknown>> => {
    const protectedResource = { resource: PAYMENTS };
    const endpoint = await start({ payments: { protectedResource, dpop: DPOP, ...policy } });
    return JSON.parse((await endpoint.call({ path: `${DOCUMENT}/payments` })).body) as Record<
      string,
      unknown
    >;
  };

  test('RFC9728-1, RFC9728-7: anyone gets what each policy enforces, at the well-known path of its API', async () => {
    const endpoint = await start();
    const { issuer } = endpoint;
    const { status, headers, body } = await endpoint.call({ path: `${DOCUMENT}/payments` });
    expect([status, headers['content-type'], headers['cache-control']]).toEqual([
      200,
      'application/json',
      'public, max-age=3600',
    ]);
    expect(JSON.parse(body)).toEqual({
      resource: PAYMENTS,
      authorization_servers: [issuer],
      scopes_supported: ['payments:read', 'retail', 'corporate'],
      bearer_methods_supported: ['header'],
      resource_name: 'Payments',
      tls_client_certificate_bound_access_tokens: true,
    });
    const root = await endpoint.call({ path: DOCUMENT });
    expect(JSON.parse(root.body)).toMatchObject({ resource: 'https://api.example.com/' });
    expect(root.headers['cache-control']).toBe('public, max-age=60');
  });

  test('RFC9728-15, RFC9728-16: any page may read it, HEAD has its headers alone, and nothing else is answered there', async () => {
    const endpoint = await start();
    const path = `${DOCUMENT}/payments`;
    const got = await endpoint.call({ path, headers: { origin: 'https://page.example' } });
    const head = await endpoint.call({ path, method: 'HEAD' });
    expect([head.status, head.body]).toEqual([200, '']);
    for (const name of ['content-length', 'content-type', 'cache-control', 'access-control-allow-origin'])
      expect([name, head.headers[name]]).toEqual([name, got.headers[name]]);
    expect(got.headers['access-control-allow-origin']).toBe('*');
    const preflight = await endpoint.call({ path, method: 'OPTIONS' });
    expect([preflight.status, preflight.headers['access-control-allow-methods']]).toEqual([
      204,
      'GET, HEAD, OPTIONS',
    ]);
    const post = await endpoint.call({ path, method: 'POST' });
    expect([post.status, post.headers.allow]).toEqual([405, 'GET, HEAD, OPTIONS']);
  });

  test('RFC9728-16: it is for everyone: for who may not ask about requests too, and whatever credentials come along', async () => {
    const endpoint = await start(POLICIES, { trustedProxies: ['192.0.2.1'] });
    expect((await endpoint.ask('payments')).status).toBe(403);
    const path = `${DOCUMENT}/payments`;
    const { status, headers } = await endpoint.call({ path, headers: { authorization: 'Bearer nonsense' } });
    expect(status).toBe(200);
    expect(Object.keys(headers).filter((name) => name.startsWith('x-credential-'))).toEqual([]);
  });

  test('RFC9728-11: the challenges of a policy name its document, those of 401 with the scopes; others name none', async () => {
    const endpoint = await start();
    const challengeOf = ({ headers }: HttpAnswer): string => headers['www-authenticate'] ?? '';
    const named = `resource_metadata="https://api.example.com${DOCUMENT}/payments"`;
    for (const _ of ['rendered', 'kept']) {
      const payments = challengeOf(await endpoint.ask('payments'));
      expect(payments).toContain(named);
      expect(payments).toContain('scope="payments:read');
    }
    expect(challengeOf(await endpoint.ask('payments', { token: 'nonsense' }))).toContain(named);
    expect(challengeOf(await endpoint.ask('root'))).toContain(
      `resource_metadata="https://api.example.com${DOCUMENT}"`,
    );
    expect(challengeOf(await endpoint.ask('silent'))).not.toContain('resource_metadata');
  });

  test.each<[what: string, policy: ForwardAuthPolicy, told: object]>([
    [
      'a policy that takes either key',
      {},
      { tls_client_certificate_bound_access_tokens: true, dpop_bound_access_tokens_required: undefined },
    ],
    [
      'a policy that wants a proof',
      { senderConstrained: 'dpop' },
      { tls_client_certificate_bound_access_tokens: undefined, dpop_bound_access_tokens_required: true },
    ],
    [
      'a policy that wants a certificate',
      { senderConstrained: 'certificate' },
      {
        tls_client_certificate_bound_access_tokens: true,
        dpop_signing_alg_values_supported: undefined,
        dpop_bound_access_tokens_required: undefined,
      },
    ],
    [
      'a policy that wants both',
      { senderConstrained: ['certificate', 'dpop'] },
      { tls_client_certificate_bound_access_tokens: true, dpop_bound_access_tokens_required: true },
    ],
    [
      'a policy with several places of the token',
      { token: [{ header: 'authorization' }, { unsafeQuery: 'access_token' }, { cookie: 'session' }] },
      { bearer_methods_supported: ['header', 'query'] },
    ],
    [
      'a policy that takes the token from a cookie',
      { token: { cookie: 'session' } },
      { bearer_methods_supported: undefined },
    ],
  ])('RFC9728-8: the document of %s says only what is true', async (_, policy, told) => {
    const document = await documentOf(policy);
    expect(Object.fromEntries(Object.keys(told).map((name) => [name, document[name]]))).toEqual(told);
  });

  test('RFC9728-10: it can be signed', async () => {
    const { privateKey, publicKey } = newKeyPair('ec', { namedCurve: 'P-256' });
    const signWith = {
      key: privateKey.export({ format: 'pem', type: 'pkcs8' }) as string,
      algorithm: 'ES256',
      issuer: 'https://api.example.com',
    } as const;
    const document = await documentOf({ protectedResource: { resource: PAYMENTS, signWith } });
    const keys = createLocalJWKSet({ keys: [await exportJWK(publicKey)] });
    const { payload } = await jwtVerify(String(document['signed_metadata']), keys);
    expect(payload).toMatchObject({ iss: 'https://api.example.com', resource: PAYMENTS });
  });

  test('a path that is only nearly that of a document is none', async () => {
    const endpoint = await start();
    for (const path of [
      `${DOCUMENT}/Payments`,
      `${DOCUMENT}/payments/`,
      `${DOCUMENT}/payments/x`,
      `${DOCUMENT}//payments`,
      `${DOCUMENT}/%70ayments`,
      `${DOCUMENT}/x/../payments`,
      `/x${DOCUMENT}/payments`,
      `/x/..${DOCUMENT}/payments`,
      `/${DOCUMENT}/payments`,
    ]) {
      const { status, body } = await endpoint.call({ path });
      expect([path, status === 200, body.includes('authorization_servers')]).toEqual([path, false, false]);
    }
    expect((await endpoint.call({ path: `${DOCUMENT}/payments?any=query` })).status).toBe(200);
  });
});

describe('documents that would stand in one another’s way stop the boot', () => {
  const SERVERS = [{ issuer: 'https://as.example.com' }];
  const options = (
    policies: ForwardAuthOptions['policies'],
    others: Partial<ForwardAuthOptions> = {},
  ): ForwardAuthOptions => ({
    trustedProxies: ['loopback'],
    audience: AUDIENCE,
    authorizationServers: SERVERS,
    policies,
    ...others,
  });
  const telling = (resource: string): ForwardAuthPolicy => ({ protectedResource: { resource } });

  test.each([
    [PAYMENTS, PAYMENTS],
    [PAYMENTS, 'https://other.example.com/payments'],
    [PAYMENTS, `${PAYMENTS}?tenant=1`],
    ['https://api.example.com', 'https://api.example.com/'],
  ])('two policies cannot tell of %s and %s at one path', (one, other) => {
    expect(() => resolveForwardAuth(options({ a: telling(one), b: telling(other) }))).toThrow(
      /policies\.b\.protectedResource\.resource .*policy a has its document at \/\.well-known/,
    );
  });

  test('a document cannot be where a proxy asks, for it would take the document for a pass', () => {
    for (const path of ['/.well-known', DOCUMENT, `${DOCUMENT}/payments`])
      expect(() => resolveForwardAuth(options({ payments: telling(PAYMENTS) }, { path }))).toThrow(
        /policies\.payments\.protectedResource\.resource .*below the path of the endpoint/,
      );
    resolveForwardAuth(options({ payments: telling(PAYMENTS) }, { path: `${DOCUMENT}/pay` }));
  });

  test('a policy tells of its own API: what stands beside the policies is refused', () => {
    const beside = { protectedResource: { resource: PAYMENTS } };
    expect(() => resolveForwardAuth(options({ a: {} }, beside as Partial<ForwardAuthOptions>))).toThrow(
      /- protectedResource .*put it there/,
    );
  });

  test.each(PLATFORMS)(
    'two modules of one app on %s cannot have a document at one path',
    async (platform) => {
      const startWith = async (...imports: readonly object[]): Promise<unknown> => {
        @Module({ imports: imports as never })
        class App {}
        const app = await startApp(platform, App);
        return app.close();
      };
      const behind = (path: string, resource?: string): object =>
        ForwardAuthModule.forRoot(options({ a: resource === undefined ? {} : telling(resource) }, { path }));
      const clientCertificate = {
        from: 'header',
        header: 'x-cert',
        format: 'pem',
        trust: 'proxy',
        trustedProxies: ['loopback'],
      } as const;
      const own = (resource: string, ofPolicy = `${AUDIENCE}/partners`): object =>
        CertBoundAuthModule.forRoot({
          audience: AUDIENCE,
          authorizationServers: SERVERS,
          clientCertificate,
          protectedResource: { resource },
          policies: { partners: { protectedResource: { resource: ofPolicy } } },
        });
      const two = /another ForwardAuthModule/;
      await expect(startWith(behind('/one', PAYMENTS), behind('/two', PAYMENTS))).rejects.toThrow(two);
      await expect(startWith(behind('/one', PAYMENTS), behind(DOCUMENT))).rejects.toThrow(two);
      await expect(startWith(behind(DOCUMENT), behind('/one', PAYMENTS))).rejects.toThrow(two);
      const app = /CertBoundAuthModule of this app/;
      await expect(startWith(own(PAYMENTS), behind('/one', PAYMENTS))).rejects.toThrow(app);
      await expect(startWith(behind(DOCUMENT), own(PAYMENTS))).rejects.toThrow(app);
      await expect(startWith(own(AUDIENCE, PAYMENTS), behind('/one', PAYMENTS))).rejects.toThrow(app);
      await startWith(own(AUDIENCE), behind('/one', PAYMENTS), behind('/two', `${PAYMENTS}/2`));
    },
  );
});
