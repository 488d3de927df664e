import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

/** The checks of the packed tarball: they install it from npm into apps, so they need the registry. */
export default defineConfig({
  test: {
    include: ['test/package/*.spec.ts'],
    globalSetup: 'test/package/support/pack.ts',
    fileParallelism: false,
    maxConcurrency: availableParallelism(),
    testTimeout: 300_000,
    hookTimeout: 300_000,
  },
});
