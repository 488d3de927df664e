import type { ReplayStore } from 'nestjs-cert-bound-auth';
import { TestDpopClient } from 'nestjs-cert-bound-auth/testing';
import { expect, test } from 'vitest';
import { sendDpop, startDpopApi } from '../support/dpop.js';
import { PLATFORMS } from '../support/platforms.js';
import { TokenController } from '../support/token-controller.js';
import { createWorld } from '../support/world.js';

test.each(PLATFORMS)(
  'INV3: a replay store that never answers is 503 after a bounded time on %s',
  async (platform) => {
    const [world, client] = [await createWorld(), await TestDpopClient.create()];
    const replayStore: ReplayStore = { addIfAbsent: async () => new Promise(() => undefined) };
    const { as, app } = await startDpopApi(world, platform, [TokenController], { dpop: { replayStore } });
    const response = await sendDpop(app, world, client, await as.accessToken({ dpop: client }));
    expect([response.status, response.headers['retry-after']]).toEqual([503, '5']);
  },
);
