/** Writes DER (X.690 §8, §10): what the libraries that make lists and certificates do not let one write. */
export function tlv(tag: number, ...content: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(content);
  return Buffer.concat([Buffer.from([tag]), lengthOf(body.length), body]);
}

function lengthOf(length: number): Buffer {
  if (length < 0x80) return Buffer.from([length]);
  const hex = length.toString(16);
  const bytes = Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex');
  return Buffer.concat([Buffer.from([0x80 | bytes.length]), bytes]);
}

export function sequence(...content: readonly Uint8Array[]): Buffer {
  return tlv(0x30, ...content);
}

/** @param hex the octets of its content */
export function integer(hex: string): Buffer {
  return tlv(0x02, Buffer.from(hex, 'hex'));
}

export function boolean(value: boolean): Buffer {
  return tlv(0x01, Buffer.from([value ? 0xff : 0]));
}

export function octets(content: Uint8Array): Buffer {
  return tlv(0x04, content);
}

export function bits(content: Uint8Array): Buffer {
  return tlv(0x03, Buffer.from([0]), content);
}

/** @param dotted `2.5.29.28` */
export function identifier(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  return tlv(0x06, Buffer.from([40 * first + second, ...rest.flatMap(base128)]));
}

function base128(value: number): readonly number[] {
  const high = Math.floor(value / 128);
  return [...(high === 0 ? [] : base128(high).map((octet) => octet | 0x80)), value % 128];
}

/** `GeneralizedTime`. @param moment milliseconds since the epoch */
export function time(moment: number): Buffer {
  const digits = new Date(moment).toISOString().replaceAll(/[-:T]|\.\d+/g, '');
  return tlv(0x18, Buffer.from(digits, 'latin1'));
}

/** An extension of a certificate, a list, an entry. @param value what its octet string holds */
export function extension(dotted: string, value: Uint8Array, critical = false): Buffer {
  return sequence(identifier(dotted), ...(critical ? [boolean(true)] : []), octets(value));
}
