/** Digits, and others behind a dot. */
const DECIMAL = /^(\d{1,30})(?:\.(\d{1,30}))?$/;

/**
 * Whether an amount of money is at most another one, both as text such as `"123.50"`, of the same currency. It calculates with
 * decimals: 0.1 and 0.2 are 0.3. What is no amount is within none, and nothing is within it.
 * @example
 * ```ts
 * import { isAmountWithin } from 'nestjs-cert-bound-auth';
 *
 * isAmountWithin('123.5', '123.50'); // true
 * isAmountWithin('1e2', '123.50'); // false
 * ```
 */
export function isAmountWithin(asked: unknown, granted: unknown): boolean {
  const [one, other] = [partsOf(asked), partsOf(granted)];
  if (one === undefined || other === undefined) return false;
  const digits = Math.max(one.fraction.length, other.fraction.length);
  return scaled(one, digits) <= scaled(other, digits);
}

interface Decimal {
  readonly whole: string;
  readonly fraction: string;
}

function partsOf(amount: unknown): Decimal | undefined {
  const [, whole, fraction = ''] = (typeof amount === 'string' && DECIMAL.exec(amount)) || [];
  return whole === undefined ? undefined : { whole, fraction };
}

function scaled({ whole, fraction }: Decimal, digits: number): bigint {
  return BigInt(whole + fraction.padEnd(digits, '0'));
}
