import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const source = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** What every test of our own code needs. */
const SETUP = ['test/support/setup.ts'];

/** Suites of their own: they need the npm registry, curl, Redis, or proxies; or they have a long form. */
const ELSEWHERE = [
  'test/{conformance,fuzz,package,pkits,proxies,redis}/**',
  'test/sample/programs.spec.ts',
  // Where npm run bench has installed what it compares with.
  '**/node_modules/**',
];

/** `npm run fuzz` is the long form of the fuzzing that `npm test` does in short: a million inputs, from a new seed. */
function fuzzEnvironment(): Readonly<Record<string, string>> {
  if (process.env['npm_lifecycle_event'] !== 'fuzz') return {};
  return {
    FUZZ_RUNS: process.env['FUZZ_RUNS'] ?? '1000000',
    // One for all files, so that one number is enough to do it again.
    FUZZ_SEED: process.env['FUZZ_SEED'] ?? String(Math.floor(Math.random() * 0x7fff_ffff)),
  };
}

/**
 * Test projects, by the name that `vitest run --project` takes. test/README.md says what each is for. Each spec is in one,
 * so that `npx vitest run test/dpop` runs it once.
 */
export default defineConfig({
  resolve: {
    alias: [
      { find: /^nestjs-cert-bound-auth\/testing$/, replacement: source('./lib/testing/index.ts') },
      {
        find: /^nestjs-cert-bound-auth\/shared-signals$/,
        replacement: source('./lib/nest/shared-signals/index.ts'),
      },
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
          name: 'fuzz',
          include: ['test/fuzz/**/*.spec.ts'],
          setupFiles: SETUP,
          env: fuzzEnvironment(),
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
          // Vitest runs projects together that have the same number here, and wants as many workers of each.
          sequence: { groupOrder: 1 },
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
          sequence: { groupOrder: 2 },
          testTimeout: 30_000,
          hookTimeout: 60_000,
        },
      },
      {
        extends: true,
        test: {
          // Needs the npm registry: it runs the suites of others.
          name: 'conformance',
          include: ['test/conformance/*.spec.ts'],
          setupFiles: SETUP,
          testTimeout: 180_000,
          hookTimeout: 60_000,
        },
      },
      {
        extends: true,
        test: {
          // Needs OpenSSL, and NIST PKITS from PyPI.
          name: 'pkits',
          include: ['test/pkits/*.spec.ts'],
          setupFiles: SETUP,
          testTimeout: 120_000,
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
          hookTimeout: 600_000,
        },
      },
    ],
  },
});
