import { defineConfig } from 'vitest/config';

/** The checks of the packed tarball: they install it from npm into an app, so they need the registry. */
export default defineConfig({
  test: { include: ['test/package/**/*.spec.ts'], testTimeout: 300_000, hookTimeout: 300_000 },
});
