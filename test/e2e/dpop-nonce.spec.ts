import { randomBytes } from 'node:crypto';
import { Controller, Get, Header } from '@nestjs/common';
import { MemoryReplayStore } from 'nestjs-cert-bound-auth';
import { TestDpopClient } from 'nestjs-cert-bound-auth/testing';
import type { Response } from 'supertest';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { PUBLIC_URL, sendDpop, startDpopApi } from '../support/dpop.js';
import { PLATFORMS } from '../support/platforms.js';
import { RecordingLogger } from '../support/recording-logger.js';
import { TokenController } from '../support/token-controller.js';
import { challengeOf, clientOf, createWorld } from '../support/world.js';

const world = await createWorld();
const client = await TestDpopClient.create();
afterEach(() => {
  vi.useRealTimers();
});

function nonceOf(response: Response): string {
  const lines = response.headers['dpop-nonce'] ?? '';
  expect(lines, 'exactly one DPoP-Nonce').toMatch(/^[\w-]{43}$/);
  expect(response.headers['cache-control']).toBe('no-store');
  return lines;
}

@Controller('cached')
class CachedController {
  @Get() @Header('Cache-Control', 'public, max-age=3600') get(): string {
    return 'got';
  }
}

const CONTROLLERS = [TokenController, CachedController];
const HALF = 150_000;

describe.each(PLATFORMS)('the nonces of DPoP on %s', (platform) => {
  test('RFC9449-6: a client is asked for a nonce by use_dpop_nonce, and may then use it for several proofs', async () => {
    const { as, app } = await startDpopApi(world, platform, CONTROLLERS, {
      dpop: { nonce: 'required', nonceSecret: randomBytes(32) },
    });
    const token = await as.accessToken({ dpop: client });
    const first = await sendDpop(app, world, client, token);
    expect(first.status).toBe(401);
    expect(challengeOf(first)).toMatch(
      /^DPoP error="use_dpop_nonce", error_description="The DPoP proof must hold the nonce of the DPoP-Nonce header", algs="[^"]*"$/,
    );
    const nonce = nonceOf(first);
    for (const _ of [1, 2]) {
      const response = await sendDpop(app, world, client, token, { nonce });
      expect(response.status).toBe(200);
      expect(response.headers).not.toHaveProperty('dpop-nonce');
    }
    const forged = await sendDpop(app, world, client, token, { nonce: `${nonce.slice(1)}x` });
    expect(challengeOf(forged)).toContain('error="use_dpop_nonce"');
    expect(nonceOf(forged)).toBe(nonce);
  });

  test('RFC9449-6: the next nonce comes with a success when the window has turned, and an old one is refused', async () => {
    const { as, app } = await startDpopApi(world, platform, CONTROLLERS, {
      dpop: { nonce: 'required', nonceSecret: 'x'.repeat(32) },
    });
    vi.useFakeTimers({ toFake: ['Date'], now: Math.ceil(Date.now() / HALF) * HALF });
    const token = await as.accessToken({ dpop: client, lifetime: 3600 });
    const nonce = nonceOf(await sendDpop(app, world, client, token));
    vi.setSystemTime(Date.now() + HALF);
    const turned = await sendDpop(app, world, client, token, { nonce });
    expect(turned.status).toBe(200);
    const next = nonceOf(turned);
    expect(next).not.toBe(nonce);
    // Whatever the handler says of it.
    expect(nonceOf(await sendDpop(app, world, client, token, { nonce, path: '/cached' }))).toBe(next);
    const cached = await sendDpop(app, world, client, token, { nonce: next, path: '/cached' });
    expect(cached.headers['cache-control']).toBe('public, max-age=3600');
    vi.setSystemTime(Date.now() + HALF);
    expect(nonceOf(await sendDpop(app, world, client, token, { nonce: next }))).not.toBe(next);
    const late = await sendDpop(app, world, client, token, { nonce });
    expect(challengeOf(late)).toContain('error="use_dpop_nonce"');
  });

  test('RFC9449-6: instances with the same secret know the nonces of each other, and others do not', async () => {
    const dpop = { nonce: 'required', nonceSecret: randomBytes(32) } as const;
    const one = await startDpopApi(world, platform, CONTROLLERS, { dpop });
    const two = await startDpopApi(world, platform, CONTROLLERS, { dpop });
    const logger = new RecordingLogger();
    const alone = await startDpopApi(world, platform, CONTROLLERS, { dpop: { nonce: 'required' }, logger });
    const nonce = nonceOf(await sendDpop(one.app, world, client, await one.as.accessToken({ dpop: client })));
    const send = async ({ app, as }: typeof one): Promise<number> =>
      (await sendDpop(app, world, client, await as.accessToken({ dpop: client }), { nonce })).status;
    expect(await send(two)).toBe(200);
    expect(await send(alone)).toBe(401);
    expect(logger.ours.map(({ level, text }) => `${level} ${text}`)).toContainEqual(
      expect.stringMatching(/^warn dpop\.nonceSecret is not set/),
    );
  });

  test('RFC9449-11: an app that gives no replay store is told that each instance would accept a proof once', async () => {
    const linesWith = async (dpop: object): Promise<readonly string[]> => {
      const logger = new RecordingLogger();
      await startDpopApi(world, platform, CONTROLLERS, { dpop, logger });
      return logger.ours.map(({ level, text }) => `${level} ${text}`);
    };
    const warning = expect.stringMatching(/^warn dpop\.replayStore is not set: each instance/) as string;
    expect(await linesWith({})).toContainEqual(warning);
    expect(await linesWith({ replayStore: new MemoryReplayStore() })).not.toContainEqual(warning);
  });

  test('RFC9449-1: iat is checked beside a required nonce, unless the nonce stands in for it', async () => {
    const issuedAt = Math.floor(Date.now() / 1000) - 86_400;
    const statusWith = async (
      nonce: 'required' | 'instead-of-iat',
    ): Promise<readonly (string | number)[]> => {
      const { as, app } = await startDpopApi(world, platform, CONTROLLERS, { dpop: { nonce } });
      const token = await as.accessToken({ dpop: client });
      const fresh = await sendDpop(app, world, client, token);
      const response = await sendDpop(app, world, client, token, { nonce: nonceOf(fresh), issuedAt });
      return [response.status, /error="(\w+)"/.exec(challengeOf(response) ?? '')?.[1] ?? ''];
    };
    expect(await statusWith('required')).toEqual([401, 'invalid_dpop_proof']);
    expect(await statusWith('instead-of-iat')).toEqual([200, '']);
  });

  test('RFC9449-8: a proof is remembered as long as its nonce where the nonce stands in for iat', async () => {
    const kept: number[] = [];
    const replayStore = { addIfAbsent: async (_: string, seconds: number) => kept.push(seconds) > 0 };
    const { as, app } = await startDpopApi(world, platform, CONTROLLERS, {
      dpop: { nonce: 'instead-of-iat', nonceLifetime: 600, clockSkew: 7, replayStore },
    });
    vi.useFakeTimers({ toFake: ['Date'], now: 5_000 * 300_000 + 100_000 });
    const token = await as.accessToken({ dpop: client, claims: { iat: 0 } });
    const nonce = nonceOf(await sendDpop(app, world, client, token));
    await sendDpop(app, world, client, token, { nonce, issuedAt: 0 });
    // The rest of its window, the one after it, and the clock skew.
    expect(kept).toEqual([200 + 300 + 7]);
    vi.setSystemTime(Date.now() - 150_000);
    await sendDpop(app, world, client, token, { nonce, issuedAt: 0 });
    expect(kept[1], 'by a clock for which its window has not begun').toBe(50 + 600 + 7);
  });

  test('RFC9449-6: a browser may read the nonce and the challenge where CORS is on', async () => {
    const { as, app } = await startDpopApi(world, platform, CONTROLLERS, {
      dpop: { nonce: 'required' },
      configure: (api) => api.enableCors({ origin: 'https://app.example', exposedHeaders: ['X-Total'] }),
    });
    const token = await as.accessToken({ dpop: client });
    const headers = await client.headers({ url: PUBLIC_URL, token });
    const response = await clientOf(app, world)
      .get('/')
      .set({ ...headers, Origin: 'https://app.example' });
    nonceOf(response);
    const exposed = String(response.headers['access-control-expose-headers']).split(/ *, */);
    expect(exposed.toSorted()).toEqual(['DPoP-Nonce', 'WWW-Authenticate', 'X-Total']);
  });

  test('no nonce is asked for where the option is off, and a nonce that comes is ignored', async () => {
    const { as, app } = await startDpopApi(world, platform, CONTROLLERS);
    const token = await as.accessToken({ dpop: client });
    const response = await sendDpop(app, world, client, token, { nonce: 'of the authorization server' });
    expect(response.status).toBe(200);
    expect(response.headers).not.toHaveProperty('dpop-nonce');
  });
});
