import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, inject, test } from 'vitest';
import { type Platform, PLATFORMS } from './apps/shared/platforms.js';
import { REQUEST_TABLE } from './apps/shared/request-table.js';
import { addSharedSources, compile, install, installedMajor } from './support/install.js';

const run = promisify(execFile);

/** The lowest versions that `engines` admits, and the newest of each line that is supported. */
const NODES = ['20.19.0', '22.12.0', '22', '24', '26'] as const;

interface Build {
  readonly name: string;
  readonly app: string;
  readonly nest: number;
  readonly tsconfig: string;
  readonly main: string;
}

const BUILDS: readonly Build[] = [
  build('esm-nest12', 12),
  build('esm-nest11', 11),
  build('cjs-nest12', 12),
  // The settings of a new Nest 11 project, and those that older ones have.
  build('cjs-nest11', 11, { tsconfig: 'tsconfig.build.json' }),
  // The oldest that is supported.
  build('cjs-nest11.0', 11, { tsconfig: 'tsconfig.build.json' }),
  build('cjs-nest11', 11, {
    name: 'cjs-nest11 module:commonjs',
    tsconfig: 'tsconfig.commonjs.json',
    main: 'dist-commonjs/main.js',
  }),
];

const CELLS = BUILDS.flatMap((of) =>
  (Object.keys(PLATFORMS) as Platform[]).flatMap((platform) =>
    NODES.map((node) => ({
      title: `the app ${of.name} answers every request of the table on ${platform} with Node ${node}`,
      build: of,
      platform,
      node,
    })),
  ),
);

const installed = once(async (app: string) => {
  const copy = await install(app, inject('packed'));
  await addSharedSources(copy);
  return copy;
});

const compiled = once(async ({ app, tsconfig }: Build) => {
  const copy = await installed(app);
  await compile(copy, tsconfig);
  return copy;
});

const executableOf = once(async (node: string) => {
  const { stdout } = await run('npx', ['-y', '-p', `node@${node}`, '--', 'node', '-p', 'process.execPath']);
  return stdout.trim();
});

// Whatever fails here fails again in each cell that needs it, so that no cell is skipped.
beforeAll(async () => {
  await Promise.allSettled([...BUILDS.map(compiled), ...NODES.map(executableOf)]);
});

test('no two rows of the table have the same name', ({ expect }) => {
  expect(new Set(REQUEST_TABLE.map(({ name }) => name)).size).toBe(REQUEST_TABLE.length);
});

for (const { name: title, app, nest } of BUILDS) {
  test(`the app ${title} has the versions that it stands for`, async ({ expect }) => {
    const copy = await installed(app);
    const names = ['@nestjs/core', '@nestjs/passport', 'express', 'fastify'];
    const majors = await Promise.all(names.map(async (name) => installedMajor(copy, name)));
    expect(majors).toEqual([nest, nest, 5, 5]);
  });
}

for (const { title, build: of, platform, node } of CELLS) {
  test.concurrent(title, async ({ expect }) => {
    const main = join(await compiled(of), of.main);
    const { stdout } = await run(await executableOf(node), [main, platform], { timeout: 60_000 });
    const printed = JSON.parse(stdout) as { readonly node: string; readonly answers: unknown };
    expect(`${printed.node}.`).toContain(`v${node}.`);
    expect(printed.answers).toEqual(expectedOf(platform));
  });
}

test.concurrent.for(NODES)(
  'the tests of cjs-nest11 with supertest pass under Jest on Node %s',
  async (node, { expect }) => {
    const cwd = await installed('cjs-nest11');
    const jest = ['node_modules/jest/bin/jest.js', '--config', 'test/jest-e2e.json', '--ci', '--json'];
    const { stdout } = await run(await executableOf(node), jest, { cwd, timeout: 120_000 });
    expect(JSON.parse(stdout)).toMatchObject({ success: true, numTotalTests: 8, numPassedTests: 8 });
  },
);

function build(app: string, nest: number, differences: Partial<Build> = {}): Build {
  return { name: app, app, nest, tsconfig: 'tsconfig.json', main: 'dist/main.js', ...differences };
}

function expectedOf(platform: Platform): Readonly<Record<string, object>> {
  const answers = REQUEST_TABLE.map(({ name, exchanges }) => [name, exchanges.map(({ answer }) => answer)]);
  return Object.fromEntries(PLATFORMS[platform].map((protocol) => [protocol, Object.fromEntries(answers)]));
}

/** The same promise for the same argument, a rejected one as well. */
function once<Argument, Result>(
  make: (argument: Argument) => Promise<Result>,
): (argument: Argument) => Promise<Result> {
  const made = new Map<Argument, Promise<Result>>();
  return async (argument) => {
    const promise = made.get(argument) ?? make(argument);
    made.set(argument, promise);
    return promise;
  };
}
