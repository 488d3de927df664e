import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { expect, test } from 'vitest';

const root = new URL('../../', import.meta.url).pathname;
const folder = join(root, 'test/docs/.samples/examples');

/** The `@example` blocks of a source file. */
function examplesOf(text: string): readonly string[] {
  return [...text.matchAll(/@example\n\s*\* ```ts\n([\s\S]*?)\n\s*\* ```/g)].map(([, code = '']) =>
    code.replaceAll(/^\s*\* ?/gm, ''),
  );
}

/** Writes every example of lib into a file of its own, so that imports resolve. */
function writeExamples(): readonly string[] {
  mkdirSync(folder, { recursive: true });
  const files = readdirSync(join(root, 'lib'), { recursive: true, encoding: 'utf8' });
  return files
    .filter((name) => name.endsWith('.ts'))
    .flatMap((name) =>
      examplesOf(readFileSync(join(root, 'lib', name), 'utf8')).map((code, index) => {
        const path = join(folder, `${name.replaceAll(/\W/g, '-')}-${index}.ts`);
        writeFileSync(path, `${code}\n`);
        return path;
      }),
    );
}

test('every @example of the library compiles as it stands', () => {
  const paths = writeExamples();
  expect(paths.length).toBeGreaterThan(15);
  const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), (path) => readFileSync(path, 'utf8')) as {
    config: object;
  };
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, root);
  const program = ts.createProgram([...paths, join(root, 'lib/nest/passport-http-bearer.d.ts')], {
    ...options,
    noUnusedLocals: false,
    noUnusedParameters: false,
  });
  const errors = ts.getPreEmitDiagnostics(program).map(({ file, messageText }) => {
    return `${file?.fileName}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`;
  });
  expect(errors).toEqual([]);
}, 120_000);
