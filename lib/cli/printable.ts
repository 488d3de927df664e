import { escapeUnits } from '../common/quoted.js';

/** What a terminal obeys, what changes the order in which a line is read, and what nobody sees. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;
/** The same, but for what JSON has escaped itself, and the line ends between its members. */
const UNPRINTABLE_IN_JSON = /[\u007f-\u009f\p{Cf}\p{Zl}\p{Zp}]/gu;

/** A text of somebody else, on one line of a terminal. */
export function printable(text: string): string {
  return text.replaceAll(
    UNPRINTABLE,
    (character) => `\\u{${(character.codePointAt(0) as number).toString(16)}}`,
  );
}

/** JSON for people and programs, in which nothing obeys anybody either. */
export function printableJson(value: unknown): string {
  return JSON.stringify(value, undefined, 2).replaceAll(UNPRINTABLE_IN_JSON, escapeUnits);
}
