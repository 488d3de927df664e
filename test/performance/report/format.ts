import type { Summary } from '../statistics.js';

/** A figure with its least and greatest round: `6.1 (5.8 to 7.0)`. */
export function withRange({ median, min, max }: Summary, digits = 1): string {
  return `${median.toFixed(digits)} (${min.toFixed(digits)} to ${max.toFixed(digits)})`;
}

/** A whole number with a comma between thousands. */
export function grouped(value: number): string {
  return Math.round(value).toLocaleString('en-GB');
}

/** Microseconds, without a sign where they round to nothing. */
export function micros(value: number): string {
  return value.toFixed(1).replace(/^-(0\.0)$/, '$1');
}
