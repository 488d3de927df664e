import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';

const root = new URL('../../', import.meta.url).pathname;
const read = (name: string): string => readFileSync(join(root, name), 'utf8');

/** Folders inside a folder, by their names. */
function foldersIn(path: string): readonly string[] {
  return readdirSync(join(root, path), { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))
    .map(({ name }) => name);
}

describe('the page docs/architecture.md', () => {
  const page = read('docs/architecture.md');

  test('names no path that is not there', () => {
    const named = [...page.matchAll(/`((?:lib|test|docs)\/[\w./-]+)`/g)].map(([, path = '']) => path);
    expect(named.length).toBeGreaterThan(20);
    expect(named.filter((path) => !existsSync(join(root, path)))).toEqual([]);
  });

  test('names every folder and file at the top of lib', () => {
    const names = readdirSync(join(root, 'lib'), { withFileTypes: true }).map((entry) =>
      entry.isDirectory() ? `${entry.name}/` : entry.name,
    );
    expect(names.filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
  });
});

describe('the map test/README.md', () => {
  const page = read('test/README.md');

  test('names every folder of test', () => {
    expect(foldersIn('test').filter((name) => !page.includes(`\`${name}/\``))).toEqual([]);
  });

  test('names no folder that is not there', () => {
    const named = [...page.matchAll(/`([\w-]+)\/`/g)].map(([, name = '']) => name);
    expect(named.filter((name) => !existsSync(join(root, 'test', name)))).toEqual([]);
  });

  test('names every project of vitest.config.ts', () => {
    const projects = [...read('vitest.config.ts').matchAll(/name: '(\w+)'/g)].map(([, name = '']) => name);
    expect(projects.length).toBeGreaterThan(5);
    expect(projects.filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
  });
});

test('README.md has fewer than 200 lines, and no table of a document has a line of over 250 characters', () => {
  expect(read('README.md').split('\n').length).toBeLessThanOrEqual(200);
  const documents = ['README.md', 'SECURITY.md', 'CONTRIBUTING.md', 'test/README.md'].concat(
    readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' }).flatMap((name) =>
      name.endsWith('.md') ? [`docs/${name}`] : [],
    ),
  );
  const long = documents.flatMap((name) =>
    read(name)
      .split('\n')
      .filter((line) => line.startsWith('|') && line.length > 250)
      .map((line) => `${name}: ${line.slice(0, 60)}…`),
  );
  expect(long).toEqual([]);
});
