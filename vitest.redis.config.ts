import { defineConfig } from 'vitest/config';
import config from './vitest.config.js';

/** What needs a real Redis: `redis-server` on the PATH. Without it the suite fails. */
export default defineConfig({
  resolve: config.resolve ?? {},
  test: {
    include: ['test/redis/*.spec.ts'],
    globalSetup: 'test/redis/support/prepare.ts',
    setupFiles: ['test/support/setup.ts'],
    // They mostly wait.
    maxWorkers: 3,
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
});
