import { Controller, Get } from '@nestjs/common';
import type { AuthorizationServerOptions, CertBoundAuthOptions } from 'nestjs-cert-bound-auth';
import { beforeAll, describe, expect, test } from 'vitest';
import { eventually } from '../support/eventually.js';
import { startIntrospectionEndpoint } from '../support/introspection-endpoint.js';
import { type Platform, PLATFORMS } from '../support/platforms.js';
import { RecordingLogger } from '../support/recording-logger.js';
import {
  AUDIENCE,
  clientOf,
  createWorld,
  startApi,
  startAuthorizationServer,
  type World,
} from '../support/world.js';

@Controller()
class Routes {
  @Get() get(): string {
    return 'ok';
  }
}

let world: World;
beforeAll(async () => {
  world = await createWorld();
});

const ISSUER = 'https://as.example.com';
const SECRET = { method: 'client_secret_basic', clientId: 'api', clientSecret: 'api-secret' } as const;

/** An introspection endpoint that answers well, but for tokens that begin with `odd`. */
async function startEndpoint(status: number): Promise<{ readonly url: string; readonly asked: string[] }> {
  const asked: string[] = [];
  const url = await startIntrospectionEndpoint(world, (token, response) => {
    asked.push(token);
    // Something before the endpoint may compress as it likes: the status counts.
    if (token.startsWith('odd-coded')) response.setHeader('content-encoding', 'zstd');
    if (token.startsWith('odd')) response.writeHead(status).end('<html>odd</html>');
    else response.end(JSON.stringify(token.startsWith('good') ? answer() : { active: false }));
  });
  return { url, asked };
}

const answer = (): object => ({
  active: true,
  aud: AUDIENCE,
  exp: Math.floor(Date.now() / 1000) + 300,
  cnf: { 'x5t#S256': world.client1.thumbprint },
});

interface Api {
  readonly asked: readonly string[];
  readonly log: RecordingLogger;
  /** Calls with a client certificate, or without one. */
  readonly call: (token: string, certificate?: 'none') => Promise<number>;
}

async function start(
  platform: Platform,
  status: number,
  server: Partial<AuthorizationServerOptions> = {},
  options: Partial<CertBoundAuthOptions> = {},
): Promise<Api> {
  const endpoint = await startEndpoint(status);
  const log = new RecordingLogger();
  const app = await startApi(world, platform, { issuer: ISSUER }, [Routes], {
    options: {
      authorizationServers: [
        {
          issuer: ISSUER,
          jwt: false,
          tls: { ca: world.ca.cert },
          introspection: { clientAuthentication: SECRET, endpoint: endpoint.url },
          ...server,
        },
      ],
      ...options,
    },
    logger: log,
  });
  return {
    asked: endpoint.asked,
    log,
    call: async (token, certificate) =>
      (await clientOf(app, world, certificate === 'none' ? undefined : world.client1, token).get('/')).status,
  };
}

describe.each(PLATFORMS)('invariant 14: odd tokens on %s', (platform) => {
  test.each([
    [413, 401],
    [414, 401],
    [422, 401],
    [404, 503],
    [302, 503],
    [500, 503],
    [429, 503],
  ])(
    'that the endpoint answers with %i get %i, and honest callers are served all the while',
    async (status, told) => {
      const { call, asked } = await start(platform, status);
      for (let round = 0; round < 4; round++) {
        const kind = round % 2 === 0 ? 'odd' : 'odd-coded';
        for (let i = 0; i < 6; i++) expect(await call(`${kind}-${round}-${i}`)).toBe(told);
        expect(await call(`good-${round}`)).toBe(200);
      }
      const probes = asked.filter((token) => !/^(?:odd|good)-/.test(token));
      expect(probes.length, 'one probe for five outages in a row').toBeLessThanOrEqual(4);
      expect(probes.length > 0).toBe(status === 500 || status === 429);
    },
  );
});

describe.each(PLATFORMS)('invariant 14: a request without a certificate on %s', (platform) => {
  test('a request without a certificate is refused before anybody is asked, where a certificate alone could bind its token', async () => {
    const { call, asked, log } = await start(platform, 500);
    for (const token of ['odd-1', 'good-1', 'eyJhbGciOiJub25lIn0.e30.'])
      expect(await call(token, 'none')).toBe(401);
    expect(asked).toEqual([]);
    expect(log.ours.filter(({ text: line }) => line.includes('reason=certificate_missing'))).toHaveLength(2);
    expect(await call('good-1')).toBe(200);
  });

  test('a request without a certificate is asked about where its token need not be bound', async () => {
    const { call, asked } = await start(platform, 500, { binding: 'if-bound' });
    expect(await call('good-1', 'none')).toBe(401);
    expect(asked).toEqual(['good-1']);
  });

  test('a request without a certificate is asked about where a proof may bind its token', async () => {
    const { call, asked } = await start(platform, 500, {}, { dpop: { publicUrl: AUDIENCE } });
    expect(await call('good-1', 'none')).toBe(401);
    expect(asked).toEqual(['good-1']);
  });

  test('a request without a certificate is refused before keys are fetched; by keys that are known, its token is verified', async () => {
    const as = await startAuthorizationServer(world);
    const log = new RecordingLogger();
    const app = await startApi(world, platform, as, [Routes], { logger: log });
    const call = async (token: string, certificate = world.client1): Promise<number> =>
      (await clientOf(app, world, certificate, token).get('/')).status;
    const without = async (token: string): Promise<number> =>
      (await clientOf(app, world, undefined, token).get('/')).status;
    const own = await as.accessToken({ certificate: world.client1 });
    const unknown = await as.accessToken({ certificate: world.client1, header: { kid: 'unknown' } });

    expect(await without(own)).toBe(401);
    expect(as.requests).toEqual([]);
    expect(await call(own)).toBe(200);
    const fetched = as.requests.length;
    expect(await without(own)).toBe(401);
    expect(await without(await as.accessToken({ certificate: world.client1 }))).toBe(401);
    expect(await without(unknown)).toBe(401);
    expect(as.requests).toHaveLength(fetched);
    await eventually(
      () => log.ours.filter(({ text: line }) => line.includes('certificate_missing')).length === 4,
    );
  });
});
