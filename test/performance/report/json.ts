import type { Results } from '../results.js';

/** Decimals that are kept: the rest is noise. */
const DECIMALS = 4;

/** The results as JSON, one contestant a line, so that two runs can be compared by eye. */
export function jsonOf({ results, ...rest }: Results): string {
  const head = JSON.stringify(rest, null, 2).slice(0, -'\n}'.length);
  const lines = results.map((result) => `    ${JSON.stringify(result, rounded)}`);
  return `${head},\n  "results": [\n${lines.join(',\n')}\n  ]\n}\n`;
}

function rounded(_: string, value: unknown): unknown {
  return typeof value === 'number' ? Number(value.toFixed(DECIMALS)) : value;
}
