import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { builtinModules } from 'node:module';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, inject, test } from 'vitest';
import { compile, install } from './support/install.js';

const run = promisify(execFile);
const root = new URL('../../', import.meta.url).pathname;

interface Manifest {
  readonly dependencies: Readonly<Record<string, string>>;
  readonly peerDependencies: Readonly<Record<string, string>>;
}

const packed = inject('packed');
const { tarball, files } = packed;

describe('the tarball that is published', () => {
  test('the tarball holds the build and its documents, and nothing else', () => {
    expect(files).toContain('dist/lib/index.js');
    expect(files).toContain('dist/lib/testing/index.d.ts');
    const stray = files.filter(
      (path) =>
        !/^(?:dist\/lib\/(?!cli\/)(?:.+\.(?:js|d\.ts)|schematics\/.+\.json)|dist\/cli\/[\w.-]+\.js|docs\/.+|[A-Z]+(?:\.md)?|package\.json)$/.test(
          path,
        ),
    );
    expect(stray).toEqual([]);
    expect(files).toEqual(expect.arrayContaining(['LICENSE', 'README.md', 'CHANGELOG.md', 'SECURITY.md']));
  });

  test('no link of a document leads out of the tarball', async () => {
    const documents = files.filter((path) => path.endsWith('.md'));
    const broken = await Promise.all(
      documents.map(async (document) => {
        const text = await readFile(join(root, document), 'utf8');
        return linksIn(text)
          .map((link) => join(dirname(document), link.replace(/#.*$/, '')).replace(/\/$/, ''))
          .filter((target) => !files.some((path) => path === target || path.startsWith(`${target}/`)))
          .map((target) => `${document}: ${target}`);
      }),
    );
    expect(documents.length).toBeGreaterThan(10);
    expect(broken.flat()).toEqual([]);
  });

  test('the tarball passes publint', async () => {
    const { stdout } = await run('npx', ['publint', '--strict', tarball], { cwd: root });
    expect(stdout).toContain('All good');
  });

  test('the tarball passes attw', async () => {
    // attw deletes a directory that it packs, never a tarball that it is given.
    const { stdout } = await run('npx', ['attw', '--profile', 'esm-only', tarball], { cwd: root });
    expect(stdout).toContain('node16 (from ESM): 🟢');
  });

  test('the declarations import declared packages only', async () => {
    const manifest = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as Manifest;
    const declared = new Set([
      ...Object.keys(manifest.dependencies),
      ...Object.keys(manifest.peerDependencies),
    ]);
    const declarations = files.filter((path) => path.endsWith('.d.ts'));
    const texts = await Promise.all(declarations.map(async (path) => readFile(join(root, path), 'utf8')));
    // What an example in a comment imports, the declaration does not.
    const codes = texts.map((text) => text.replaceAll(/\/\*[\s\S]*?\*\//g, ''));
    const imports = codes.flatMap((code) =>
      [...code.matchAll(/(?:from|import\()\s*["']([^"'.][^"']*)["']/g)].map(([, name = '']) =>
        packageOf(name),
      ),
    );
    expect(imports.length).toBeGreaterThan(10);
    const builtins = new Set(builtinModules);
    const undeclared = imports.filter(
      (name) => !declared.has(name) && !builtins.has(name.replace(/^node:/, '')),
    );
    expect([...new Set(undeclared)]).toEqual([]);
  });

  test('the tarball installs into a minimal ESM app (Express alone), which checks all declarations, boots and answers', async () => {
    const app = await install('esm-minimal', packed);
    await compile(app);
    const { stdout } = await run(process.execPath, ['dist/main.js'], { cwd: app });
    expect(stdout.trim()).toBe('200 401');
    const { stdout: version } = await run('npx', ['--no-install', 'nestjs-cert-bound-auth', '--version'], {
      cwd: app,
    });
    expect(version.trim()).toMatch(/^\d+\.\d+\.\d+/);
    for (const command of ['doctor', 'explain']) {
      const { stdout: help } = await run(
        'npx',
        ['--no-install', 'nestjs-cert-bound-auth', command, '--help'],
        {
          cwd: app,
        },
      );
      expect(help).toContain(`Usage: nestjs-cert-bound-auth ${command}`);
    }
  });
});

/** Targets of links and images that are no URLs and no places of the same document. */
function linksIn(text: string): readonly string[] {
  const prose = text.replaceAll(/^```[\s\S]*?^```$/gm, '');
  return [...prose.matchAll(/\]\(([^)\s]+)\)|(?:src|href)="([^"]+)"/g)]
    .map(([, link = '', attribute = '']) => link + attribute)
    .filter((link) => !/^(?:[a-z]+:|#)/.test(link));
}

function packageOf(specifier: string): string {
  const [scope = '', name = ''] = specifier.split('/');
  return scope.startsWith('@') ? `${scope}/${name}` : scope;
}
