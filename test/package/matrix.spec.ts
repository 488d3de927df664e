import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, inject, test } from 'vitest';
import { type Platform, PLATFORMS } from './apps/shared/platforms.js';
import { REQUEST_TABLE } from './apps/shared/request-table.js';
import { addSharedSources, compile, install, installedMajor, putInPlaceOf } from './support/install.js';

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

/** The apps that have the packages of other entrances; everywhere the first version of gRPC's that will do. */
const APPS_WITH_ENTRANCES = ['esm-nest12', 'esm-nest11', 'cjs-nest11.0'] as const;

test.concurrent.for(APPS_WITH_ENTRANCES)(
  'GraphQL, gateways and gRPC of the app %s answer the holder of the token, and run nothing for anybody else',
  async (app, { expect }) => {
    const outcomes = await playEntrances(app);
    const refused = (by: number): object => ({
      noToken: by,
      thief: by,
      ranForThem: 0,
      honest: 'hello client-1',
      ran: 1,
    });
    expect(outcomes).toEqual({
      'graphql by apollo on express': refused(401),
      'graphql by mercurius on fastify': refused(401),
      'ws on express': refused(401),
      'ws on fastify': refused(401),
      'socket.io on express': refused(401),
      'socket.io on fastify': refused(401),
      // UNAUTHENTICATED; what comes in by gRPC has no app before Nest 11.1.4.
      grpc: app === 'cjs-nest11.0' ? TOO_OLD_NEST : refused(16),
    });
  },
);

test.for(['esm-nest12', 'esm-nest11'] as const)(
  'a microservice of gRPC of the app %s does not start by a @grpc/grpc-js that is too old to hold its calls',
  async (app, { expect }) => {
    await playEntrances(app);
    await putInPlaceOf(await installed(app), '@grpc/grpc-js', 'grpc-js-before-interceptors');
    const main = join(await installed(app), ENTRANCES_MAIN);
    const { stdout } = await run(await executableOf('24'), [main, 'grpc'], { timeout: 60_000 });
    expect(JSON.parse(stdout)).toEqual({ grpc: TOO_OLD_GRPC });
  },
);

const TOO_OLD_NEST = bootError(
  '@nestjs/core',
  'its message handlers can be protected from Nest 11.1.4 on: update @nestjs/core and its companions',
);
const TOO_OLD_GRPC = bootError(
  '@grpc/grpc-js',
  'calls of gRPC can be protected from 1.11.0 on: update @grpc/grpc-js',
);

const ENTRANCES_MAIN = 'dist-entrances/entrances/main.js';

const playEntrances = once(async (app: string): Promise<unknown> => {
  const copy = await installed(app);
  await compile(copy, 'tsconfig.entrances.json');
  const { stdout } = await run(await executableOf('24'), [join(copy, ENTRANCES_MAIN)], { timeout: 120_000 });
  return JSON.parse(stdout);
});

function bootError(path: string, remedy: string): object {
  return {
    boot: `CertBoundAuthModule cannot start with these options:\n  - ${path} (undefined): ${remedy}`,
  };
}

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
