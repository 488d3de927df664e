import { randomBytes } from 'node:crypto';
import { Controller, Get, type INestApplication } from '@nestjs/common';
import { CertBoundAuthModule, type CertBoundAuthOptions, mutualTls } from 'nestjs-cert-bound-auth';
import { TestAuthorizationServer } from 'nestjs-cert-bound-auth/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PLATFORMS, type Platform, startApp } from '../support/platforms.js';
import { AUDIENCE, createFuzzKit } from './fuzz-kit.js';
import { type Answer, FuzzClient } from './http-client.js';
import { signedToken } from './plan/signed-token.js';

const kit = await createFuzzKit();
/** Tokens that the liars of one test send at most, and for how long: in four seconds on a machine that is busy. */
const FLOOD = 1_500;
const FLOOD_MS = 4_000;
/** Connections that the liars hold open. */
const LIARS = 4;
/** Answers that the introspection cache holds. */
const CACHED = 100;
const COOL_DOWN_SECONDS = 2;
/** The one that was under way may have begun before a key was published: then there is another. */
const FETCHES_IN_A_COOL_DOWN = 2;
/** An answer takes some milliseconds; on a machine that is busy with something else, much longer. */
const LONGEST_MS = 3_000;

@Controller()
class HonestController {
  @Get() get(): string {
    return 'yes';
  }
}

const closing: (() => Promise<unknown> | void)[] = [];
afterAll(async () => {
  for (const close of closing.toReversed()) await close();
});

/** An API, its authorization server, and an honest client with a connection of its own. */
interface World {
  readonly as: TestAuthorizationServer;
  readonly port: number;
  readonly honest: FuzzClient;
  readonly liars: readonly FuzzClient[];
}

async function startWorld(platform: Platform): Promise<World> {
  const as = await TestAuthorizationServer.start({ ca: kit.ca });
  closing.push(async () => as.stop());
  const app = await startApi(platform, as);
  const { port } = (app.getHttpServer() as { address: () => { readonly port: number } }).address();
  const { client1, client2 } = kit.certificates;
  const clientOf = (certificate: typeof client1): FuzzClient => {
    const client = new FuzzClient({ port, ca: kit.ca.cert, certificate });
    closing.push(() => client.close());
    return client;
  };
  return {
    as,
    port,
    honest: clientOf(client1),
    liars: Array.from({ length: LIARS }, () => clientOf(client2)),
  };
}

async function startApi(platform: Platform, as: TestAuthorizationServer): Promise<INestApplication> {
  const options: CertBoundAuthOptions = {
    audience: AUDIENCE,
    authorizationServers: [
      {
        issuer: as.issuer,
        tls: { ca: kit.ca.cert },
        introspection: {
          clientAuthentication: {
            method: 'client_secret_basic',
            clientId: 'api',
            clientSecret: 'api-secret',
          },
          cache: { maxEntries: CACHED, ttl: 300, negativeTtl: 300 },
        },
      },
    ],
  };
  const { key, cert } = kit.server;
  class App {}
  const module = {
    module: App,
    imports: [CertBoundAuthModule.forRoot(options)],
    controllers: [HonestController],
  };
  const app = await startApp(
    platform,
    module,
    mutualTls({ key, cert, ca: kit.ca.cert, clientAuth: 'request' }),
  );
  closing.push(async () => app.close());
  return app;
}

async function get(client: FuzzClient, token: string): Promise<Answer> {
  return client.send(`GET / HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${token}\r\n\r\n`);
}

/** What liars and the honest client have met. */
interface Flooded {
  /** Statuses that the liars were given, and how often. */
  readonly lies: ReadonlyMap<number, number>;
  readonly sent: number;
  readonly honest: readonly Answer[];
  readonly slowest: number;
  readonly seconds: number;
}

/** The liars send one token after the other, as fast as they are answered; the honest client sends its own all the while. */
async function flood(
  { liars, honest }: World,
  lie: (index: number) => string,
  truth: string,
): Promise<Flooded> {
  const lies = new Map<number, number>();
  const answers: Answer[] = [];
  let [sent, slowest] = [0, 0];
  const start = performance.now();
  const goesOn = (): boolean => sent < FLOOD && performance.now() - start < FLOOD_MS;
  const lying = liars.map(async (liar) => {
    while (goesOn()) {
      const { status } = await get(liar, lie((sent += 1)));
      lies.set(status, (lies.get(status) ?? 0) + 1);
    }
  });
  while (goesOn()) {
    const before = performance.now();
    answers.push(await get(honest, truth));
    slowest = Math.max(slowest, performance.now() - before);
  }
  await Promise.all(lying);
  expect(sent).toBeGreaterThan(20);
  return { lies, sent, honest: answers, slowest, seconds: (performance.now() - start) / 1000 };
}

/** The honest client was served, all the time, in a time that a person does not notice. */
function expectService({ honest, slowest }: Flooded): void {
  expect(honest.length).toBeGreaterThan(5);
  expect(new Set(honest.map(({ status }) => status))).toEqual(new Set([200]));
  expect(slowest).toBeLessThan(LONGEST_MS);
}

function callsOf(as: TestAuthorizationServer, endpoint: 'metadata' | 'jwks' | 'introspection'): number {
  return as.requests.filter((request) => request.endpoint === endpoint).length;
}

/** Fetches of the keys that so long a flood may lead to. */
function mostFetches({ seconds }: Flooded): number {
  return FETCHES_IN_A_COOL_DOWN * (Math.floor(seconds / COOL_DOWN_SECONDS) + 1);
}

/** Megabytes that are in use after a flood; a leak of whole requests would be several hundred. */
function heapMegabytes(): number {
  return process.memoryUsage().heapUsed / 2 ** 20;
}

describe.each(PLATFORMS)('INV5: lying clients on %s', { timeout: 60_000 }, (platform) => {
  let world: World;
  let truth: string;
  beforeAll(async () => {
    world = await startWorld(platform);
    truth = await world.as.accessToken({ certificate: kit.certificates.client1 });
    expect(await get(world.honest, truth)).toMatchObject({ status: 200 });
  });

  test('a flood of tokens with unknown keys causes at most two fetches of the keys in each cool-down', async () => {
    const before = callsOf(world.as, 'jwks');
    const flooded = await flood(world, (index) => lieBy(world.as, { kid: `unknown-${index}` }), truth);
    expectService(flooded);
    expect(flooded.lies).toEqual(new Map([[401, flooded.lies.get(401)]]));
    expect(callsOf(world.as, 'jwks') - before).toBeGreaterThanOrEqual(1);
    expect(callsOf(world.as, 'jwks') - before).toBeLessThanOrEqual(mostFetches(flooded));
  });

  test('a flood of tokens with a wrong signature asks the authorization server nothing', async () => {
    const before = world.as.requests.length;
    const kid = String(world.as.signingKey.jwk.kid);
    const flooded = await flood(world, () => lieBy(world.as, { kid }), truth);
    expectService(flooded);
    expect(flooded.lies).toEqual(new Map([[401, flooded.lies.get(401)]]));
    expect(world.as.requests.length).toBe(before);
  });

  test('a flood of tokens without a kid and with a wrong signature causes at most two fetches in each cool-down', async () => {
    const before = callsOf(world.as, 'jwks');
    const flooded = await flood(world, () => lieBy(world.as, {}), truth);
    expectService(flooded);
    expect(callsOf(world.as, 'jwks') - before).toBeLessThanOrEqual(mostFetches(flooded));
  });

  test('a flood of opaque tokens keeps the cache within its bound, and everyone else is served', async () => {
    const opaque = world.as.opaqueToken({ certificate: kit.certificates.client1 });
    const heap = heapMegabytes();
    const before = callsOf(world.as, 'introspection');
    const flooded = await flood(world, () => randomBytes(24).toString('base64url'), opaque);
    expectService(flooded);
    expect(flooded.lies).toEqual(new Map([[401, flooded.lies.get(401)]]));
    expect(callsOf(world.as, 'introspection') - before).toBeGreaterThanOrEqual(flooded.sent);
    expect(heapMegabytes() - heap).toBeLessThan(200);
  });

  test('a flood of opaque tokens beyond the cache has the first one introspected again, and not the last one', async () => {
    const tokens = Array.from({ length: CACHED + 1 }, () => randomBytes(24).toString('base64url'));
    const [liar] = world.liars;
    if (liar === undefined) throw new Error('nobody lies');
    for (const token of tokens) await get(liar, token);
    const before = callsOf(world.as, 'introspection');
    await get(liar, tokens.at(-1) ?? '');
    expect(callsOf(world.as, 'introspection') - before).toBe(0);
    await get(liar, tokens[0] ?? '');
    expect(callsOf(world.as, 'introspection') - before).toBe(1);
  });

  test.each([
    ['a token of 20 KB', `Authorization: Bearer ${'a'.repeat(20_000)}\r\n`],
    ['a proof of 20 KB', `DPoP: ${'a'.repeat(20_000)}\r\n`],
    ['five thousand headers', 'abc: de\r\n'.repeat(5_000)],
    ['a header without an end', `X: ${'b'.repeat(100_000)}`],
  ])(
    'a request with %s, above the limit of Node, is 431, and everyone else is served',
    async (_, headers) => {
      const answer = await sendAndLeave(world, headers);
      expect(answer).toMatch(/^HTTP\/1.1 431 /);
      expect(await get(world.honest, truth)).toMatchObject({ status: 200 });
    },
  );

  test.each([
    ['a token of 15 KB', `Authorization: Bearer ${'a'.repeat(15_000)}`],
    ['a token with seven thousand dots', `Authorization: Bearer ${'a.'.repeat(7_000)}a`],
    ['a header of 15 KB that is nested', `Authorization: Bearer ${deeplyNestedToken()}`],
    ['spaces of 15 KB', `Authorization: Bearer${' '.repeat(15_000)}a`],
    ['two thousand headers', `${'a: b\r\n'.repeat(2_000)}Authorization: Bearer a`],
  ])('a request with %s, just below the limit of Node, is refused at once', async (_, headers) => {
    const start = performance.now();
    const [liar] = world.liars;
    const answer = await liar?.send(`GET / HTTP/1.1\r\nHost: localhost\r\n${headers}\r\n\r\n`);
    expect([400, 401]).toContain(answer?.status);
    expect(performance.now() - start).toBeLessThan(LONGEST_MS);
    expect(await get(world.honest, truth)).toMatchObject({ status: 200 });
  });
});

/** A token that says that it is from the server, and is not. */
function lieBy(as: TestAuthorizationServer, header: { readonly kid?: string }): string {
  const now = Math.floor(Date.now() / 1000);
  const claims = {
    iss: as.issuer,
    aud: AUDIENCE,
    sub: 'u',
    client_id: 'c',
    iat: now,
    exp: now + 60,
    jti: String(Math.random()),
  };
  return signedToken(kit.foreignKey, claims, { kid: undefined, ...header });
}

function deeplyNestedToken(): string {
  const header = Buffer.from(`{"alg":"ES256","typ":"at+jwt","x":${'['.repeat(2_000)}${']'.repeat(2_000)}}`);
  const claims = Buffer.from(`{"iss":${'['.repeat(2_000)}${']'.repeat(2_000)}}`);
  return `${header.toString('base64url')}.${claims.toString('base64url')}.AAAA`;
}

/** Sends headers on a TLS connection of its own, and reads what comes until the server ends it. */
async function sendAndLeave({ port }: World, headers: string): Promise<string> {
  const client = new FuzzClient({ port, ca: kit.ca.cert });
  const text = await client.sendUntilEnd(`GET / HTTP/1.1\r\nHost: localhost\r\n${headers}\r\n\r\n`);
  client.close();
  return text;
}
