import { escapeUnit } from './log-fields.js';

const LONGEST_VALUE = 100;
const MOST_VALUES = 5;

/** What somebody else has written, for the log: so much of it that it can be recognised, on one line, and no more. */
export function quoted(value: unknown): string {
  if (value === undefined) return 'undefined';
  // Nested deeply, it could not even be made into text.
  if (typeof value !== 'string') return `of type ${value === null ? 'null' : typeof value}`;
  const text = JSON.stringify(value.length > LONGEST_VALUE ? `${value.slice(0, LONGEST_VALUE)}…` : value);
  return onlyVisible(text);
}

/** A text of which a terminal takes no part for an order. */
export function onlyVisible(text: string): string {
  return text.replaceAll(INVISIBLE, escapeUnits);
}

/** What JSON leaves as it is, and a terminal may take for a new line, for an order, or for another direction of writing. */
const INVISIBLE = /[\p{C}\p{Zl}\p{Zp}]/gu;

/** A character as JSON can spell it: of what lies beyond 16 bits, each half by itself. */
export function escapeUnits(character: string): string {
  // With the flag `u` it would match both halves at once.
  return character.replaceAll(/[^]/g, escapeUnit);
}

/** The first of several such values, and how many there are beside them. */
export function quotedList(values: Iterable<unknown>): string {
  const all = [...values];
  const shown = all.slice(0, MOST_VALUES).map((value) => quoted(value));
  const left = all.length - shown.length;
  return `[${shown.join(',')}]${left > 0 ? ` and ${left} more` : ''}`;
}
