import { defineConfig } from 'vitest/config';

/** `npm start` and `npm run demo` as a person runs them: needs bash, curl and ps. */
export default defineConfig({
  test: { include: ['test/sample/programs.spec.ts'], testTimeout: 60_000, hookTimeout: 180_000 },
});
