import type { Result, Results } from '../results.js';

/** The result of a contestant in a scenario; `undefined` where it was not measured. */
export function findResult({ results }: Results, scenario: string, id: string): Result | undefined {
  return results.find((result) => result.scenario === scenario && result.id === id);
}
