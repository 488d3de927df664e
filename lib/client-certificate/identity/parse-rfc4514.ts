import { elementAt } from '../chain/der.js';
import { ATTRIBUTE_TYPES } from './attribute-types.js';
import type { DistinguishedName, NameAttribute } from './distinguished-name.js';
import { textOf } from './text-of.js';

/** Names of attributes are the same in upper and lower case (RFC 4514 §3). */
const TYPES: ReadonlyMap<string, string> = new Map(
  Object.entries(ATTRIBUTE_TYPES).map(([name, type]) => [name.toLowerCase(), type]),
);

const TYPE = /([A-Za-z][\w-]*|\d+(?:\.\d+)+)=/y;
const HEX = /#((?:[\da-f]{2})+)/iy;
const CHARACTER = /\\([ "#+,;<=>\\])|((?:\\[\da-f]{2})+)|([^\\"+,;<>\0])/iuy;

/**
 * Reads a name as RFC 4514 writes it, the leaf of the tree first: `CN=client,O=Bank,C=DE`.
 * @throws Error with what is wrong
 */
export function parseRfc4514(text: string): DistinguishedName {
  const parts: NameAttribute[][] = [[]];
  let at = 0;
  for (;;) {
    const { attribute, end } = attributeAt(text, at);
    parts.at(-1)?.push(attribute);
    if (end === text.length) return parts.toReversed();
    if (text[end] === ',') parts.push([]);
    else if (text[end] !== '+')
      throw new Error(`${JSON.stringify(text.slice(end, end + 1))} must be escaped in it`);
    at = end + 1;
  }
}

interface Found<Value> {
  readonly value: Value;
  readonly end: number;
}

function attributeAt(text: string, at: number): { readonly attribute: NameAttribute; readonly end: number } {
  const found = match(TYPE, text, at);
  const name = found?.[1];
  if (found === undefined || name === undefined) throw new Error('each part of it is a type, = and a value');
  const type = /^\d/.test(name) ? name : TYPES.get(name.toLowerCase());
  if (type === undefined)
    throw new Error(`${name} is no attribute that is known by name: give its object identifier`);
  const start = at + found[0].length;
  const hex = match(HEX, text, start);
  if (hex !== undefined) return { attribute: attributeOf(type, hex[1] ?? ''), end: start + hex[0].length };
  const { value, end } = valueAt(text, start);
  return { attribute: { type, text: value, der: '' }, end };
}

function attributeOf(type: string, hex: string): NameAttribute {
  const der = Buffer.from(hex, 'hex');
  const element = elementAt(der, 0);
  if (element.end !== der.length) throw new Error(`#${hex} is no DER`);
  return { type, text: textOf(der, element), der: hex.toLowerCase() };
}

/** Spaces at the end of a value, and one before it, have to be escaped, or they belong to nothing (RFC 4514 §2.4). */
function valueAt(text: string, start: number): Found<string> {
  let value = '';
  let end = start;
  for (let next = match(CHARACTER, text, end); next !== undefined; next = match(CHARACTER, text, end)) {
    const [all, special, pairs, plain] = next;
    value += special ?? (pairs === undefined ? (plain ?? '') : bytesIn(pairs));
    end += all.length;
  }
  if (
    text.startsWith(' ', start) ||
    (text.slice(start, end).endsWith(' ') && !text.slice(start, end).endsWith('\\ '))
  ) {
    throw new Error('a space at the beginning or the end of a value must be escaped');
  }
  if (end < text.length && text[end] === '\\')
    throw new Error('what follows a backslash must be two hex digits, or a character that has to be escaped');
  return { value, end };
}

function bytesIn(pairs: string): string {
  return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(
    Buffer.from(pairs.replaceAll('\\', ''), 'hex'),
  );
}

function match(expression: RegExp, text: string, at: number): RegExpExecArray | undefined {
  expression.lastIndex = at;
  return expression.exec(text) ?? undefined;
}
