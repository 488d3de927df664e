import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { expect, test } from 'vitest';

const root = new URL('../', import.meta.url).pathname;

/** The title of a test, and where it stands. */
interface Title {
  readonly at: string;
  /** Without the requirement that it names. */
  readonly text: string;
}

/** `RFC8705-1: `, `RFC9449-3, -4: `, `INV2: `, `invariant 8: `, `row 43: `. */
const REQUIREMENT = /^(?:(?:RFC|INV|invariant |row )[\w.-]+(?:, [\w.-]+)*: )+/;

function titlesIn(file: string): readonly Title[] {
  const source = ts.createSourceFile(
    file,
    readFileSync(join(root, file), 'utf8'),
    ts.ScriptTarget.Latest,
    true,
  );
  const titles: Title[] = [];
  const visit = (node: ts.Node): void => {
    const [title] = ts.isCallExpression(node) ? node.arguments : [];
    if (
      ts.isCallExpression(node) &&
      /^(?:it|test)\b/.test(node.expression.getText()) &&
      title !== undefined
    ) {
      if (ts.isStringLiteralLike(title) || ts.isTemplateExpression(title)) {
        const { line } = source.getLineAndCharacterOfPosition(node.getStart());
        const text = title.getText().slice(1, -1).replace(REQUIREMENT, '');
        titles.push({ at: `${file}:${line + 1}`, text });
      }
    }
    node.forEachChild(visit);
  };
  visit(source);
  return titles;
}

const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter(
  (name) => name.endsWith('.ts') && !name.startsWith('package/apps') && !name.includes('.samples'),
);
const titles = files.flatMap((file) => titlesIn(file));

/** What only goes on with what stands elsewhere. */
const CONTINUES = /^(?:and|but|nor|neither nor|or|also|too|that|which|is|are)\b/;
/** What begins a sentence only where a comma parts it from the rest. */
const BEGINS = /^(?:as|at|by|for|from|if|in|not|of|on|to|under|when|where|while|with|without)\b/;

function isFragment({ text }: Title): boolean {
  return CONTINUES.test(text) || (BEGINS.test(text) && !/[,:]/.test(text));
}

/** A row of a table makes its own title. */
const OF_ROWS = new Set(['%s', '$title', '$name']);

test('every title of a test is a sentence that stands alone in a failing line of CI', () => {
  expect(titles.length).toBeGreaterThan(1_000);
  expect(titles.filter((title) => isFragment(title))).toEqual([]);
});

test('every title of a test has a subject and a verb: three words or more', () => {
  const short = titles.filter(({ text }) => !OF_ROWS.has(text) && text.split(/\s+/).length < 3);
  expect(short).toEqual([]);
  expect(titles.filter(({ text }) => OF_ROWS.has(text)).map(({ at }) => at.split(':')[0])).toEqual([
    'hostile/describe-way.ts',
    'hostile/dpop.options.spec.ts',
  ]);
});
