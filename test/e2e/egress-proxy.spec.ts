import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { startEgressProxy } from '../support/egress-proxy.js';
import { PLATFORMS } from '../support/platforms.js';
import { type Middleware, startRealAuthorizationServer } from '../support/real-authorization-server.js';
import { TokenController } from '../support/token-controller.js';
import { clientOf, createWorld, startApi } from '../support/world.js';

const world = await createWorld();

/** A name that only the proxy knows an address for. */
const HOST = 'as.bank.invalid';
const CLIENT = { token_endpoint_auth_method: 'tls_client_auth', tls_client_auth_subject_dn: 'CN=api' };

type Coding = readonly [name: string, compress: (text: string) => Buffer];

/** By the path that is asked for. */
const CODINGS: ReadonlyMap<string, Coding> = new Map<string, Coding>([
  ['/jwks', ['br', brotliCompressSync]],
  ['/token/introspection', ['deflate', deflateSync]],
]);
const GZIP: Coding = ['gzip', gzipSync];

/** Compresses what the provider answers to us, where we say that we read it. @param seen gets the codings */
const compressing =
  (seen: Set<string>): Middleware =>
  async (context, next) => {
    await next();
    const [coding, compress] = CODINGS.get(context.path) ?? GZIP;
    if (!context.get('accept-encoding').includes(coding)) return;
    const { body } = context;
    context.body = compress(typeof body === 'string' ? body : JSON.stringify(body));
    context.set('content-encoding', coding);
    seen.add(coding);
  };

describe.each(PLATFORMS)('the real oidc-provider beyond a proxy, on %s', (platform) => {
  test.each(['json', 'jwt'] as const)(
    'RFC8705-2.1: the real oidc-provider knows us by our certificate through a tunnel, and its compressed %s answers are read',
    async (responseFormat) => {
      const codings = new Set<string>();
      const as = await startRealAuthorizationServer(world, CLIENT, { host: HOST, use: compressing(codings) });
      const proxy = await startEgressProxy(as.port);
      const { key, cert } = await world.ca.issueClientCertificate('api');
      const server = {
        issuer: as.issuer,
        tls: { ca: world.ca.cert, key, cert },
        http: { proxy: proxy.url },
        introspection: {
          clientAuthentication: { method: 'tls_client_auth', clientId: 'api' },
          responseFormat,
        },
      } as const;
      const app = await startApi(world, platform, [server], [TokenController]);
      const status = async (token: string): Promise<number> =>
        (await clientOf(app, world, world.client1, token).get('/')).status;
      expect(await status(await as.opaqueToken(world.client1))).toBe(200);
      expect(await status(await as.opaqueToken(world.client2))).toBe(401);
      expect(await status('unknown')).toBe(401);
      expect(new Set(proxy.tunnels.map(({ to }) => to))).toEqual(new Set([`${HOST}:443`]));
      expect([...codings].toSorted()).toEqual(
        responseFormat === 'jwt' ? ['br', 'deflate', 'gzip'] : ['deflate', 'gzip'],
      );
    },
  );
});
