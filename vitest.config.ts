import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const source = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** What every test of our own code needs. */
const SETUP = ['test/support/setup.ts'];

/** Suites of their own: they need the npm registry, curl, Redis, or proxies. */
const ELSEWHERE = ['test/package/**', 'test/sample/programs.spec.ts', 'test/redis/**', 'test/proxies/**'];

/** What other versions of Node change nothing about, or what takes long and is about our own code alone. */
const NOT_ABOUT_NODE =
  'test/{authorization,cli,common,docs,events,forward-auth,fuzz,hostile,options,outage,performance,request,sample,soak}/**';

/** Test projects, by the name that `vitest run --project` takes. test/README.md says what each is for. */
export default defineConfig({
  resolve: {
    alias: [
      { find: /^nestjs-cert-bound-auth\/testing$/, replacement: source('./lib/testing/index.ts') },
      { find: /^nestjs-cert-bound-auth$/, replacement: source('./lib/index.ts') },
    ],
  },
  test: {
    // Vitest would leave one core free, which is half of a small machine.
    maxWorkers: availableParallelism(),
    coverage: {
      provider: 'v8',
      include: ['lib/**/*.ts'],
      reporter: ['text-summary', 'html'],
      thresholds: { lines: 95, branches: 95, functions: 95, statements: 95 },
    },
    projects: [
      {
        extends: true,
        test: {
          name: 'main',
          include: ['test/**/*.spec.ts'],
          exclude: ELSEWHERE,
          setupFiles: SETUP,
          testTimeout: 30_000,
          hookTimeout: 60_000,
        },
      },
      {
        extends: true,
        test: {
          // For another Node than the machine's.
          name: 'node',
          include: ['test/**/*.spec.ts'],
          exclude: [...ELSEWHERE, NOT_ABOUT_NODE],
          setupFiles: SETUP,
          testTimeout: 30_000,
          hookTimeout: 60_000,
        },
      },
      {
        extends: true,
        test: {
          // A million inputs, or FUZZ_RUNS, from FUZZ_SEED: `npm test` does the same in short.
          name: 'fuzz',
          include: ['test/fuzz/**/*.spec.ts'],
          setupFiles: SETUP,
          env: {
            FUZZ_RUNS: process.env['FUZZ_RUNS'] ?? '1000000',
            // One for all files, so that one number is enough to do it again.
            FUZZ_SEED: process.env['FUZZ_SEED'] ?? String(Math.floor(Math.random() * 0x7fff_ffff)),
          },
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        extends: true,
        test: {
          // Needs bash, curl and ps.
          name: 'programs',
          include: ['test/sample/programs.spec.ts'],
          testTimeout: 60_000,
          hookTimeout: 180_000,
        },
      },
      {
        extends: true,
        test: {
          // Needs redis-server; it mostly waits.
          name: 'redis',
          include: ['test/redis/*.spec.ts'],
          globalSetup: 'test/redis/support/prepare.ts',
          setupFiles: SETUP,
          maxWorkers: 3,
          testTimeout: 30_000,
          hookTimeout: 60_000,
        },
      },
      {
        extends: true,
        test: {
          // Needs nginx, HAProxy, Apache httpd and Caddy; it mostly waits.
          name: 'proxies',
          include: ['test/proxies/**/*.spec.ts'],
          globalSetup: 'test/proxies/support/prepare.ts',
          setupFiles: SETUP,
          maxWorkers: 4,
          testTimeout: 30_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          // Needs the npm registry: it installs the packed tarball into apps.
          name: 'package',
          include: ['test/package/*.spec.ts'],
          globalSetup: 'test/package/support/pack.ts',
          fileParallelism: false,
          maxConcurrency: availableParallelism(),
          testTimeout: 300_000,
          hookTimeout: 300_000,
        },
      },
    ],
  },
});
