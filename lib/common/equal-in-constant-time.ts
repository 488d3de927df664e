import { timingSafeEqual } from 'node:crypto';

/** Compares two texts in a time that tells only whether they are of the same length. */
export function equalInConstantTime(one: string, other: string): boolean {
  const [left, right] = [Buffer.from(one), Buffer.from(other)];
  return left.length === right.length && timingSafeEqual(left, right);
}
