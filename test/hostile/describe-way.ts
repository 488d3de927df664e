import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PLATFORMS, type Platform } from '../support/platforms.js';
import { DpopKit } from './dpop-kit.js';
import { exchange } from './exchange.js';
import type { FastPathRecord } from './fast-path.js';
import { type HostileApp, type HostileAppOptions, startHostileApp, type Way } from './hostile-app.js';
import { HostileClient } from './hostile-client.js';
import { OTHER_AUDIENCE } from './hostile-kit.js';
import { type Expectation, type HostileRow, statusOf, titleOf } from './hostile-row.js';
import type { HostileRequest } from './request.js';
import type { Table } from './tables.js';

/** All that runs while one table is sent to apps that are guarded in one way. */
interface Arena {
  readonly way: Way;
  readonly table: Table;
  readonly kit: DpopKit;
  readonly client: HostileClient;
  readonly apps: Readonly<Record<Platform, HostileApp>>;
  /**
   * Apps for another audience, under the same URL, in the same process, started before and after: Passport has one
   * registry, and a strategy, a decision or a replay store that they shared with the apps under test would be seen
   * (invariant 10).
   */
  readonly decoys: readonly HostileApp[];
  readonly record: FastPathRecord | undefined;
}

/** Options of {@link describeWay}. */
export interface DescribeWayOptions {
  /** @default the whole table */
  readonly rows?: readonly HostileRow[];
  /** Makes the tokens of the rows known to the app before, and keeps what came of it. @default every token is new */
  readonly record?: FastPathRecord;
}

/** Sends every row of a table, or these, to an app that is guarded in this way, on each platform. */
export function describeWay(
  way: Way,
  table: Table,
  { rows = table.rows, record }: DescribeWayOptions = {},
): void {
  const known = record === undefined ? '' : ', tokens known';
  describe(`hostile requests (${table.name}), guarded by ${way.name}${known}`, () => {
    let arena: Arena;
    beforeAll(async () => {
      arena = await openArena(way, table, record);
    });
    afterAll(() => closeArena(arena));

    describe.each(PLATFORMS)('on %s', (platform) => {
      // `$name` of an object would be cut at 40 characters.
      it.each(rows.map((row) => [titleOf(row), row] as const))('%s', (_, row) =>
        runRow(arena, platform, row),
      );
    });
  });
}

async function openArena(way: Way, table: Table, record: FastPathRecord | undefined): Promise<Arena> {
  const kit = await DpopKit.start();
  const dpop: HostileAppOptions = table.name === 'DPoP' ? {} : { dpop: 'off' };
  // Without a cache of answers, a token that is introspected is never known.
  const options = { ...dpop, ...(record === undefined ? {} : { cacheTtl: 60 }) };
  const other = { ...dpop, audience: OTHER_AUDIENCE };
  const before = await startHostileApp(kit.hostile, 'express', way, other);
  const express = await startHostileApp(kit.hostile, 'express', way, options);
  const fastify = await startHostileApp(kit.hostile, 'fastify', way, options);
  const after = await startHostileApp(kit.hostile, 'fastify', way, other);
  const client = new HostileClient(kit.hostile.ca.cert);
  return { way, table, kit, client, apps: { express, fastify }, decoys: [before, after], record };
}

/** `arena` is undefined when it could not be opened: that error, and no other, is then to be seen. */
async function closeArena(arena: Arena | undefined): Promise<void> {
  if (arena === undefined) return;
  arena.client.close();
  await Promise.all([...Object.values(arena.apps), ...arena.decoys].map((app) => app.close()));
  await arena.kit.stop();
}

async function runRow(arena: Arena, platform: Platform, row: HostileRow): Promise<void> {
  const { kit, record } = arena;
  const app = arena.apps[platform];
  const requests = row.requests(kit);
  expect(requests, 'a request for each expectation').toHaveLength(row.expect.length);
  const primed = record !== undefined && (await prime(arena, app, requests));
  for (const [index, expected] of row.expect.entries()) {
    const request = requests[index];
    const answered = record?.watch(row.name, primed, kit.hostile.a);
    if (request !== undefined) await runStep(arena, app, row, request, expected);
    answered?.(statusOf(expected));
  }
  expect(kit.hostile.evil.requests, 'requests that a token or a proof caused').toEqual([]);
}

/**
 * Before the requests of a row, sends its tokens as those would to whom they may belong, with nothing odd about it: a
 * token that is good for somebody is then known to the app when the row comes.
 */
async function prime(
  { table, kit, client }: Arena,
  { port }: HostileApp,
  requests: readonly HostileRequest[],
): Promise<boolean> {
  return table.isAccepted(kit, requests, async (each) => client.send(port, each));
}

async function runStep(
  arena: Arena,
  app: HostileApp,
  row: HostileRow,
  request: HostileRequest,
  expected: Expectation,
): Promise<void> {
  const { client, way, table } = arena;
  const surroundings = { way, ...(table.name === 'DPoP' ? {} : ({ dpop: 'off' } as const)) };
  const decoys = decoysFor(arena, row, expected);
  const [, ...others] = await Promise.all([
    exchange(client, app, request, expected, surroundings),
    ...decoys.map((decoy) => client.send(decoy.port, request)),
  ]);
  const elsewhere = row.everyAudience === true ? statusOf(expected) : 401;
  for (const other of others) expect(other.status, 'status of an app for another audience').toBe(elsewhere);
}

/** What is right here is for another audience there. */
function decoysFor({ decoys }: Arena, row: HostileRow, expected: Expectation): readonly HostileApp[] {
  const asked = expected.kind === 'accepted' && expected.open !== true;
  return asked || row.everyAudience === true ? decoys : [];
}
