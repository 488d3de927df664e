import { STATUS_CODES } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PLATFORMS, type Platform } from '../support/platforms.js';
import { parseChallenge } from './challenge.js';
import { type HostileApp, startHostileApp, type Way } from './hostile-app.js';
import { headerValues, HostileClient, type HostileResponse } from './hostile-client.js';
import { HostileKit, OTHER_AUDIENCE } from './hostile-kit.js';
import type { HostilePriming } from './hostile-priming.js';
import type { HostileExpectation, HostileRequest, HostileRow } from './hostile-row.js';
import { HOSTILE_ROWS } from './hostile-rows.js';

/** All that runs while one way is tested. */
interface Arena {
  readonly kit: HostileKit;
  readonly client: HostileClient;
  readonly apps: Readonly<Record<Platform, HostileApp>>;
  /**
   * Apps for another audience in the same process, started before and after: Passport has one registry, and a
   * strategy of theirs that answered for the apps under test would be seen (invariant 10).
   */
  readonly decoys: readonly HostileApp[];
  readonly priming: HostilePriming | undefined;
}

/** Options of {@link describeWay}. */
export interface DescribeWayOptions {
  /** @default the whole table */
  readonly rows?: readonly HostileRow[];
  /** Makes the tokens of the rows known to the app before. @default none: every token is new */
  readonly priming?: HostilePriming;
}

/** Sends every row of the table, or these, to an app that is protected in this way, on each platform. */
export function describeWay(way: Way, { rows = HOSTILE_ROWS, priming }: DescribeWayOptions = {}): void {
  const name = priming === undefined ? way.name : `${way.name}, tokens known`;
  describe(`hostile rows: ${name}`, () => {
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

async function openArena(way: Way, priming: HostilePriming | undefined): Promise<Arena> {
  const kit = await HostileKit.start();
  // Without a cache of answers, a token that is introspected is never known.
  const options = priming === undefined ? {} : { cacheTtl: 60 };
  const other = { audience: OTHER_AUDIENCE };
  const before = await startHostileApp(kit, 'express', way, other);
  const express = await startHostileApp(kit, 'express', way, options);
  const fastify = await startHostileApp(kit, 'fastify', way, options);
  const after = await startHostileApp(kit, 'fastify', way, other);
  const client = new HostileClient(kit.ca.cert);
  return { kit, client, apps: { express, fastify }, decoys: [before, after], priming };
}

/** `arena` is undefined when it could not be opened: that error, and no other, is then to be seen. */
async function closeArena(arena: Arena | undefined): Promise<void> {
  if (arena === undefined) return;
  arena.client.close();
  await Promise.all([...Object.values(arena.apps), ...arena.decoys].map((app) => app.close()));
  await arena.kit.stop();
}

async function runRow(arena: Arena, platform: Platform, way: Way, row: HostileRow): Promise<void> {
  const { client, kit, priming } = arena;
  const app = arena.apps[platform];
  const request = row.request(kit);
  const answered = await priming?.before(row, kit, request, async (each) => client.send(app.port, each));
  const runsBefore = app.runs();
  const [response, ...others] = await Promise.all([
    client.send(app.port, request),
    ...decoysFor(arena, row).map((decoy) => client.send(decoy.port, request)),
  ]);
  answered?.(response.status);

  expect(response.status, response.body).toBe(row.expect.status);
  expect(app.runs() - runsBefore, 'times the handler ran').toBe(row.expect.status === 200 ? 1 : 0);
  if (row.expect.status === 200) expectAnswer(row.expect, request, response);
  else expectRefusal(row.expect, request, response, way);
  expectNothingInjected(response);
  expect(kit.evil.requests, 'requests that a token caused').toEqual([]);
  for (const other of others) expect(other.status, 'status of an app for another audience').toBe(401);
}

/** What is right here is for another audience there. */
function decoysFor({ decoys }: Arena, { expect: expected }: HostileRow): readonly HostileApp[] {
  const { status, unauthenticated = false, everyAudience = false } = expected;
  return status === 200 && !unauthenticated && !everyAudience ? decoys : [];
}

function expectAnswer(
  { unauthenticated }: HostileExpectation,
  request: HostileRequest,
  response: HostileResponse,
): void {
  expect(headerValues(response, 'www-authenticate')).toEqual([]);
  if (request.method === 'HEAD') return;
  const certificate = request.certificate === 'none' ? null : request.certificate.thumbprint;
  expect(JSON.parse(response.body)).toEqual(
    unauthenticated ? { boundBy: [], certificate: null } : { boundBy: ['certificate'], certificate },
  );
}

function expectRefusal(
  expected: HostileExpectation,
  request: HostileRequest,
  response: HostileResponse,
  way: Way,
): void {
  if (expected.status === 503) expectRetryAfter(response);
  else expectChallenge(expected, response);
  if (request.method !== 'HEAD') expectBody(expected, response, way);
  expectNoEcho(request, response);
}

function expectRetryAfter(response: HostileResponse): void {
  expect(headerValues(response, 'retry-after').join()).toMatch(/^\d+$/);
  expect(headerValues(response, 'www-authenticate'), 'an outage is no refusal').toEqual([]);
}

function expectChallenge({ error }: HostileExpectation, response: HostileResponse): void {
  const fields = headerValues(response, 'www-authenticate');
  expect(fields, 'WWW-Authenticate').toHaveLength(1);
  const { scheme, parameters } = parseChallenge(fields.join());
  expect(scheme).toBe('Bearer');
  expect(parameters.get('error')).toBe(error);
  // RFC 6750 §3: %x20-21 / %x23-5B / %x5D-7E
  expect(parameters.get('error_description') ?? '').toMatch(/^[\x20\x21\x23-\x5b\x5d-\x7e]*$/);
  if (error === undefined) expect(parameters.has('error_description')).toBe(false);
}

function expectBody(expected: HostileExpectation, response: HostileResponse, way: Way): void {
  const body = JSON.parse(response.body) as Readonly<Record<string, unknown>>;
  const bare = way.bareUnauthorized === true && expected.status === 401 && expected.error === undefined;
  const error = expected.error ?? STATUS_CODES[expected.status];
  expect(body).toEqual({
    statusCode: expected.status,
    message: expect.any(String) as unknown,
    ...(bare && !('error' in body) ? {} : { error }),
  });
}

/** Neither a token nor the longer parts of it come back, wherever the request had them. */
function expectNoEcho(request: HostileRequest, response: HostileResponse): void {
  const answered = [...response.rawHeaders, response.body].join('\n');
  for (const secret of secretsOf(request)) {
    // A message with the whole answer would put the token into the test report.
    expect(answered.includes(secret), `echo of ${secret.slice(0, 20)}…`).toBe(false);
  }
}

function secretsOf({
  authorization = '',
  query = '',
  body,
  headers = [],
}: HostileRequest): readonly string[] {
  return [authorization, query, body?.text ?? '', ...headers]
    .flatMap((text) => text.split(/[\s,;:="'&.<>{}\\]+/))
    .filter((part) => part.length >= 16);
}

function expectNothingInjected(response: HostileResponse): void {
  expect(headerValues(response, 'x-injected')).toEqual([]);
  expect(headerValues(response, 'set-cookie')).toEqual([]);
}
