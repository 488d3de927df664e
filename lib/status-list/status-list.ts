import { invalidToken } from '../challenge/oauth-error.js';

/** How many bits a status has. */
export type StatusBits = 1 | 2 | 4 | 8;

/** The status of many tokens, as their issuer said it at one moment. */
export class StatusList {
  private readonly mask: number;

  constructor(
    private readonly bytes: Uint8Array,
    private readonly bits: StatusBits,
    /** `iat`, seconds since the epoch. */
    readonly issuedAt: number,
    /** Seconds, from the moment when it was fetched: when it may be used no more, whatever else says so. */
    readonly limits: StatusListLimits,
  ) {
    this.mask = 2 ** bits - 1;
  }

  /** How many tokens it has a place for. */
  get size(): number {
    return (this.bytes.length * 8) / this.bits;
  }

  /**
   * The status at a place; `undefined` beyond its end.
   * @see draft-ietf-oauth-status-list §4.1: the first is in the least significant bits
   */
  at(index: number): number | undefined {
    if (index >= this.size) return undefined;
    const bit = index * this.bits;
    return ((this.bytes[Math.floor(bit / 8)] ?? 0) >> (bit % 8)) & this.mask;
  }
}

/** What a list says of how long it may be used, in seconds; `Infinity` where it says nothing. */
export interface StatusListLimits {
  /** After which it is fetched anew. */
  readonly ttl: number;
  /** After which nothing in it holds. */
  readonly untilExpiry: number;
}

/** The statuses that have a name (§7.1). */
const NAMES: ReadonlyMap<number, string> = new Map([
  [1, 'INVALID'],
  [2, 'SUSPENDED'],
]);

/** @throws OAuthError 401 for a token whose status is another one than valid, or that the list has no place for */
export function requireValid(list: StatusList, index: number): void {
  const status = list.at(index);
  if (status === 0) return;
  if (status === undefined) {
    throw invalidToken('status_malformed', {
      detail: `status.status_list: idx is ${index}, and the list has ${list.size} places`,
    });
  }
  const name = NAMES.get(status) ?? 'of its server’s own';
  throw invalidToken('status_invalid', { detail: `its status is ${status} (${name})` });
}
