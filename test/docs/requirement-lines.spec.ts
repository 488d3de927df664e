import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { titlesOf } from './titles.js';

const folder = new URL('../', import.meta.url).pathname;

/** How many lines of each source concern a resource server, and the first of them. */
const LINES: Readonly<Record<string, readonly [from: number, to: number]>> = {
  RFC9728: [1, 16],
  MCP: [1, 13],
  RFC9470: [1, 13],
  RFC9396: [1, 13],
  FAPI1: [1, 2],
  FAPI2: [1, 6],
  OB: [3, 4],
  GRPC: [1, 6],
  GQL: [1, 5],
  WS: [1, 5],
  TSL: [1, 11],
};

const NAME = new RegExp(String.raw`\b(?:${Object.keys(LINES).join('|')})-\d+\b`, 'g');

const namesIn = (text: string): readonly string[] => text.match(NAME) ?? [];

test('a reader finds for every line of the requirements either the test that proves it or why there is none', () => {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((path) =>
    path.endsWith('.spec.ts'),
  );
  const titles = files.flatMap((file) => titlesOf(join(folder, file)));
  const proven = new Set(titles.flatMap(({ text }) => namesIn(text)));
  const rows = readFileSync(join(folder, 'README.md'), 'utf8').match(/^\| [A-Z]+\d*-\d+ .*$/gm) ?? [];
  const excused = rows.flatMap((row) => namesIn(row.split('|')[1] ?? ''));
  const all = Object.entries(LINES).flatMap(([source, [from, to]]) =>
    Array.from({ length: to - from + 1 }, (_, index) => `${source}-${from + index}`),
  );
  expect(all.filter((line) => !proven.has(line) && !excused.includes(line))).toEqual([]);
  expect(excused.filter((line) => proven.has(line))).toEqual([]);
  expect([...proven, ...excused].filter((line) => !all.includes(line))).toEqual([]);
});
