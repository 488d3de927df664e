import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { titlesOf } from './titles.js';

const folder = new URL('../', import.meta.url).pathname;

/** What is not ours or made by a test, and the hostile tables, whose rows make titles of their own. */
const ELSEWHERE = /(?:^|\/)(?:node_modules|\.\w+|hostile)\//;

/** What the titles of a test may name in front: requirements, invariants, rows of the table of features. */
const REQUIREMENT =
  /^(?:RFC ?\d|(?:MCP|FAPI\d|OB|GRPC|GQL|WS|TSL)-\d|INV\d|invariants? \d|row \d|OpenID )[^:]*: /;

/** Words that go on with a sentence which stands elsewhere. */
const CONTINUES = new Set(
  [
    'and or but nor neither not so',
    'of by with without in into on to from for as where when while behind beyond after before than',
    'is are was were has have does can may must',
  ].flatMap((words) => words.split(' ')),
);

/** Whether a title says something by itself, in a line of a log that shows nothing else. */
function isSentence(title: string): boolean {
  const words = title.replace(REQUIREMENT, '').split(/\s+/);
  return words.length >= 3 && !CONTINUES.has(words[0] ?? '');
}

test.each([
  'by HTTP/2 neither',
  'of credentials',
  'RFC8705-1: of the certificate',
  'FAPI1-1, OB-3: of the bank',
  'INV3: and neither has one that is too many',
  'plain HTTP',
  '%s',
])('the title “%s” is taken for a fragment', (title) => {
  expect(isSentence(title)).toBe(false);
});

test('a failing line says what is wrong, because every title of a test is a sentence', () => {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(
    (path) => path.endsWith('.ts') && !ELSEWHERE.test(path),
  );
  const titles = files.flatMap((file) => titlesOf(join(folder, file)).map((title) => ({ file, ...title })));
  const fragments = titles.filter(({ text }) => !isSentence(text));
  expect(titles.length).toBeGreaterThan(1000);
  expect(fragments.map(({ file, line, text }) => `test/${file}:${line} ${text}`)).toEqual([]);
});
