import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const source = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig({
  resolve: {
    alias: [
      { find: /^nestjs-cert-bound-auth\/testing$/, replacement: source('./lib/testing/index.ts') },
      { find: /^nestjs-cert-bound-auth$/, replacement: source('./lib/index.ts') },
    ],
  },
  test: {
    include: ['test/**/*.spec.ts'],
    // Suites of their own: they need the npm registry, curl, Redis, or proxies.
    exclude: ['test/package/**', 'test/sample/programs.spec.ts', 'test/redis/**', 'test/proxies/**'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    setupFiles: ['test/support/setup.ts'],
    coverage: {
      provider: 'v8',
      include: ['lib/**/*.ts'],
      reporter: ['text-summary', 'html'],
      thresholds: { lines: 95, branches: 95, functions: 95, statements: 95 },
    },
  },
});
