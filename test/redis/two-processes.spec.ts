import { TestDpopClient, type TestDpopHeaders } from 'nestjs-cert-bound-auth/testing';
import { expect, test } from 'vitest';
import { eventually } from '../support/eventually.js';
import { createWorld, startAuthorizationServer } from '../support/world.js';
import { type ApiProcess, startApiProcess } from './support/api-process.js';
import { RedisServer } from './support/redis-server.js';

const PUBLIC_URL = 'https://api.example.com';

/**
 * Two instances of an API in two processes, with one Redis, and a client that has a token.
 * @param timeout of the commands to Redis, in milliseconds
 */
async function setUp(timeout: number) {
  const world = await createWorld();
  const [redis, as, client] = await Promise.all([
    RedisServer.start(),
    startAuthorizationServer(world),
    TestDpopClient.create(),
  ]);
  const settings = { redisPort: redis.port, timeout, publicUrl: PUBLIC_URL, auth: as.moduleOptions };
  const apis = await Promise.all([
    startApiProcess({ ...settings, platform: 'express', client: 'redis' }),
    startApiProcess({ ...settings, platform: 'fastify', client: 'ioredis' }),
  ]);
  const token = await as.accessToken({ claims: { cnf: { jkt: client.thumbprint } } });
  const sign = async (): Promise<TestDpopHeaders> => client.headers({ url: `${PUBLIC_URL}/payments`, token });
  return { redis, apis, sign };
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
