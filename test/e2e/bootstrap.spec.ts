import { Agent, request as httpsRequest } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { INestApplication } from '@nestjs/common';
import { AuthorizationServers, type CertBoundAuthOptions } from 'nestjs-cert-bound-auth';
import type { TestAuthorizationServer } from 'nestjs-cert-bound-auth/testing';
import { describe, expect, test } from 'vitest';
import { type Platform, PLATFORMS } from '../support/platforms.js';
import { RecordingLogger } from '../support/recording-logger.js';
import { TokenController } from '../support/token-controller.js';
import {
  API_CLIENT,
  type ApiClient,
  clientOf,
  createWorld,
  startApi,
  type StartApiOptions,
  startAuthorizationServer,
  whenOver,
} from '../support/world.js';

const world = await createWorld();

const INTROSPECTION = {
  clientAuthentication: API_CLIENT,
} as const;

const start = async (
  platform: Platform,
  as: TestAuthorizationServer,
  options: Partial<CertBoundAuthOptions>,
  more: StartApiOptions = {},
): Promise<INestApplication> => startApi(world, platform, as, [TokenController], { ...more, options });

const mint = async (as: TestAuthorizationServer): Promise<string> =>
  as.accessToken({ certificate: world.client1 });

const call = async (app: INestApplication, token: string): Promise<ReturnType<ApiClient['get']>> =>
  clientOf(app, world, world.client1, token).get('/');

/** How often metadata and keys were fetched. */
const fetches = (as: TestAuthorizationServer): readonly number[] => [as.count('metadata'), as.count('jwks')];

describe.each(PLATFORMS)("an app with bootstrap: 'eager' on %s", (platform) => {
  test('metadata and keys are there before the app listens, and the first request fetches nothing', async () => {
    const as = await startAuthorizationServer(world);
    const seen: unknown[] = [];
    let app: INestApplication | undefined;
    const listener = {
      onApplicationBootstrap: (): void => {
        const server = app?.getHttpServer() as { readonly listening: boolean } | undefined;
        seen.push({ fetches: fetches(as), listening: server?.listening });
      },
    };
    app = await start(
      platform,
      as,
      { bootstrap: 'eager' },
      {
        providers: [{ provide: 'listener', useValue: listener }],
        configure: (created) => {
          app = created;
        },
      },
    );
    expect(seen).toEqual([{ fetches: [1, 1], listening: false }]);
    expect(await call(app, await mint(as))).toMatchObject({ status: 200 });
    expect(fetches(as)).toEqual([1, 1]);
  });

  test('the app fetches only what it will need', async () => {
    const as = await startAuthorizationServer(world);
    const tls = { ca: world.ca.cert };
    const of = (server: object): CertBoundAuthOptions['authorizationServers'] => [
      { issuer: as.issuer, tls, ...server },
    ];
    const cases: readonly (readonly [object, readonly number[]])[] = [
      [{ jwt: { jwksUri: as.jwksUri } }, [0, 1]],
      [{ jwt: { jwks: { keys: [as.signingKey.jwk] } } }, [0, 0]],
      [{ jwt: false, introspection: INTROSPECTION }, [1, 0]],
      [{ jwt: false, introspection: { ...INTROSPECTION, endpoint: as.introspectionEndpoint } }, [0, 0]],
      [{ introspection: INTROSPECTION }, [1, 1]],
    ];
    for (const [server, expected] of cases) {
      as.requests.splice(0);
      await start(platform, as, { bootstrap: 'eager', authorizationServers: of(server) });
      expect([Object.keys(server), fetches(as)]).toEqual([Object.keys(server), expected]);
    }
    expect(as.count('introspection')).toBe(0);
  });

  test('INV3: the app starts while the authorization server is down, says so, answers 503, and recovers', async () => {
    const as = await startAuthorizationServer(world);
    const token = await mint(as);
    await as.stop();
    const logger = new RecordingLogger();
    const app = await start(platform, as, { bootstrap: 'eager' }, { logger });
    expect(logger.ours).toContainEqual({
      level: 'error',
      context: 'CertBoundAuth',
      text: expect.stringMatching(
        `^${as.issuer} could not be asked at the start; requests try again: .*ECONNREFUSED`,
      ) as string,
    });
    expect(await call(app, token)).toMatchObject({ status: 503 });
    await as.resume();
    await expect.poll(async () => (await call(app, token)).status).toBe(200);
  });

  test('INV3: a server that hangs keeps neither the app from starting nor the other servers from being ready', async () => {
    const [hanging, healthy] = [await startAuthorizationServer(world), await startAuthorizationServer(world)];
    hanging.behave('metadata', 'hang');
    const tls = { ca: world.ca.cert };
    const app = await start(platform, hanging, {
      bootstrap: 'eager',
      authorizationServers: [
        { issuer: hanging.issuer, tls, http: { timeout: 300 } },
        { issuer: healthy.issuer, tls },
      ],
    });
    expect(fetches(healthy)).toEqual([1, 1]);
    expect(await call(app, await mint(healthy))).toMatchObject({ status: 200 });
    expect(await call(app, await mint(hanging))).toMatchObject({ status: 503 });
    hanging.behave('metadata', 'normal');
    await expect.poll(async () => (await call(app, await mint(hanging))).status).toBe(200);
  });
});

describe.each(PLATFORMS)("an app with bootstrap: 'lazy' on %s", (platform) => {
  test.each([{}, { bootstrap: 'lazy' }] as const)(
    'the app fetches nothing until a request needs it: %j',
    async (options) => {
      const as = await startAuthorizationServer(world);
      const app = await start(platform, as, options);
      expect(as.requests).toEqual([]);
      expect(await call(app, await mint(as))).toMatchObject({ status: 200 });
      expect(fetches(as)).toEqual([1, 1]);
    },
  );
});

describe.each(PLATFORMS)('what refreshKeys() does on %s', (platform) => {
  test('refreshKeys() fetches the keys of one issuer, or of all', async () => {
    const [one, two] = [await startAuthorizationServer(world), await startAuthorizationServer(world)];
    const tls = { ca: world.ca.cert };
    const authorizationServers = [one, two].map(({ issuer }) => ({ issuer, tls }));
    const servers = (await start(platform, one, { authorizationServers })).get(AuthorizationServers);
    await servers.refreshKeys(two.issuer);
    expect([fetches(one), fetches(two)]).toEqual([
      [0, 0],
      [1, 1],
    ]);
    await servers.refreshKeys();
    expect([fetches(one), fetches(two)]).toEqual([
      [1, 1],
      [2, 2],
    ]);
  });

  test.each(['https://unknown.example.com', ''])(
    'refreshKeys() for an unknown issuer throws, and fetches nothing: %j',
    async (issuer) => {
      const as = await startAuthorizationServer(world);
      const servers = (await start(platform, as, {})).get(AuthorizationServers);
      await expect(servers.refreshKeys(issuer)).rejects.toThrow(
        `no authorization server with the issuer ${issuer} is configured`,
      );
      expect(as.requests).toEqual([]);
    },
  );

  test('refreshKeys() throws when it fails, and leaves what is known as it is', async () => {
    const as = await startAuthorizationServer(world);
    const app = await start(platform, as, {});
    const token = await mint(as);
    expect(await call(app, token)).toMatchObject({ status: 200 });
    as.behave('jwks', { status: 500 });
    await expect(app.get(AuthorizationServers).refreshKeys()).rejects.toThrow('status 500');
    expect(await call(app, token)).toMatchObject({ status: 200 });
    expect(await call(app, await mint(as))).toMatchObject({ status: 200 });
  });
});

const REQUESTS = 2_000;
const ROTATIONS = 5;
const CONNECTIONS = 8;

describe.each(PLATFORMS)('keys that rotate under load on %s', (platform) => {
  test('no request is refused while keys rotate, and each new key costs one fetch', async () => {
    const as = await startAuthorizationServer(world);
    const app = await start(platform, as, {});
    const load = new Load(app);
    const tokens = [await mint(as)];
    const refused: number[] = [];
    let sent = 0;
    let rotations = 0;

    /** As an authorization server does: the new key is published before the first token that it signs. */
    const rotate = async (): Promise<void> => {
      await as.rotateKeys();
      tokens.push(await mint(as));
    };
    const worker = async (): Promise<void> => {
      while (sent < REQUESTS) {
        sent += 1;
        if (sent > (REQUESTS / (ROTATIONS + 1)) * (rotations + 1) && rotations < ROTATIONS) {
          rotations += 1;
          await rotate();
        }
        // Old tokens and the newest in turn; every tenth was never seen before.
        const token = sent % 10 === 0 ? await mint(as) : (tokens[sent % tokens.length] ?? '');
        const status = await load.get(token);
        if (status !== 200) refused.push(status);
      }
    };
    await Promise.all(Array.from({ length: CONNECTIONS }, worker));

    expect(refused).toEqual([]);
    expect([sent >= REQUESTS, rotations, tokens.length]).toEqual([true, ROTATIONS, ROTATIONS + 1]);
    expect(as.count('metadata')).toBe(1);
    expect(as.count('jwks')).toBe(1 + ROTATIONS);
    expect(load.connections).toBeLessThanOrEqual(CONNECTIONS);
  }, 120_000);
});

/** Sends requests over connections that are kept, with client1's certificate. */
class Load {
  private readonly agent: Agent;
  private readonly port: number;
  private readonly sockets = new Set<unknown>();

  constructor(app: INestApplication) {
    const { key, cert } = world.client1;
    this.agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS, ca: world.ca.cert, key, cert });
    this.port = (app.getHttpServer() as { address(): AddressInfo }).address().port;
    whenOver(async () => this.agent.destroy());
  }

  /** How many there have been. */
  get connections(): number {
    return this.sockets.size;
  }

  async get(token: string): Promise<number> {
    const { agent, port } = this;
    const headers = { authorization: `Bearer ${token}` };
    return new Promise((resolve, reject) => {
      const outgoing = httpsRequest(
        { agent, port, host: '127.0.0.1', servername: 'localhost', headers },
        (response) => {
          response.resume().once('end', () => resolve(response.statusCode ?? 0));
        },
      );
      outgoing.once('socket', (socket) => this.sockets.add(socket));
      outgoing.once('error', reject);
      outgoing.end();
    });
  }
}
