import { jwtVerify } from 'jose';
import { createPublicKey } from 'node:crypto';
import {
  type TestAuthorizationServer,
  type TestCertificate,
  TestDpopClient,
} from 'nestjs-cert-bound-auth/testing';
import { beforeAll, describe, expect, test } from 'vitest';
import { proxyConfig } from '../../../lib/cli/proxy-config/proxy-config.js';
import { CREDENTIAL_HEADERS } from '../../../lib/forward-auth/credential-headers.js';
import {
  AUDIENCE,
  createWorld,
  startAuthorizationServer,
  whenOver,
  type World,
} from '../../support/world.js';
import { callThrough, type ClientAnswer, type ClientCall } from './https-client.js';
import { type AuthServer, serveDocument, startUpstream, type Upstream } from './serve-document.js';
import type { ProxyKind } from './proxy-programs.js';
import { statusOfText } from './public-client.js';
import { startProxy } from './start-proxy.js';

/** What differs between proxies. */
export interface ForwardAuthCase {
  readonly kind: 'nginx' | 'caddy' | 'traefik' | 'envoy';
  /** The program, where it is not called as the proxy is. */
  readonly program?: ProxyKind;
  /** What becomes of a query parameter with a token: it is taken away, it stays, it cannot be configured. @default taken away */
  readonly parameters?: 'stay' | 'unsupported';
  /** What its configuration says otherwise. */
  readonly edit?: Readonly<Record<string, string>>;
  /** How its configuration names the port of the API. @default `127.0.0.1:8080` */
  readonly port?: (port: number) => string;
  /** What becomes of a request that is malformed, of an outage, and of an authorization backend that is away. */
  readonly statuses: { readonly malformed: number; readonly outage: number; readonly away: number };
}

/** All that a request goes through. */
export interface Stage {
  readonly as: TestAuthorizationServer;
  readonly auth: AuthServer;
  readonly upstream: Upstream;
  /** That the proxy listens on. */
  readonly port: number;
  readonly call: (call?: ClientCall & { readonly token?: string }) => Promise<ClientAnswer>;
}

/**
 * Starts an authorization server, `serve`, an API and the proxy between them, with the configuration that is printed for
 * it: that of docs/proxies, unless something is replaced. All end with the test.
 * @param replace what serve-config.yaml says otherwise
 */
export async function startStage(
  world: World,
  { kind, program = kind, edit = {}, port = (number) => `127.0.0.1:${number}` }: ForwardAuthCase,
  replace: Readonly<Record<string, string>> = {},
): Promise<Stage> {
  const as = await startAuthorizationServer(world);
  const auth = await serveDocument(world, as, { 'proxy: nginx': `proxy: ${kind}`, ...replace });
  const upstream = await startUpstream();
  const { key, cert } = await world.ca.issueServerCertificate({ hosts: ['api.example.com'] });
  const proxy = await startProxy(program, {
    file: { text: proxyConfig(kind, auth.file) },
    files: {
      '/etc/ssl/api/server.key': key,
      '/etc/ssl/api/server.crt': cert,
      '/etc/ssl/api/client-ca.crt': world.ca.cert,
    },
    replace: { [port(8080)]: port(upstream.port), ...edit },
  });
  whenOver(async () => proxy.stop());
  return {
    as,
    auth,
    upstream,
    port: proxy.port,
    call: async ({ token, headers = {}, ...call } = {}) =>
      callThrough(proxy.port, world, {
        path: '/payments',
        ...call,
        headers: { ...(token === undefined ? {} : { authorization: `Bearer ${token}` }), ...headers },
      }),
  };
}

const SCOPE = 'payments:read';
/** What a client could send to be taken for somebody else. */
const SPOOFED = Object.fromEntries(
  [...Object.values(CREDENTIAL_HEADERS), 'X-Credential-Tenant', 'X-Tenant-ID', 'X-Roles'].flatMap((name) => {
    const words = name.toLowerCase().split('-');
    const names = [
      name,
      words.join('_'),
      `${words.slice(0, -1).join('_')}-${words.at(-1)}`,
      name.replace('-', '_'),
    ];
    return names.map((each) => [each, 'spoofed'] as const);
  }),
);

/** The second policy of serve-config.yaml. */
export const OTHER_POLICY = `  accounts:
    anyScope: ['accounts:read', 'accounts:write']
    senderConstrained: certificate
    credentialHeaders:
      X-Credential-Tenant: tenant.id
`;

/** Everything that holds behind every proxy. */
export function describeForwardAuth(behind: ForwardAuthCase): void {
  const { kind, program = kind, statuses, parameters } = behind;
  let world: World;
  let client: TestDpopClient;
  beforeAll(async () => {
    world = await createWorld();
    client = await TestDpopClient.create();
  });

  async function boundToken(
    as: TestAuthorizationServer,
    certificate: TestCertificate,
    scope = SCOPE,
  ): Promise<string> {
    return as.accessToken({ certificate, scope, claims: { jti: 'j-1' } });
  }

  describe(`an API behind ${program}, as docs/proxies sets it up`, () => {
    test('RFC8705-1: the token of client1 is 200 for client1, and the API is told who calls', async () => {
      const { as, upstream, call } = await startStage(world, behind);
      const token = await boundToken(as, world.client1);
      const answer = await call({ token, certificate: world.client1, path: '/payments?x=1' });
      expect([answer.status, answer.body]).toEqual([200, 'from the API']);
      const [request] = upstream.requests;
      expect(request).toMatchObject({ method: 'GET', url: '/payments?x=1' });
      expect(request?.headers).toMatchObject({
        'x-credential-scope': SCOPE,
        'x-credential-client-id': 'client-1',
        'x-credential-token-type': 'Bearer',
        'x-credential-exp': expect.stringMatching(/^\d{10}$/) as string,
        'x-credential-iat': expect.stringMatching(/^\d{10}$/) as string,
        'x-credential-sub': 'user-1',
        'x-credential-aud': AUDIENCE,
        'x-credential-iss': as.issuer,
        'x-credential-jti': 'j-1',
        'x-credential-certificate-subject': 'CN=client1',
        'x-credential-certificate-serial': expect.stringMatching(/^[\dA-F]+$/) as string,
        'x-credential-certificate-thumbprint': world.client1.thumbprint,
        'x-credential-certificate-principal': 'CN=client1',
      });
      // Some proxies send no header that is empty.
      for (const name of ['spiffe-id', 'organization-id', 'psd2-roles'])
        expect(request?.headers[`x-credential-certificate-${name}`] ?? '').toBe('');
    });

    test('a page gets the cookie of a session, calls by it, and the API never sees it', async () => {
      const session = `audience: https://api.example.com\nsession: { secrets: [${'s'.repeat(32)}] }\n#`;
      const { as, upstream, call } = await startStage(world, behind, {
        'audience: https://api.example.com': session,
      });
      const certificate = world.client1;
      const own = { 'Sec-Fetch-Site': 'same-origin', 'X-Credential-Session-Cookie': 'theirs=1' };
      const token = await boundToken(as, certificate);
      const started = await call({ token, certificate, headers: own });
      const cookies = [started.headers['set-cookie'] ?? []].flat();
      expect(cookies).toEqual([expect.stringMatching(/^__Host-session=[\w-]+; Path=\/; .*SameSite=Strict$/)]);
      const cookie = `a=1; ${cookies[0]?.split(';')[0]}`;
      const answer = await call({ certificate, headers: { cookie } });
      expect([answer.status, answer.headers['set-cookie']]).toEqual([200, undefined]);
      expect((await call({ certificate, method: 'POST', headers: { cookie } })).status).toBe(403);
      expect((await call({ certificate, method: 'POST', headers: { cookie, ...own } })).status).toBe(200);
      const thief = await call({ certificate: world.client2, headers: { cookie } });
      expect(thief.status).toBe(401);
      expect([thief.headers['set-cookie'] ?? []].flat().join()).toContain('Max-Age=0');
      expect(upstream.requests).toHaveLength(3);
      expect(JSON.stringify(upstream.requests.map(({ headers }) => headers))).not.toContain('__Host');
      for (const { headers } of upstream.requests) expect(headers['x-credential-sub']).toBe('user-1');
    });

    test('row 44: no token reaches the API from a header or a cookie where policies take it from there', async () => {
      const { as, upstream, call } = await startStage(world, behind, {
        'payments:\n': 'payments:\n    token: { header: X-Api-Token }\n',
        'accounts:\n': `accounts:\n    scopes: ['payments:read']\n    token: { cookie: access }\n`,
        "    anyScope: ['accounts:read', 'accounts:write']\n": '',
      });
      const token = await boundToken(as, world.client1);
      const certificate = world.client1;
      const send = async (path: string, headers: ClientCall['headers'] = {}): Promise<unknown> => {
        const { status } = await call({ certificate, path, headers });
        return [status, upstream.requests.at(-1)?.url, upstream.requests.at(-1)?.headers.cookie ?? ''];
      };
      expect(await send('/payments', { 'X-Api-Token': token })).toEqual([200, '/payments', '']);
      const cookies = [
        [`access=${token}`, /^$/],
        [`a=1; access=${token}; b=2`, kind === 'traefik' ? /^$/ : /^a=1; ?b=2$/],
        [` access =${token};a=1`, kind === 'traefik' ? /^$/ : /^;? ?a=1$/],
        [`a=1;access=${token}`, kind === 'traefik' ? /^$/ : /^a=1;?$/],
        [`xaccess=2; access=${token}`, kind === 'traefik' ? /^$/ : /^xaccess=2;? ?$/],
      ] as const;
      for (const [cookie, rest] of cookies)
        expect(await send('/accounts', { cookie })).toEqual([200, '/accounts', expect.stringMatching(rest)]);
    });

    test('row 44: a cookie that may hold a token does not reach the API where the token came in the header, however often it is sent', async () => {
      const { as, upstream, port } = await startStage(world, behind, {
        'payments:\n': 'payments:\n    token: [{ header: authorization }, { cookie: access }]\n',
      });
      const authorization = `Authorization: Bearer ${await boundToken(as, world.client1)}`;
      const cookies = [
        ['Cookie: access=A; access=B'],
        ['Cookie: access=A;access=B; x=1; access=C'],
        ['Cookie: x=1', 'Cookie: access=B'],
        ['Cookie: access=A', 'Cookie: access=B'],
      ];
      for (const [index, lines] of cookies.entries()) {
        const caller = { port, ca: world.ca.cert, certificate: world.client1 };
        expect(await statusOfText(caller, [authorization, ...lines], '/payments')).toBe(200);
        expect(upstream.requests[index]?.headers.cookie ?? '', lines.join()).not.toMatch(/access/);
      }
    });

    test('row 44: no token reaches the API from the query, unless the file says so', async () => {
      if (parameters === 'unsupported') return;
      const { as, upstream, call } = await startStage(world, behind, {
        'payments:\n': 'payments:\n    token: { unsafeQuery: access token }\n',
      });
      const token = await boundToken(as, world.client1);
      const send = async (query: string): Promise<unknown> =>
        (await call({ certificate: world.client1, path: `/payments?${query}` })).status;
      const queries = [
        [`access%20token=${token}`, /^\/payments\??$/],
        [`a=1&access%20token=${token}&b=2`, /^\/payments\?a=1&b=2$/],
        [`access%20token=${token}&b=2`, /^\/payments\?b=2$/],
        [`b=xaccess&access%20token=${token}`, /^\/payments\?b=xaccess&?$/],
      ] as const;
      for (const [query, url] of queries) {
        expect(await send(query)).toBe(200);
        const sent = upstream.requests.at(-1)?.url;
        if (parameters === 'stay') expect(sent).toBe(`/payments?${query}`);
        else expect(sent).toMatch(url);
      }
      if (parameters !== 'stay') expect(JSON.stringify(upstream.requests)).not.toContain(token);
      // Other spellings of the name, which a proxy would not find; nginx refuses them before it asks.
      const malformed = kind === 'nginx' ? 400 : statuses.malformed;
      expect(await send(`access%20toke%6e=${token}`)).toBe(malformed);
      expect(await send(`access+token=${token}`)).toBe(malformed);
    });

    test('row 44: a parameter that may hold a token does not reach the API where the token came in the header, however it is sent', async () => {
      if (parameters !== undefined) return;
      const { as, upstream, call } = await startStage(world, behind, {
        'payments:\n': 'payments:\n    token: [{ header: authorization }, { unsafeQuery: my token }]\n',
      });
      const token = await boundToken(as, world.client1);
      const queries = ['my%20token=A&my%20token=B', 'x=1&my+token=A', '%6Dy%20token=A', 'my%20toke%6e=A&x=1'];
      for (const query of queries) {
        await call({ token, certificate: world.client1, path: `/payments?${query}` });
        expect(JSON.stringify(upstream.requests), query).not.toMatch(/=[AB]/);
      }
      expect((await call({ token, certificate: world.client1, path: '/payments?x=1' })).status).toBe(200);
    });

    test('row 47: no path is asked about by one policy and read by the API as the path of another', async () => {
      const { as, upstream, call } = await startStage(world, behind);
      const token = await boundToken(as, world.client1);
      const send = async (path: string): Promise<number> =>
        (await call({ token, certificate: world.client1, path })).status;
      expect(await send('/payments/1?a=/../b')).toBe(200);
      expect(await send('/accounts')).toBe(403);
      expect([await send('/paymentsx'), await send('/'), await send('/other')]).toEqual([404, 404, 404]);
      const ambiguous = [
        '/payments/../accounts',
        '/payments/%2e%2e/accounts',
        '/payments/.%2E/accounts',
        '/payments/./1',
        '/payments/..%2faccounts',
        '/payments%2f..%2faccounts',
        '/payments/..%5caccounts',
        '/payments/..\\accounts',
        '/payments//../accounts',
        '//accounts',
        '/payments/..;/accounts',
        '/payments/..;a=b/accounts',
        '/accounts/..',
        '/payments/..',
        '/payments/..#/accounts',
        '/payments/../accounts#',
        '/payments/..?/accounts',
        '/payments/%2e%2e',
      ];
      for (const path of ambiguous) {
        const status = await send(path);
        // Some proxies resolve dots before they do anything else: then there is one path alone.
        const { url = '' } = upstream.requests.at(-1) ?? {};
        expect([path, status, url.replace(/\?.*/, '')]).toEqual([
          path,
          expect.any(Number) as number,
          expect.stringMatching(/^\/payments(?:$|\/)(?!.*(?:\/\/|\\|%2f|%5c|%2e|\/\.\.?(?:[/;?#]|$)|#))/i),
        ]);
      }
      const paths = upstream.requests.map(({ url = '' }) => url.replace(/\?.*/, ''));
      expect(paths.filter((path) => !path.startsWith('/payments'))).toEqual([]);
    });

    test('row 47: a single policy protects every path', async () => {
      const { as, upstream, call } = await startStage(world, behind, { [OTHER_POLICY]: '' });
      const token = await boundToken(as, world.client1);
      for (const path of ['/', '/other/1?a=b', '/payments']) {
        expect((await call({ token, certificate: world.client1, path })).status).toBe(200);
        expect((await call({ token, certificate: world.client2, path })).status).toBe(401);
      }
      expect(upstream.requests.map(({ url }) => url)).toEqual(['/', '/other/1?a=b', '/payments']);
    });

    test('row 46: the API gets the phantom token in place of the client’s', async () => {
      const { key } = world.server;
      const phantom = { from: 'key', algorithm: 'ES256', issuer: 'https://edge.example.com', key };
      const { as, upstream, call } = await startStage(world, behind, {
        'payments:': `payments:\n    phantomToken: ${JSON.stringify(phantom)}`,
      });
      const token = as.opaqueToken({ certificate: world.client1, scope: SCOPE });
      expect((await call({ token, certificate: world.client1 })).status).toBe(200);
      const { authorization = '' } = upstream.requests[0]?.headers ?? {};
      const { payload } = await jwtVerify(authorization.replace('Bearer ', ''), createPublicKey(key));
      expect(payload).toMatchObject({ iss: 'https://edge.example.com', sub: 'user-1', scope: SCOPE });
    });

    test('row 46: the API gets no token of the client’s by a policy that has no phantom token', async () => {
      const phantom = {
        from: 'key',
        algorithm: 'ES256',
        issuer: 'https://edge.example.com',
        key: world.server.key,
      };
      const { as, upstream, call } = await startStage(world, behind, {
        'accounts:': `accounts:\n    phantomToken: ${JSON.stringify(phantom)}`,
      });
      const token = await boundToken(as, world.client1);
      expect((await call({ token, certificate: world.client1 })).status).toBe(200);
      expect(upstream.requests[0]?.headers.authorization ?? '').toBe('');
    });

    test('RFC6455-4: a WebSocket is upgraded for whom the policy admits, and for nobody else', async () => {
      const { as, upstream, call } = await startStage(world, behind);
      const token = await boundToken(as, world.client1);
      const headers = {
        connection: 'Upgrade',
        upgrade: 'websocket',
        'sec-websocket-version': '13',
        'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
      };
      expect((await call({ token, certificate: world.client1, headers })).status).toBe(101);
      expect((await call({ token, certificate: world.client2, headers })).status).toBe(401);
      expect(upstream.requests).toHaveLength(1);
    });

    test('RFC9110-7.6.1: no client takes a header from the API, or from us, by naming it in Connection', async () => {
      const { as, upstream, call } = await startStage(world, behind);
      const token = await boundToken(as, world.client1);
      const named = [
        'X-Credential-Sub, X-Credential-Scope',
        'authorization',
        'X-Forwarded-Client-Cert',
        'DPoP',
      ];
      for (const name of named) {
        const headers = { connection: `close, ${name}` };
        const { status } = await call({ token, certificate: world.client1, headers });
        expect([200, 400, 401]).toContain(status);
      }
      for (const { headers } of upstream.requests) {
        expect(headers).toMatchObject({ 'x-credential-sub': 'user-1', 'x-credential-scope': SCOPE });
        expect(headers).not.toHaveProperty('authorization');
      }
    });

    test('row 44: the client’s token does not reach the API', async () => {
      const { as, upstream, call } = await startStage(world, behind);
      const token = await boundToken(as, world.client1);
      expect((await call({ token, certificate: world.client1 })).status).toBe(200);
      expect(JSON.stringify(upstream.requests)).not.toContain(token);
    });

    test('RFC8705-1: the token of client1 is 401 for client2, and without a certificate, with the challenge', async () => {
      const { as, upstream, call } = await startStage(world, behind);
      const token = await boundToken(as, world.client1);
      for (const certificate of [world.client2, undefined]) {
        const { status, headers } = await call({ token, certificate });
        expect([status, headers['www-authenticate']]).toEqual([
          401,
          expect.stringMatching(/^Bearer error="invalid_token"/),
        ]);
      }
      expect(upstream.requests).toEqual([]);
    });

    test.each([
      ['several policies', {}],
      ['one policy', { [OTHER_POLICY]: '' }],
    ])(
      'RFC9728-1: a client that has nothing finds the document by the challenge, with %s',
      async (_, replace) => {
        const { as, upstream, call } = await startStage(world, behind, replace);
        const challenge = String((await call()).headers['www-authenticate']);
        const url = new URL(/resource_metadata="([^"]*)"/.exec(challenge)?.[1] ?? '');
        expect(url.origin).toBe('https://api.example.com');
        const ask = async (method: string, headers = {}): Promise<ClientAnswer> =>
          call({ method, path: url.pathname, headers });
        const answer = await ask('GET', { origin: 'https://page.example', authorization: 'Bearer nonsense' });
        expect(answer.status).toBe(200);
        expect(answer.headers).toMatchObject({
          'content-type': 'application/json',
          'cache-control': 'public, max-age=3600',
          'access-control-allow-origin': '*',
        });
        expect(JSON.parse(answer.body)).toMatchObject({
          resource: 'https://api.example.com/payments',
          authorization_servers: [as.issuer],
          scopes_supported: [SCOPE],
        });
        const others = [await ask('HEAD'), await ask('OPTIONS'), await ask('POST')];
        expect(others.map(({ status, body }) => [status, body])).toEqual([
          [200, ''],
          [204, ''],
          [405, ''],
        ]);
        expect(upstream.requests).toEqual([]);
      },
    );

    test('RFC6750-1: a missing scope is 403, with the challenge', async () => {
      const { as, upstream, call } = await startStage(world, behind);
      const token = await boundToken(as, world.client1, 'payments:write');
      const { status, headers } = await call({ token, certificate: world.client1 });
      expect(status).toBe(403);
      expect(headers['www-authenticate']).toMatch(
        /^Bearer error="insufficient_scope".*scope="payments:read"(?:,|$)/,
      );
      expect(upstream.requests).toEqual([]);
    });

    test('RFC6750-2: a request without a token is 401 without an error code', async () => {
      const { upstream, call } = await startStage(world, behind);
      const { status, headers } = await call({ certificate: world.client1 });
      expect([status, headers['www-authenticate']]).toEqual([
        401,
        expect.stringMatching(/^Bearer scope="payments:read", resource_metadata="[^"]+", DPoP (?!.*error=)/),
      ]);
      expect(upstream.requests).toEqual([]);
    });

    test('RFC6750-1: a malformed request is refused, and its challenge says so', async () => {
      const { upstream, call } = await startStage(world, behind);
      const { status, headers } = await call({
        certificate: world.client1,
        headers: { authorization: 'Bearer a b' },
      });
      expect([status, headers['www-authenticate']]).toEqual([
        statuses.malformed,
        expect.stringContaining('error="invalid_request"'),
      ]);
      expect(upstream.requests).toEqual([]);
    });

    test('row 43: spoofed X-Credential-* headers are overwritten, even where the claim is absent', async () => {
      const { as, upstream, call } = await startStage(world, behind, {
        'dpop:\n': 'credentialHeaders: { X-Roles: roles }\ndpop:\n',
        'X-Credential-Tenant: tenant.id': 'X-Credential-Tenant: tenant.id\n      X-Tenant-ID: tenant.id',
      });
      const claims = { sub: undefined, client_id: undefined, jti: undefined };
      const token = as.opaqueToken({ certificate: world.client1, scope: SCOPE, claims });
      expect((await call({ token, certificate: world.client1, headers: SPOOFED })).status).toBe(200);
      const headers = upstream.requests[0]?.headers ?? {};
      const spoofed = Object.entries(headers).filter(([, value]) => String(value).includes('spoofed'));
      expect(spoofed).toEqual([]);
      for (const name of ['sub', 'client-id', 'jti', 'nbf'])
        expect(headers[`x-credential-${name}`] ?? '').toBe('');
    });

    test('invariant 2: the certificate of somebody else in the proxy’s own header proves nothing', async () => {
      const { as, upstream, call } = await startStage(world, behind);
      const token = await boundToken(as, world.client1);
      const certificates = [encodeURIComponent(world.client1.cert), world.client1.der.toString('base64')];
      for (const spoofed of certificates) {
        for (const certificate of [world.client2, undefined]) {
          const headers = {
            'X-SSL-Client-Cert': spoofed,
            'X-SSL-Client-Verify': 'SUCCESS',
            'X-Forwarded-Tls-Client-Cert': spoofed,
            'X-Forwarded-Client-Cert': `Cert="${encodeURIComponent(world.client1.cert)}"`,
          };
          expect((await call({ token, certificate, headers })).status).toBe(401);
        }
      }
      expect(upstream.requests).toEqual([]);
    });

    test('RFC9449-1: a proof must be for what the client has called, whatever else it says', async () => {
      const { as, upstream, call } = await startStage(world, behind);
      const token = await as.accessToken({ dpop: client, scope: SCOPE });
      const send = async (path: string, url: string): Promise<number> => {
        const proof = await client.headers({ method: 'POST', url, token });
        const headers = {
          'x-original-method': 'POST',
          'x-original-uri': '/other',
          'x-forwarded-method': 'POST',
          'x-forwarded-uri': '/other',
          'content-type': 'application/json',
          'transfer-encoding': 'chunked',
          ...proof,
        };
        return (await call({ method: 'POST', path, headers, body: '{"amount":1}' })).status;
      };
      expect(await send('/payments?x=1', 'https://api.example.com/payments')).toBe(200);
      expect(await send('/payments', 'https://api.example.com/other')).toBe(401);
      expect(upstream.requests).toMatchObject([
        {
          method: 'POST',
          url: '/payments?x=1',
          body: '{"amount":1}',
          headers: { 'x-credential-token-type': 'DPoP' },
        },
      ]);
      expect(upstream.requests[0]?.headers).not.toHaveProperty('dpop');
    });

    test('RFC9449-6: the nonce that a client needs reaches it', async () => {
      const nonce = `publicUrl: https://api.example.com\n  nonce: required\n  nonceSecret: ${'n'.repeat(32)}`;
      const { as, call } = await startStage(world, behind, { 'publicUrl: https://api.example.com': nonce });
      const token = await as.accessToken({ dpop: client, scope: SCOPE });
      const send = async (known?: string): Promise<ClientAnswer> => {
        const url = 'https://api.example.com/payments';
        return call({
          headers: {
            ...(await client.headers({ url, token, ...(known === undefined ? {} : { nonce: known }) })),
          },
        });
      };
      const refused = await send();
      expect([refused.status, refused.headers['www-authenticate']]).toEqual([
        401,
        expect.stringContaining('use_dpop_nonce'),
      ]);
      expect((await send(String(refused.headers['dpop-nonce']))).status).toBe(200);
    });

    test(`invariant 3: an outage of the authorization server becomes ${statuses.outage}, never a pass`, async () => {
      const { as, upstream, call } = await startStage(world, behind);
      const [token, opaque] = [
        await boundToken(as, world.client1),
        as.opaqueToken({ certificate: world.client1, scope: SCOPE }),
      ];
      await as.stop();
      const answers = [
        await call({ token, certificate: world.client1 }),
        await call({ token: opaque, certificate: world.client1 }),
      ];
      expect(answers.map(({ status }) => status)).toEqual([statuses.outage, statuses.outage]);
      if (statuses.outage === 503)
        for (const { headers } of answers) expect(headers['retry-after']).toMatch(/^\d+$/);
      expect(upstream.requests).toEqual([]);
    });

    test(`invariant 3: an authorization backend that is away becomes ${statuses.away}, never a pass`, async () => {
      const { as, auth, upstream, call } = await startStage(world, behind);
      const token = await boundToken(as, world.client1);
      expect((await call({ token, certificate: world.client1 })).status).toBe(200);
      await auth.stop();
      expect((await call({ token, certificate: world.client1 })).status).toBe(statuses.away);
      expect(upstream.requests).toHaveLength(1);
    });
  });
}
