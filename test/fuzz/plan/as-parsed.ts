/** A value as Node's parser of HTTP hands it over: Latin-1, without control characters, without OWS around it. */
export function asParsed(value: string): string {
  const octets = [...Buffer.from(value, 'latin1')].filter(
    (octet) => octet === TAB || (octet >= SPACE && octet !== DEL),
  );
  return Buffer.from(octets)
    .toString('latin1')
    .replaceAll(/^[ \t]+|[ \t]+$/g, '');
}

const TAB = 0x09;
const SPACE = 0x20;
const DEL = 0x7f;
