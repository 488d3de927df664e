import { ALL_REASONS } from './distribution-point-names.js';
import type { RevocationList } from './revocation-list.js';
import { hasSerialNumber } from './serial-numbers.js';

/** A list that has been signed by whom it should, and speaks of a certificate. */
export interface SpeakingList<List extends RevocationList = RevocationList> {
  readonly list: List;
  /** For which reasons, as bits: `coverageOf` says so. */
  readonly coverage: number;
  /** Whether it can say that somebody is good: it is in its time, and of all keys of its CA, or of the right one. */
  readonly provesGood: boolean;
}

/** What lists say of a certificate; `undefined` where they do not say that it is good. */
export type ListsVerdict<Speaking> =
  | { readonly kind: 'revoked'; readonly by: Speaking }
  /** `until`: when the first of those that it takes ends, in milliseconds since the epoch. */
  | { readonly kind: 'good'; readonly until: number }
  | undefined;

/** The certificate that lists are asked about. */
export interface Numbered {
  /** As `nameKey` has it. */
  readonly issuer: string;
  /** Hex. */
  readonly serialNumber: string;
}

/**
 * What lists say together (RFC 5280 §6.3.3): each with the newest delta that is about it, and good only where they speak of all
 * reasons. Who is on a list that proves nobody good is revoked all the same.
 */
export function verdictOfLists<Speaking extends SpeakingList>(
  certificate: Numbered,
  lists: readonly Speaking[],
): ListsVerdict<Speaking> {
  const bases = lists.filter(({ list }) => list.baseNumber === undefined);
  let covered = 0;
  let until = Infinity;
  for (const base of bases) {
    const later = lists.filter(({ list }) => isLater(list, base.list));
    const delta = newestOf(later.filter(({ list }) => isMadeFor(list, base.list)));
    const by =
      revokedBy(certificate, base, delta) ??
      // Of a base that is not here: what it takes off cannot be told, and who is on it is revoked.
      later.find(({ list }) => !isMadeFor(list, base.list) && names(list, certificate));
    if (by !== undefined) return { kind: 'revoked', by };
    if (!base.provesGood) continue;
    covered |= base.coverage;
    until = Math.min(until, endOf(base), delta?.provesGood === true ? endOf(delta) : Infinity);
  }
  return covered === ALL_REASONS ? { kind: 'good', until } : undefined;
}

/** What a delta puts on the list counts even when it is out of date; what it takes off, only in its time. */
function revokedBy<Speaking extends SpeakingList>(
  certificate: Numbered,
  base: Speaking,
  delta: Speaking | undefined,
): Speaking | undefined {
  const { serialNumber } = certificate;
  if (delta !== undefined && names(delta.list, certificate)) return delta;
  const isRemoved = delta?.provesGood === true && hasSerialNumber(delta.list.removed, serialNumber);
  return !isRemoved && names(base.list, certificate) ? base : undefined;
}

/** Whether a certificate is on a list. */
function names(list: RevocationList, { issuer, serialNumber }: Numbered): boolean {
  return [list, ...list.ofOthers].some(
    (part) => part.issuer === issuer && hasSerialNumber(part.revoked, serialNumber),
  );
}

function newestOf<Speaking extends SpeakingList>(deltas: readonly Speaking[]): Speaking | undefined {
  return deltas.toSorted((one, other) =>
    isBelow(one.list.number ?? '', other.list.number ?? '') ? 1 : -1,
  )[0];
}

/** Whether it is a delta of the same CA, key and scope as a list, and newer (RFC 5280 §5.2.4). */
function isLater(delta: RevocationList, base: RevocationList): boolean {
  return (
    delta.baseNumber !== undefined &&
    base.number !== undefined &&
    isBelow(base.number, delta.number ?? '') &&
    delta.issuer === base.issuer &&
    delta.authorityKeyId === base.authorityKeyId &&
    JSON.stringify(delta.scope) === JSON.stringify(base.scope)
  );
}

/** Whether a later delta was made for this list, or for an older one. */
function isMadeFor({ baseNumber = '' }: RevocationList, { number = '' }: RevocationList): boolean {
  return !isBelow(number, baseNumber);
}

function isBelow(one: string, other: string): boolean {
  return BigInt(`0x0${one}`) < BigInt(`0x0${other}`);
}

function endOf({ list: { nextUpdate = 0 } }: SpeakingList): number {
  return nextUpdate;
}
