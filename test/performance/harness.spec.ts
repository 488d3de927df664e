import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { ratioOf } from './ratio.js';
import { readBenchOptions } from './bench-options.js';
import { RequestList } from './load/request-list.js';
import { ResponseReader } from './load/response-reader.js';
import { type CpuProfile, selfTimes } from './profile/cpu-profile.js';
import { BEGIN, END, fillIn } from './report/document.js';
import { goalsOf } from './report/goals.js';
import { pictureOf } from './report/picture.js';
import { jsonOf } from './report/json.js';
import { memoryTable } from './report/memory.js';
import { besideOf, type Result, type Results, type Round, type ServeResult } from './results.js';
import { summarise } from './statistics.js';

const round = (cpuMicros: number, throughput: number): Round => ({
  requests: 1,
  seconds: 1,
  cpuMicros,
  throughput,
  busy: 1,
});

/** A result with the same figures in every round. */
function result(id: string, cpu: number, more: Partial<Result> = {}): Result {
  const rounds = [round(cpu, 1e6 / cpu)];
  return {
    scenario: 'seen',
    id,
    label: id,
    cpuMicros: summarise([cpu]),
    throughput: summarise([1e6 / cpu]),
    busy: summarise([1]),
    rounds,
    ...more,
  };
}

function resultsOf(results: readonly Result[]): Results {
  const machine = { cpu: 'CPU', cores: 2, memoryBytes: 2 ** 33, platform: 'linux', node: 'v20' };
  const scenarios = [{ name: 'seen', title: 'A token seen before' }];
  return { date: '2026-11-21T00:00:00Z', machine, versions: {}, options: {}, scenarios, results, serve: [] };
}

describe('the load of a benchmark', () => {
  const answer = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
  const read = (reader: ResponseReader, text: string): boolean => reader.read(Buffer.from(text), text.length);

  test('the load counts an answer once it is whole, however it arrives', () => {
    const reader = new ResponseReader();
    expect(read(reader, answer.slice(0, 20))).toBe(false);
    expect(read(reader, answer.slice(20, -1))).toBe(false);
    expect(read(reader, answer.slice(-1))).toBe(true);
    expect(read(reader, answer)).toBe(true);
    expect(read(reader, answer.slice(0, -1))).toBe(false);
    expect(read(reader, answer.slice(-1))).toBe(true);
  });

  test('the load stops at a refusal, even at one that is as long as the answers before it', () => {
    const reader = new ResponseReader();
    expect(read(reader, answer)).toBe(true);
    expect(() => read(reader, answer.replace('200', '401'))).toThrow('the server answered HTTP/1.1 401');
  });

  test('the load sends the credentials in turn, as many as it should', () => {
    const list = RequestList.with([{ token: 'a' }, { token: 'b', proof: 'p' }], '/', 'keep-alive');
    list.rewind(3, 2);
    const sent = [list.next(), list.next(), list.next()].map((request) => request?.toString());
    expect(sent[0]).toMatch(/\r\nAuthorization: DPoP b\r\nDPoP: p\r\n\r\n$/);
    expect(sent[1]).toMatch(/\r\nAuthorization: Bearer a\r\n\r\n$/);
    expect(sent[2]).toBeUndefined();
  });
});

describe('the figures of a benchmark', () => {
  test('the figures are medians with the least and the greatest round', () => {
    expect(summarise([3, 1, 2])).toEqual({ median: 2, min: 1, max: 3 });
    expect(summarise([4, 1, 2, 3])).toEqual({ median: 2.5, min: 1, max: 4 });
  });

  test('the figures compare a round with the open route in the same round', () => {
    const beside = besideOf('open', [round(15, 80), round(30, 45)], [round(10, 100), round(20, 50)]);
    expect(beside.cpu).toEqual({ median: 1.5, min: 1.5, max: 1.5 });
    expect(beside.addedMicros).toEqual({ median: 7.5, min: 5, max: 10 });
    expect(beside.throughput).toEqual({ median: (0.8 + 0.9) / 2, min: 0.8, max: 0.9 });
  });
});

describe('the report of a benchmark', () => {
  const OPEN = 50;
  const beside = (added: number, part: number): Pick<Result, 'beside'> => ({
    beside: {
      id: 'express-open',
      cpu: summarise([(OPEN + added) / OPEN]),
      addedMicros: summarise([added]),
      throughput: summarise([part]),
    },
  });

  test('the report says of each goal whether it is reached', () => {
    const reached = (added: number, part: number): readonly boolean[] =>
      goalsOf(
        resultsOf([
          result('express-open', OPEN),
          result('express-library', OPEN + added, beside(added, part)),
        ]),
      ).map((goal) => goal.reached);
    expect(reached(10, 0.95)).toEqual([true, true]);
    expect(reached(10.1, 0.94)).toEqual([false, false]);
  });

  test('the report says of the backend of a proxy what it costs beside bare Node, and what its process takes', () => {
    const MEBIBYTE = 2 ** 20;
    const served = (name: string, ratio: number, before: number): ServeResult => ({
      name,
      title: name,
      goal: name === 'many-certificates' ? undefined : 1.3,
      ratio: summarise([ratio]),
      cpuMicros: summarise([ratio * 20]),
      bareMicros: summarise([20]),
      listeningAfter: 300,
      residentMemory: { before: before * MEBIBYTE, after: 140 * MEBIBYTE },
    });
    const goals = goalsOf({
      ...resultsOf([]),
      serve: [served('one-certificate', 1.31, 76), served('many-certificates', 1.5, 76)],
    });
    expect(goals.map(({ limit, measured, micros, reached }) => [limit, measured, micros, reached])).toEqual([
      ['≤ 1.3', '1.31', '26.2 beside 20.0', false],
      ['≤ 1.2', '1.15', '30.0 beside 26.2', true],
      ['≤ 300 ms', '300 ms', '', true],
      ['≤ 75 MiB', '76 MiB', '', false],
      ['≤ 140 MiB', '140 MiB', '', true],
    ]);
  });

  test('the report compares a new token and a proof with a bare verification, in the same server and in a loop', () => {
    const of = (scenario: string, id: string, cpu: number): Result =>
      result(id, cpu, { scenario, ...beside(cpu, 1) });
    const reached = (token: number, proof: number): readonly boolean[] =>
      goalsOf(
        resultsOf([
          of('new-jwt-rs256', 'fastify-library', token),
          of('new-jwt-rs256', 'fastify-jwt-verify-guard', 200),
          of('new-jwt-rs256', 'jose.jwtVerify', 100),
          of('dpop', 'fastify-library', proof),
          of('dpop', 'fastify-signature-guard', 200),
          of('dpop', 'fastify-open', 20),
          of('dpop', 'crypto.verify', 80),
        ]),
      ).map((goal) => goal.reached);
    expect(reached(114, 124)).toEqual([true, true, true, true]);
    expect(reached(116, 126)).toEqual([true, false, true, false]);
    expect(reached(231, 251)).toEqual([false, false, false, false]);
  });

  test('the report replaces what is between the markers, and nothing else', () => {
    const results = resultsOf([result('express-open', 64), result('express-library', 70, beside(6, 0.95))]);
    const once = fillIn(`before\n${BEGIN}\nold\n${END}\nafter\n`, results);
    expect(once).toMatch(/^before\n[^]*\nafter\n$/);
    expect(once).toContain('| express-library | 70.0 (70.0 to 70.0) | 6.0 (6.0 to 6.0) |');
    expect(once).not.toContain('old');
    expect(fillIn(once, results)).toBe(once);
    expect(() => fillIn('no markers', results)).toThrow(BEGIN);
  });

  test('the report divides memory by the tokens that were added, of each growth by itself', () => {
    const at = (scenario: string, point: number, usedMemory: number): Result => ({
      ...result('fastify-library', 1, { ...beside(1, 1), point, usedMemory }),
      scenario,
    });
    const points = [
      at('known', 1, 1000),
      at('known', 101, 51_000),
      at('revoked', 0, 0),
      at('revoked', 10, 510),
    ];
    const scenarios = [
      { name: 'known', title: 'Known tokens', axis: 'known' },
      { name: 'revoked', title: 'Revoked tokens', axis: 'revoked' },
      { name: 'seen', title: 'A token seen before' },
    ];
    expect(memoryTable({ ...resultsOf(points), scenarios })).toEqual([
      ['how many', 'in use, MiB', 'bytes for each'],
      ['1 known', '0.0', ''],
      ['101 known', '0.0', '500'],
      ['0 revoked', '0.0', ''],
      ['10 revoked', '0.0', '51'],
    ]);
    expect(memoryTable(resultsOf([result('fastify-library', 1)]))).toEqual([]);
  });

  test('the report draws well-formed figures', () => {
    const results = [result('express-open', 64), result('express-library', 70, beside(6, 0.95))];
    const picture = pictureOf(resultsOf(results));
    expect(picture).toContain('70.0 (+6.0)');
    expect(picture).not.toMatch(/NaN|Infinity|undefined/);
  });

  test('the report is written as JSON as well, with every round', () => {
    const results = resultsOf([result('express-open', 64.123_456), result('express-library', 70)]);
    const { results: read, ...rest } = JSON.parse(jsonOf(results)) as Results;
    expect(rest).toEqual({ ...results, results: undefined });
    expect(read.map(({ rounds }) => rounds[0]?.cpuMicros)).toEqual([64.1235, 70]);
  });

  test('the report finds its document', () => {
    const document = readFileSync(new URL('../../docs/performance.md', import.meta.url), 'utf8');
    expect(document.indexOf(END)).toBeGreaterThan(document.indexOf(BEGIN));
    expect(document).toContain(BEGIN);
  });
});

test('a profile names functions by the time in themselves, in its last seconds, without idle time', () => {
  const node = (id: number, functionName: string): CpuProfile['nodes'][number] => ({
    id,
    callFrame: { functionName, url: 'node:fs', lineNumber: 9 },
  });
  const profile = {
    nodes: [node(1, '(idle)'), node(2, 'early'), node(3, 'read'), node(4, 'write'), node(5, 'read')],
    samples: [2, 3, 4, 1, 5],
    timeDeltas: [1e6, 1e6, 1e6, 1e6, 1e6],
    startTime: 0,
    endTime: 5e6,
  };
  const times = selfTimes(profile, 3.5);
  expect(times.map(({ name, micros }) => [name, micros])).toEqual([
    ['read', 2e6],
    ['write', 1e6],
  ]);
  expect(times[0]?.share).toBeCloseTo(2 / 3);
  expect(times[0]?.place).toBe('node:fs:10');
});

test('the command line of the benchmark is checked', () => {
  expect(readBenchOptions([])).toMatchObject({ quick: false, pin: true, rounds: 21, starts: 3 });
  expect(readBenchOptions(['--quick', '--no-pin', '--rounds', '3'])).toMatchObject({ pin: false, rounds: 3 });
  expect(() => readBenchOptions(['--rounds', 'none'])).toThrow('--rounds must be a number above 0');
  expect(() => readBenchOptions(['--fast'])).toThrow('--fast');
});

test('a ratio of pairs has an interval that holds 1 where nothing but noise differs, and not where one is slower', () => {
  const noise = [100, 104, 98, 101, 99, 103, 97, 100, 102, 96];
  const others = [101, 103, 99, 100, 100, 102, 98, 101, 101, 97];
  const same = ratioOf(noise, others);
  expect(same.low).toBeLessThan(1);
  expect(same.high).toBeGreaterThan(1);
  const slower = ratioOf(
    noise.map((value) => value * 1.1),
    others,
  );
  expect(slower.mean).toBeCloseTo(1.1, 2);
  expect(slower.low).toBeGreaterThan(1.02);
  expect(() => ratioOf([1], [1])).toThrow(RangeError);
  expect(() => ratioOf([1, 2], [1])).toThrow(RangeError);
});
