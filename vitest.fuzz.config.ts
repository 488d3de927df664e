import { defineConfig } from 'vitest/config';
import config from './vitest.config.js';

/**
 * The long form of the fuzzing that `npm test` does in short: a million inputs, or FUZZ_RUNS, from FUZZ_SEED. It takes
 * half an hour.
 */
export default defineConfig({
  resolve: config.resolve ?? {},
  test: {
    include: ['test/fuzz/**/*.spec.ts'],
    setupFiles: ['test/support/setup.ts'],
    env: {
      FUZZ_RUNS: process.env['FUZZ_RUNS'] ?? '1000000',
      // One for all files, so that one number is enough to do it again.
      FUZZ_SEED: process.env['FUZZ_SEED'] ?? String(Math.floor(Math.random() * 0x7fff_ffff)),
    },
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
