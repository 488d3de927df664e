import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Way } from '../hostile/hostile-app.js';
import { HostileClient } from '../hostile/hostile-client.js';
import { OTHER_AUDIENCE } from '../hostile/hostile-kit.js';
import type { HostileRequest } from '../hostile/hostile-row.js';
import { type Platform, PLATFORMS } from '../support/platforms.js';
import { type DpopApp, startDpopApp } from './dpop-app.js';
import { exchange, statusOf } from './dpop-expectations.js';
import { DpopKit } from './dpop-kit.js';
import type { DpopPriming } from './dpop-priming.js';
import type { DpopExpectation, DpopRow } from './dpop-row.js';
import { DPOP_ROWS } from './dpop-rows.js';

/** All that runs while one way is tested. */
interface Arena {
  readonly kit: DpopKit;
  readonly client: HostileClient;
  readonly apps: Readonly<Record<Platform, DpopApp>>;
  /**
   * Apps for another audience, under the same URL, in the same process, started before and after: Passport has one
   * registry, and a strategy, a decision or a replay store that they shared with the apps under test would be seen
   * (invariant 10).
   */
  readonly decoys: readonly DpopApp[];
  readonly priming: DpopPriming | undefined;
}

/** Options of {@link describeDpopWay}. */
export interface DescribeDpopWayOptions {
  /** @default the whole table */
  readonly rows?: readonly DpopRow[];
  /** Makes the tokens of the rows known to the app before. @default none: every token is new */
  readonly priming?: DpopPriming;
}

/** Sends every row of the table, or these, to an app that is protected in this way, on each platform. */
export function describeDpopWay(way: Way, { rows = DPOP_ROWS, priming }: DescribeDpopWayOptions = {}): void {
  const name = priming === undefined ? way.name : `${way.name}, tokens known`;
  describe(`hostile DPoP rows: ${name}`, () => {
    let arena: Arena;
    beforeAll(async () => {
      arena = await openArena(way, priming);
    });
    afterAll(() => closeArena(arena));

    describe.each(PLATFORMS)('%s', (platform) => {
      // `$name` of an object would be cut at 40 characters.
      it.each(rows.map((row) => [row.name, row] as const))('%s', (_, row) =>
        runRow(arena, platform, way, row),
      );
    });
  });
}

async function openArena(way: Way, priming: DpopPriming | undefined): Promise<Arena> {
  const kit = await DpopKit.start();
  // Without a cache of answers, a token that is introspected is never known.
  const options = priming === undefined ? {} : { cacheTtl: 60 };
  const other = { audience: OTHER_AUDIENCE };
  const before = await startDpopApp(kit, 'express', way, other);
  const express = await startDpopApp(kit, 'express', way, options);
  const fastify = await startDpopApp(kit, 'fastify', way, options);
  const after = await startDpopApp(kit, 'fastify', way, other);
  const client = new HostileClient(kit.hostile.ca.cert);
  return { kit, client, apps: { express, fastify }, decoys: [before, after], priming };
}

/** `arena` is undefined when it could not be opened: that error, and no other, is then to be seen. */
async function closeArena(arena: Arena | undefined): Promise<void> {
  if (arena === undefined) return;
  arena.client.close();
  await Promise.all([...Object.values(arena.apps), ...arena.decoys].map((app) => app.close()));
  await arena.kit.stop();
}

async function runRow(arena: Arena, platform: Platform, way: Way, row: DpopRow): Promise<void> {
  const { kit, client, priming } = arena;
  const requests = row.requests(kit);
  expect(requests, 'a request for each expectation').toHaveLength(row.expect.length);
  const { port } = arena.apps[platform];
  const watch = await priming?.before(row, kit, requests, async (each) => client.send(port, each));
  for (const [index, expected] of row.expect.entries()) {
    const request = requests[index];
    const answered = watch?.();
    if (request !== undefined) await runStep(arena, platform, way, row, request, expected);
    answered?.(statusOf(expected));
  }
  expect(kit.hostile.evil.requests, 'requests that a token or a proof caused').toEqual([]);
}

async function runStep(
  arena: Arena,
  platform: Platform,
  way: Way,
  row: DpopRow,
  request: HostileRequest,
  expected: DpopExpectation,
): Promise<void> {
  const decoys = decoysFor(arena, row, expected);
  const [, ...others] = await Promise.all([
    exchange(arena.client, arena.apps[platform], request, expected, { way }),
    ...decoys.map((decoy) => arena.client.send(decoy.port, request)),
  ]);
  const elsewhere = row.everyAudience === true ? statusOf(expected) : 401;
  for (const other of others) expect(other.status, 'status of an app for another audience').toBe(elsewhere);
}

/** What is right here is for another audience there. */
function decoysFor({ decoys }: Arena, row: DpopRow, expected: DpopExpectation): readonly DpopApp[] {
  const asked = expected.kind === 'accepted' && expected.open !== true;
  return asked || row.everyAudience === true ? decoys : [];
}
