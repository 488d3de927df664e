import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import ts from 'typescript';
import { describe, expect, test } from 'vitest';

const lib = new URL('../lib/', import.meta.url).pathname;

/** The rooms of lib, top to bottom: a file may import from its own room and from those below. */
const ROOMS = [
  'index.ts',
  'schematics',
  'cli',
  'doctor',
  'testing',
  'forward-auth',
  'nest/testing',
  'nest/shared-signals',
  'nest',
  'nest/entrances',
  'nest/decorators',
  'nest/guards',
  'nest/graphql',
  'nest/websockets',
  'nest/microservices',
  'nest/mcp',
  'nest/tls',
  'nest/http',
  'nest/exchange',
  'nest/demands',
  'nest/log',
  'explain',
  'resource-server.ts',
  'authenticate-request.ts',
  'shared-signals',
  'protected-resource',
  'options',
  'authorization',
  'confirmation',
  'dpop',
  'client-certificate',
  'client-certificate/header',
  'client-certificate/identity',
  'client-certificate/revocation',
  'client-certificate/chain',
  'client-certificate/certificate-thumbprint.ts',
  'client-certificate/split-names.ts',
  'session',
  'request',
  'access-token',
  'introspection',
  'status-list',
  'authorization-server',
  'claims',
  'events',
  'revocation',
  'challenge',
  'tls',
  'redis',
  'jose',
  'common',
] as const;

/** Types that every file may import. What they import themselves is types, and of these files only. */
const LEAVES: ReadonlySet<string> = new Set(['cert-bound-auth.options.ts', 'decision.ts']);
const BESIDE_LEAVES: ReadonlySet<string> = new Set([
  ...LEAVES,
  'challenge/oauth-error.ts',
  'jose/json-object.ts',
]);

interface Import {
  readonly from: string;
  /** A file by its path in lib, or a package by its name. */
  readonly to: string;
  /** When it is loaded: with the file, when a function asks for it, or never, for it is a type. */
  readonly loaded: 'at once' | 'later' | 'never';
}

interface Manifest {
  readonly dependencies: object;
  readonly peerDependencies: object;
  readonly peerDependenciesMeta: object;
}

const files = readdirSync(lib, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));

const all: readonly Import[] = files.flatMap(importsOf);
const imports = all.filter(({ to }) => files.includes(to));

/** What a file imports, as the compiler reads it: examples in comments are none. */
function importsOf(from: string): readonly Import[] {
  const source = ts.createSourceFile(from, readFileSync(join(lib, from), 'utf8'), ts.ScriptTarget.Latest);
  const found: Import[] = [];
  const add = (specifier: ts.Node | undefined, loaded: Import['loaded']): void => {
    if (specifier === undefined || !ts.isStringLiteralLike(specifier)) return;
    found.push({ from, to: targetOf(from, specifier.text), loaded });
  };
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) {
      // `import { type T }` is loaded: the compiler leaves an import without names.
      const isType = node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword;
      add(node.moduleSpecifier, isType ? 'never' : 'at once');
    } else if (ts.isExportDeclaration(node)) {
      add(node.moduleSpecifier, node.isTypeOnly ? 'never' : 'at once');
    } else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
      add(node.argument.literal, 'never');
    } else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      add(node.arguments[0], 'later');
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

function targetOf(from: string, specifier: string): string {
  if (specifier.startsWith('.')) return normalize(join(dirname(from), specifier.replace(/\.js$/, '.ts')));
  const parts = specifier.startsWith('@') ? 2 : 1;
  return specifier.split('/').slice(0, parts).join('/');
}

/** What is loaded with a file: files and packages. */
function loadedWith(file: string): ReadonlySet<string> {
  const loaded = new Set([file]);
  // A set also gives what is added while it is read.
  for (const each of loaded) {
    for (const { from, to, loaded: when } of all) if (from === each && when === 'at once') loaded.add(to);
  }
  return loaded;
}

/** The innermost room that a file is in. */
function roomOf(file: string): number {
  const containing = ROOMS.filter((room) => file === room || file.startsWith(`${room}/`));
  const [room] = containing.toSorted((one, other) => other.length - one.length);
  return room === undefined ? -1 : ROOMS.indexOf(room);
}

/** Files that can be reached from themselves, each with the way. */
function circles(): readonly string[] {
  const found: string[] = [];
  const done = new Set<string>();
  const visit = (file: string, way: readonly string[]): void => {
    if (way.includes(file)) found.push([...way.slice(way.indexOf(file)), file].join(' → '));
    if (done.has(file) || way.includes(file)) return;
    for (const { from, to } of imports) if (from === file) visit(to, [...way, file]);
    done.add(file);
  };
  for (const file of files) visit(file, []);
  return found;
}

describe('the floor plan of lib', () => {
  test('the floor plan of lib has a room for every file', () => {
    expect(files.filter((file) => !LEAVES.has(file) && roomOf(file) === -1)).toEqual([]);
  });

  test('lib has no circle of imports, types included', () => {
    expect(circles()).toEqual([]);
  });

  test('imports of lib point down the list of rooms only', () => {
    const upward = imports.filter(
      ({ from, to }) => !LEAVES.has(from) && !LEAVES.has(to) && roomOf(to) < roomOf(from),
    );
    expect(upward).toEqual([]);
  });

  test('the leaves of lib import nothing but types of other leaves, of an error and of JSON', () => {
    const ofLeaves = all.filter(({ from }) => LEAVES.has(from));
    expect(ofLeaves.filter(({ loaded }) => loaded !== 'never')).toEqual([]);
    expect(ofLeaves.filter(({ to }) => files.includes(to) && !BESIDE_LEAVES.has(to))).toEqual([]);
  });

  test('lib knows Nest in nest/ and in the modules of forward-auth/ only', () => {
    const mayKnow =
      /^(?:nest\/|forward-auth\/(?:answer-before-app|forward-auth\.module(?:-definition)?)\.ts$)/;
    const knowing = all.filter(({ to }) => to.startsWith('@nestjs/')).map(({ from }) => from);
    expect(knowing.filter((file) => !mayKnow.test(file))).toEqual([]);
  });

  test('who imports the library loads no optional package, nor its other entry points', () => {
    const manifest = JSON.parse(readFileSync(join(lib, '../package.json'), 'utf8')) as Manifest;
    const installed = new Set(
      Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies }).filter(
        (name) => !(name in manifest.peerDependenciesMeta),
      ),
    );
    const loaded = [...loadedWith('index.ts')];
    const packages = loaded.filter((name) => !files.includes(name) && !name.startsWith('node:'));
    expect(packages).toContain('@nestjs/common');
    expect(packages.filter((name) => !installed.has(name))).toEqual([]);
    expect(
      loaded.filter((name) => /^(?:testing|cli|shared-signals|nest\/shared-signals)\//.test(name)),
    ).toEqual([]);
  });

  test('the test of the floor plan finds what it looks for', () => {
    expect(imports.length).toBeGreaterThan(files.length);
    expect(roomOf('nest/guards/scopes.guard.ts')).toBe(ROOMS.indexOf('nest/guards'));
    expect(roomOf('index.ts')).toBe(0);
  });
});
