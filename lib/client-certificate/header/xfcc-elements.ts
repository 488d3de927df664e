import { MalformedValue } from './malformed-value.js';

/** What one proxy says of its client: keys in lower case, with their values, in the order in which they came. */
export type XfccElement = readonly (readonly [key: string, value: string])[];

/**
 * A key, its value, and the comma, the semicolon or the end behind it. In quotes a backslash and the character behind
 * it belong together, for Envoy writes names as RFC 2253 does: in `"CN=\\"` the quote ends the value. One semicolon may
 * end an element. No two parts could share out the same characters in several ways, so that time is linear.
 */
const PAIR =
  /[ \t]*(?<key>[\w-]+)=(?:"(?<quoted>[^"\\]*(?:\\.[^"\\]*)*)"[ \t]*|(?<bare>[^",;]*))(?:;[ \t]*(?=,|$))?(?<end>[,;]|$)/gy;

/**
 * Splits the value of X-Forwarded-Client-Cert into its elements, the nearest hop's last.
 * @throws MalformedValue when any of them breaks the grammar: where the next one begins would be a guess
 * @see https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_conn_man/headers#x-forwarded-client-cert
 */
export function xfccElements(value: string): readonly XfccElement[] {
  const elements: (readonly [string, string])[][] = [];
  let before: string | undefined = ',';
  for (const { groups } of value.matchAll(PAIR)) {
    const pair = [groups?.['key']?.toLowerCase() ?? '', valueOf(groups)] as const;
    if (before === ',') elements.push([pair]);
    else elements.at(-1)?.push(pair);
    before = groups?.['end'];
  }
  if (before !== '') throw new MalformedValue('it does not follow the grammar of X-Forwarded-Client-Cert');
  return elements;
}

/** Of the escapes only that of a quote is the header's own; the others are a name's. */
function valueOf(groups: Readonly<Record<string, string>> | undefined): string {
  return groups?.['quoted']?.replaceAll('\\"', '"') ?? groups?.['bare']?.trim() ?? '';
}

/** All values of a key that may come more than once. @param key in lower case */
export function valuesOf(element: XfccElement, key: string): readonly string[] {
  return element.filter(([name]) => name === key).map(([, value]) => value);
}

/**
 * The value of a key that may come once.
 * @param key in lower case
 * @throws MalformedValue when it comes more than once
 */
export function onlyValueOf(element: XfccElement, key: string): string | undefined {
  const [value, ...more] = valuesOf(element, key);
  if (more.length > 0) throw new MalformedValue(`the element has more than one ${key}`);
  return value;
}
