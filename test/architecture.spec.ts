import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, test } from 'vitest';

const lib = new URL('../lib/', import.meta.url).pathname;

/** The rooms of lib, top to bottom: a file may import from its own room and from those below. */
const ROOMS = [
  'index.ts',
  'testing',
  'cli',
  'forward-auth',
  'nest',
  'nest/decorators',
  'nest/guards',
  'nest/tls',
  'nest/http',
  'nest/demands',
  'nest/log',
  'resource-server.ts',
  'authenticate-request.ts',
  'options',
  'authorization',
  'confirmation',
  'dpop',
  'client-certificate',
  'request',
  'access-token',
  'introspection',
  'authorization-server',
  'claims',
  'events',
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
  readonly to: string;
}

const files = readdirSync(lib, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));

const imports: readonly Import[] = files.flatMap((from) =>
  [...readFileSync(join(lib, from), 'utf8').matchAll(/\b(?:from|import)\s*\(?\s*'(\.[^']+)'/g)].map(
    ([, path = '']) => ({ from, to: normalize(join(dirname(from), path.replace(/\.js$/, '.ts'))) }),
  ),
);

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
    const foreign = imports.filter(({ from, to }) => LEAVES.has(from) && !BESIDE_LEAVES.has(to));
    expect(foreign).toEqual([]);
  });

  test('lib knows Nest in nest/ and in the modules of forward-auth/ only', () => {
    const mayKnow =
      /^(?:nest\/|forward-auth\/(?:answer-before-app|forward-auth\.module(?:-definition)?)\.ts$)/;
    const knowing = files.filter((file) =>
      /^(?:import|export|\}).*'@nestjs\//m.test(readFileSync(join(lib, file), 'utf8')),
    );
    expect(knowing.filter((file) => !mayKnow.test(file))).toEqual([]);
  });

  test('the test of the floor plan finds what it looks for', () => {
    expect(imports.length).toBeGreaterThan(files.length);
    expect(roomOf('nest/guards/scopes.guard.ts')).toBe(ROOMS.indexOf('nest/guards'));
    expect(roomOf('index.ts')).toBe(0);
  });
});
