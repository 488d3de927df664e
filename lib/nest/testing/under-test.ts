/** Each says that a test runner has started this process: Node's, Vitest, Jest; or whoever sets it. */
const RUNNERS = ['NODE_TEST_CONTEXT', 'VITEST', 'JEST_WORKER_ID'] as const;

/** @throws Error outside of a test runner: a stand-in would let everybody in */
export function checkUnderTest(what: string): void {
  const { env } = process;
  if (env['NODE_ENV'] === 'test' || RUNNERS.some((name) => env[name] !== undefined)) return;
  throw new Error(
    `${what} checks no token, so it works in tests only: under Vitest, Jest or node --test, or with NODE_ENV=test`,
  );
}
