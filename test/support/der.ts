import * as x509 from '@peculiar/x509';

/** An element of DER: its tag, its length, and what it holds. */
export function der(tag: number, ...content: readonly (Uint8Array | string)[]): Buffer {
  const bytes = Buffer.concat(content.map((part) => Buffer.from(part)));
  return Buffer.concat([Buffer.from([tag]), lengthOf(bytes.length), bytes]);
}

function lengthOf(length: number): Buffer {
  if (length < 0x80) return Buffer.from([length]);
  const bytes = Buffer.from(length.toString(16).padStart(length > 0xff ? 4 : 2, '0'), 'hex');
  return Buffer.concat([Buffer.from([0x80 | bytes.length]), bytes]);
}

/** Kinds of names, and how each is written (RFC 5280 §4.2.1.6). */
const KINDS = {
  other: (hex: string) => der(0xa0, Buffer.from(hex, 'hex')),
  email: (text: string) => der(0x81, text),
  dns: (text: string) => der(0x82, text),
  directory: (text: string) => der(0xa4, nameOf(text)),
  uri: (text: string) => der(0x86, text),
  ip: (hex: string) => der(0x87, Buffer.from(hex, 'hex')),
  registered: (hex: string) => der(0x88, Buffer.from(hex, 'hex')),
} as const;

/** `dns:example.com`, `ip:0a000001`, `directory:O=Bank` … */
export type NameText = `${keyof typeof KINDS}:${string}`;

/** A `GeneralName`. */
export function generalName(text: NameText): Buffer {
  const colon = text.indexOf(':');
  return KINDS[text.slice(0, colon) as keyof typeof KINDS](text.slice(colon + 1));
}

/** A `Name`, outermost part first. */
export function nameOf(text: string): Buffer {
  return Buffer.from(new x509.Name(text).toArrayBuffer());
}

/** The extension of a CA that says which names those below it may have. */
export function nameConstraints(
  permitted: readonly NameText[],
  excluded: readonly NameText[] = [],
  critical = true,
): x509.Extension {
  const lists = [permitted, excluded].map((names, index) =>
    names.length === 0 ? '' : der(0xa0 + index, ...names.map((name) => der(0x30, generalName(name)))),
  );
  return new x509.Extension('2.5.29.30', critical, der(0x30, ...lists));
}

/** The extension of a certificate with its alternative names. */
export function altNames(...names: readonly NameText[]): x509.Extension {
  return new x509.Extension('2.5.29.17', false, der(0x30, ...names.map(generalName)));
}
