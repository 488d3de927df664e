import { Controller, Get } from '@nestjs/common';
import { beforeAll, describe, expect, test } from 'vitest';
import { moduleOf } from '../support/policies.js';
import { type Platform, PLATFORMS, startApp } from '../support/platforms.js';
import { portOf } from '../support/websockets.js';
import { createWorld, tlsOf, whenOver } from '../support/world.js';
import { httpsClient } from './https-client.js';
import { CELLS, type Cell, expectedAt, handlersAt, type Outcomes, seenAt, startTables } from './tables.js';

const world = await createWorld();

const CONTROLLERS = handlersAt({
  onClass: ({ id }) => Controller(id),
  onMethod: () => Get(),
  answer: () => ({ answer: 'passed' }),
});

async function seenOn(platform: Platform): Promise<ReadonlyMap<Cell, Outcomes>> {
  const apis = await startTables(world);
  class App {}
  const module = { module: App, imports: [moduleOf(apis)], controllers: CONTROLLERS };
  const app = await startApp(platform, module, tlsOf(world));
  whenOver(async () => app.close());
  const request = httpsClient(world, portOf(app));
  return seenAt(world, apis, {
    send: async ({ id }, { certificate, headersFor }) => {
      const target = { method: 'GET', path: `/${id}` };
      const headers = await headersFor(target);
      const { body, ...answer } = await request({ ...target, headers, certificate });
      return answer.status === 200 && (body as { readonly answer?: unknown }).answer === 'passed'
        ? 'passed'
        : answer;
    },
  });
}

describe.each(PLATFORMS)('demands × tokens × policies over HTTP on %s', (platform) => {
  let seen: ReadonlyMap<Cell, Outcomes> = new Map();
  beforeAll(async () => {
    seen = await seenOn(platform);
  }, 300_000);

  test.each(CELLS.map((cell) => [cell.demand.says, cell.policy, cell] as const))(
    'a route that has %s, of the policy %s, decides about each token as the oracle does',
    (_demand, _policy, cell) => {
      expect(seen.get(cell)).toEqual(expectedAt(cell, {}));
    },
  );
});
