import { TestDpopClient, type TestDpopHeaders } from 'nestjs-cert-bound-auth/testing';
import { expect, test } from 'vitest';
import { eventually } from '../support/eventually.js';
import { createWorld, startAuthorizationServer } from '../support/world.js';
import { type ApiProcess, type ApiSettings, startApiProcess } from './support/api-process.js';
import { inspect } from './support/redis-clients.js';
import { RedisServer } from './support/redis-server.js';

const PUBLIC_URL = 'https://api.example.com';

/**
 * Two instances of an API in two processes, with one Redis, and a client that has a token.
 * @param timeout of the commands to Redis, in milliseconds
 * @param revocations how what is revoked is kept in Redis, where it is
 */
async function setUp(timeout: number, revocations?: ApiSettings['revocations']) {
  const world = await createWorld();
  const [redis, as, client] = await Promise.all([
    RedisServer.start(),
    startAuthorizationServer(world),
    TestDpopClient.create(),
  ]);
  const settings = {
    redisPort: redis.port,
    timeout,
    publicUrl: PUBLIC_URL,
    auth: as.moduleOptions,
    ...(revocations === undefined ? {} : { revocations }),
  };
  const apis = await Promise.all([
    startApiProcess({ ...settings, platform: 'express', client: 'redis' }),
    startApiProcess({ ...settings, platform: 'fastify', client: 'ioredis' }),
  ]);
  const claims = { cnf: { jkt: client.thumbprint } };
  const token = await as.accessToken({ subject: 'alice', claims });
  const sign = async (): Promise<TestDpopHeaders> => client.headers({ url: `${PUBLIC_URL}/payments`, token });
  const startAnother = async (): Promise<ApiProcess> =>
    startApiProcess({ ...settings, platform: 'express', client: 'ioredis' });
  return { redis, apis, sign, startAnother };
}

async function send({ url }: ApiProcess, headers: TestDpopHeaders): Promise<Response> {
  return fetch(`${url}/payments`, { headers: { ...headers } });
}

const statusesOf = async (calls: readonly Promise<Response>[]): Promise<readonly number[]> =>
  (await Promise.all(calls)).map(({ status }) => status);

test('RFC9449-8: exactly one of 200 copies of a proof, sent to two processes at once, is accepted', async () => {
  const { apis, sign } = await setUp(10_000);
  expect(new Set([process.pid, ...apis.map(({ pid }) => pid)]).size).toBe(3);
  for (const api of apis) expect((await send(api, await sign())).status).toBe(200);

  const proof = await sign();
  const copies = Array.from({ length: 100 }, () => apis.map(async (api) => send(api, proof))).flat();
  const statuses = await statusesOf(copies);
  expect(statuses.filter((status) => status === 200)).toHaveLength(1);
  expect(statuses.filter((status) => status === 401)).toHaveLength(199);

  for (const api of apis) {
    const refused = await send(api, proof);
    expect(refused.headers.get('www-authenticate')).toMatch(/DPoP .*error="invalid_dpop_proof"/);
    expect((await send(api, await sign())).status).toBe(200);
  }
});

test('RFC9449-8: both processes answer 503 while Redis is down, and recover by themselves', async () => {
  const { redis, apis, sign } = await setUp(500);
  const accepts = async (api: ApiProcess): Promise<boolean> => (await send(api, await sign())).status === 200;
  for (const api of apis) await eventually(async () => accepts(api));

  await redis.stop();
  for (const api of apis) {
    const refused = await send(api, await sign());
    expect([refused.status, refused.headers.has('retry-after')]).toEqual([503, true]);
  }

  await redis.resume();
  for (const api of apis) await eventually(async () => accepts(api));
  const proof = await sign();
  await statusesOf(apis.map(async (api) => send(api, proof)));
  expect(await statusesOf(apis.map(async (api) => send(api, proof)))).toEqual([401, 401]);
});

test('a token that is revoked at one process is refused at the other on the next request, and by one that starts later', async () => {
  const { redis, apis, sign, startAnother } = await setUp(10_000, { create: true });
  const [one, other] = apis;
  for (const api of apis) expect((await send(api, await sign())).status).toBe(200);
  const proof = await sign();
  expect((await fetch(`${one.url}/revocations/alice`, { method: 'POST' })).status).toBe(201);
  expect(await inspect(redis).zcard('{cert-bound-auth:revocations}:log')).toBe(1);
  const refused = await send(other, proof);
  expect(refused.status).toBe(401);
  expect(refused.headers.get('www-authenticate')).toContain('error="invalid_token"');
  expect((await send(one, await sign())).status).toBe(401);
  expect((await send(await startAnother(), await sign())).status).toBe(401);
});

test('a process that is cut off from Redis accepts nothing any more within staleFor, and revokes nothing', async () => {
  const { redis, apis, sign } = await setUp(500, { create: true, staleFor: 2 });
  for (const api of apis) expect((await send(api, await sign())).status).toBe(200);
  await redis.stop();
  const stopped = performance.now();
  expect((await fetch(`${apis[0].url}/revocations/alice`, { method: 'POST' })).status).toBe(500);
  for (const api of apis) {
    await eventually(async () => (await send(api, await sign())).headers.has('retry-after'), 3_000);
  }
  expect(performance.now() - stopped).toBeLessThan(6_000);
  await redis.resume();
  for (const api of apis) await eventually(async () => (await send(api, await sign())).status === 200);
});
