import {
  type TestAuthorizationServer,
  type TestCertificate,
  TestDpopClient,
} from 'nestjs-cert-bound-auth/testing';
import { beforeAll, describe, expect, test } from 'vitest';
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
import { startProxy } from './start-proxy.js';

/** What differs between proxies. */
export interface ForwardAuthCase {
  readonly kind: 'nginx' | 'caddy';
  /** Its configuration in docs/proxies. */
  readonly file: string;
  /** What serve-config.yaml says otherwise. */
  readonly config: Readonly<Record<string, string>>;
  /** What becomes of a request that is malformed, of an outage, and of an authorization backend that is away. */
  readonly statuses: { readonly malformed: number; readonly outage: number; readonly away: number };
}

/** All that a request goes through. */
export interface Stage {
  readonly as: TestAuthorizationServer;
  readonly auth: AuthServer;
  readonly upstream: Upstream;
  readonly call: (call?: ClientCall & { readonly token?: string }) => Promise<ClientAnswer>;
}

/** Starts an authorization server, `serve`, an API and the proxy between them; all end with the test. */
export async function startStage(
  world: World,
  { kind, file, config }: ForwardAuthCase,
  replace: Readonly<Record<string, string>> = {},
): Promise<Stage> {
  const as = await startAuthorizationServer(world);
  const [auth, upstream] = [await serveDocument(world, as, { ...config, ...replace }), await startUpstream()];
  const { key, cert } = await world.ca.issueServerCertificate({ hosts: ['api.example.com'] });
  const proxy = await startProxy(kind, {
    file,
    files: {
      '/etc/ssl/api/server.key': key,
      '/etc/ssl/api/server.crt': cert,
      '/etc/ssl/api/client-ca.crt': world.ca.cert,
    },
    replace: { '127.0.0.1:4180': `127.0.0.1:${auth.port}`, '127.0.0.1:8080': `127.0.0.1:${upstream.port}` },
  });
  whenOver(async () => proxy.stop());
  return {
    as,
    auth,
    upstream,
    call: async ({ token, headers = {}, ...call } = {}) =>
      callThrough(proxy.port, world, {
        ...call,
        headers: { ...(token === undefined ? {} : { authorization: `Bearer ${token}` }), ...headers },
      }),
  };
}

const SCOPE = 'payments:read';
/** What a client could send to be taken for somebody else. */
const SPOOFED = Object.fromEntries(Object.values(CREDENTIAL_HEADERS).map((name) => [name, 'spoofed']));

/** Everything that holds behind every proxy. */
export function describeForwardAuth(behind: ForwardAuthCase): void {
  const { kind, statuses } = behind;
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

  describe(`an API behind ${kind}, as docs/proxies sets it up`, () => {
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
      });
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

    test('RFC6750-1: a missing scope is 403, with the challenge', async () => {
      const { as, upstream, call } = await startStage(world, behind);
      const token = await boundToken(as, world.client1, 'payments:write');
      const { status, headers } = await call({ token, certificate: world.client1 });
      expect(status).toBe(403);
      expect(headers['www-authenticate']).toMatch(
        /^Bearer error="insufficient_scope".*scope="payments:read"$/,
      );
      expect(upstream.requests).toEqual([]);
    });

    test('RFC6750-2: a request without a token is 401 without an error code', async () => {
      const { upstream, call } = await startStage(world, behind);
      const { status, headers } = await call({ certificate: world.client1 });
      expect([status, headers['www-authenticate']]).toEqual([
        401,
        expect.stringMatching(/^Bearer, DPoP algs="/),
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
      const { as, upstream, call } = await startStage(world, behind);
      const claims = { sub: undefined, client_id: undefined, jti: undefined };
      const token = as.opaqueToken({ certificate: world.client1, scope: SCOPE, claims });
      expect((await call({ token, certificate: world.client1, headers: SPOOFED })).status).toBe(200);
      const headers = upstream.requests[0]?.headers ?? {};
      expect(JSON.stringify(headers)).not.toContain('spoofed');
      for (const name of ['sub', 'client-id', 'jti', 'nbf'])
        expect(headers[`x-credential-${name}`] ?? '').toBe('');
    });

    test('invariant 2: the certificate of somebody else in the proxy’s own header proves nothing', async () => {
      const { as, upstream, call } = await startStage(world, behind);
      const token = await boundToken(as, world.client1);
      const certificates = [encodeURIComponent(world.client1.cert), world.client1.der.toString('base64')];
      for (const spoofed of certificates) {
        for (const certificate of [world.client2, undefined]) {
          const headers = { 'X-SSL-Client-Cert': spoofed, 'X-SSL-Client-Verify': 'SUCCESS' };
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
        const url = 'https://api.example.com/';
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
