import { hash } from 'node:crypto';

/**
 * Tells settings apart that are given anew each time: what is plain data by what it says, all else (functions, keys, stores) by
 * which object it is. Two that are alike have the same key; two that differ in anything have not.
 */
export class SettingsKeys {
  private readonly numbers = new WeakMap<object, number>();
  private given = 0;

  /** A digest, for settings hold secrets. @throws RangeError for what contains itself */
  keyOf(settings: unknown): string {
    return hash('sha256', JSON.stringify(this.partsOf(settings)), 'base64url');
  }

  /** Each value with its kind, so that none can be taken for one of another kind. */
  private partsOf(value: unknown): readonly unknown[] {
    if (typeof value === 'function') return ['object', this.numberOf(value)];
    if (typeof value !== 'object' || value === null) return [typeof value, String(value)];
    if (Array.isArray(value)) return ['list', ...value.map((item) => this.partsOf(item))];
    if (value instanceof Uint8Array) return ['bytes', Buffer.from(value).toString('base64')];
    if (!isPlain(value)) return ['object', this.numberOf(value)];
    return ['members', ...Object.entries(value).map(([name, member]) => [name, ...this.partsOf(member)])];
  }

  private numberOf(object: object): number {
    const known = this.numbers.get(object);
    if (known !== undefined) return known;
    this.given += 1;
    this.numbers.set(object, this.given);
    return this.given;
  }
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
