/** How two series compare, pair by pair: the geometric mean of their ratios, and where it lies with 95 % confidence. */
export interface Ratio {
  readonly mean: number;
  readonly low: number;
  readonly high: number;
}

/** Student's t for a two-sided interval of 95 %, by degrees of freedom: 1 to 20. */
const T = [
  12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.16, 2.145, 2.131,
  2.12, 2.11, 2.101, 2.093, 2.086,
];

/** Compares two series of one length. @throws RangeError where there are not 2 to 21 pairs */
export function ratioOf(ours: readonly number[], theirs: readonly number[]): Ratio {
  const logs = ours.map((value, index) => Math.log(value / (theirs[index] ?? Number.NaN)));
  const count = logs.length;
  const t = T[count - 2];
  if (t === undefined || count !== theirs.length) throw new RangeError('give 2 to 21 pairs');
  const mean = logs.reduce((sum, value) => sum + value, 0) / count;
  const variance = logs.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (count - 1);
  const margin = t * Math.sqrt(variance / count);
  return { mean: Math.exp(mean), low: Math.exp(mean - margin), high: Math.exp(mean + margin) };
}
