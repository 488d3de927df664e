/** A member of a JSON object as text: its name with the quotes, and its value. */
export type Entry = readonly [name: string, value: string];

/** What is put in the place of a value. */
export type Value =
  /** JSON text, or what only looks like it. */
  | { readonly kind: 'raw'; readonly text: string }
  /** A time, in seconds from now. */
  | { readonly kind: 'offset'; readonly seconds: number }
  /** Nested deeply, or long: too much to print. */
  | { readonly kind: 'huge'; readonly what: 'arrays' | 'objects' | 'text' | 'digits' }
  /** The right value, a string, written otherwise. */
  | { readonly kind: 'respelt'; readonly how: Respelling };

export type Respelling =
  | 'lower'
  | 'upper'
  | 'padded'
  | 'in an array'
  | 'twice in an array'
  | 'in an object'
  | 'space behind'
  | 'slash behind'
  | 'NUL behind'
  | 'cut'
  | 'last character changed'
  | 'hex'
  | 'other alphabet'
  | 'escaped';

/** A change of a JSON object, or of its text. */
export type Edit =
  | { readonly op: 'drop'; readonly name: string }
  | { readonly op: 'set'; readonly name: string; readonly value: Value }
  /** The right one comes later, and counts. */
  | { readonly op: 'put before'; readonly name: string; readonly value: Value }
  /** It comes later than the right one, and counts. */
  | { readonly op: 'put behind'; readonly name: string; readonly value: Value }
  | { readonly op: 'rename'; readonly name: string; readonly to: string }
  | { readonly op: 'text'; readonly how: TextChange };

export type TextChange =
  | 'BOM'
  | 'spaces'
  | 'cut'
  | 'comma at the end'
  | 'something behind'
  | 'in an array'
  | 'comment'
  | 'not UTF-8'
  | 'NUL';

/** The text of a JSON object after these edits. @param now seconds since the epoch */
export function editedText(entries: readonly Entry[], edits: readonly Edit[], now: number): Buffer {
  let members = entries;
  for (const edit of edits) members = editMembers(members, edit, now);
  let text: Buffer = Buffer.from(textOf(members));
  for (const edit of edits) if (edit.op === 'text') text = changeText(text, edit.how);
  return text;
}

export function textOf(entries: readonly Entry[]): string {
  return `{${entries.map(([name, value]) => `${name}:${value}`).join(',')}}`;
}

/** The members of an object whose values are all plain JSON. */
export function entriesOf(members: object): readonly Entry[] {
  return Object.entries(members)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => [JSON.stringify(name), JSON.stringify(value)]);
}

function editMembers(members: readonly Entry[], edit: Edit, now: number): readonly Entry[] {
  if (edit.op === 'text') return members;
  const name = JSON.stringify(edit.name);
  const right = members.find(([candidate]) => candidate === name)?.[1];
  switch (edit.op) {
    case 'drop':
      return members.filter(([candidate]) => candidate !== name);
    case 'set': {
      const entry: Entry = [name, valueText(edit.value, right, now)];
      const known = members.some(([candidate]) => candidate === name);
      return known ? members.map((member) => (member[0] === name ? entry : member)) : [...members, entry];
    }
    case 'put before':
      return [[name, valueText(edit.value, right, now)], ...members];
    case 'put behind':
      return [...members, [name, valueText(edit.value, right, now)]];
    case 'rename':
      return members.map((member) => (member[0] === name ? [edit.to, member[1]] : member));
  }
}

const DEEP = 1500;

const HUGE = {
  arrays: '['.repeat(DEEP) + ']'.repeat(DEEP),
  objects: `${'{"a":'.repeat(DEEP)}1${'}'.repeat(DEEP)}`,
  text: JSON.stringify('x'.repeat(2 * DEEP)),
  digits: '9'.repeat(DEEP),
} as const;

function valueText(value: Value, right: string | undefined, now: number): string {
  switch (value.kind) {
    case 'raw':
      return value.text;
    case 'huge':
      return HUGE[value.what];
    case 'offset':
      return String(now + value.seconds);
    case 'respelt':
      return respell(right ?? '"none"', value.how);
  }
}

const BASE64URL = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

function respell(json: string, how: Respelling): string {
  if (how === 'in an array') return `[${json}]`;
  if (how === 'twice in an array') return `[${json},${json}]`;
  if (how === 'in an object') return `{"value":${json}}`;
  const text = stringOf(json);
  if (text === undefined) return json;
  if (how === 'escaped') return `"${escaped(text)}"`;
  return JSON.stringify(respellText(text, how));
}

/** An earlier edit may have left something else. */
function stringOf(json: string): string | undefined {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === 'string' ? value : undefined;
  } catch {
    return undefined;
  }
}

function respellText(text: string, how: Respelling): string {
  switch (how) {
    case 'lower':
      return text.toLowerCase();
    case 'upper':
      return text.toUpperCase();
    case 'padded':
      return `${text}=`;
    case 'space behind':
      return `${text} `;
    case 'slash behind':
      return `${text}/`;
    case 'NUL behind':
      return `${text}\0`;
    case 'cut':
      return text.slice(0, -1);
    case 'last character changed':
      return text.slice(0, -1) + BASE64URL.charAt((BASE64URL.indexOf(text.slice(-1)) + 1) % 64);
    case 'hex':
      return Buffer.from(text, 'base64url').toString('hex');
    case 'other alphabet':
      return text.replaceAll('-', '+').replaceAll('_', '/');
    default:
      return text;
  }
}

/** Every character as an escape: the same string (RFC 8259 §7). */
export function escaped(text: string): string {
  return Array.from(
    { length: text.length },
    (_, index) => `\\u${text.charCodeAt(index).toString(16).padStart(4, '0')}`,
  ).join('');
}

function changeText(text: Buffer, how: TextChange): Buffer {
  switch (how) {
    case 'BOM':
      return Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), text]);
    case 'spaces':
      return Buffer.concat([Buffer.from(' \t\r\n'), text, Buffer.from('\n ')]);
    case 'cut':
      return text.subarray(0, -1);
    case 'comma at the end':
      return Buffer.concat([text.subarray(0, -1), Buffer.from(',}')]);
    case 'something behind':
      return Buffer.concat([text, Buffer.from('{}')]);
    case 'in an array':
      return Buffer.concat([Buffer.from('['), text, Buffer.from(']')]);
    case 'comment':
      return Buffer.concat([Buffer.from('/**/'), text]);
    case 'not UTF-8':
      return Buffer.concat([text.subarray(0, -1), Buffer.from([0x2c, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])]);
    case 'NUL':
      return Buffer.concat([text, Buffer.from([0])]);
  }
}
