import { isThumbprint } from '../client-certificate/certificate-thumbprint.js';

/**
 * Says for the log what a thumbprint in a `cnf` looks like that is not 43 characters of unpadded base64url. It repeats
 * nothing of the value.
 * @returns `undefined` where it looks like nothing known
 * @see RFC 8705 §3.1
 */
export function describeMalformedThumbprint(value: unknown): string | undefined {
  if (typeof value !== 'string') return `it is ${kindOf(value)}, not a string`;
  if (value === '') return 'it is empty';
  if (isThumbprint(value.trim())) return 'there is white space around it';
  return describeCertificate(value) ?? describeHex(value) ?? describeBase64(value);
}

function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

/** Longer than any digest. */
const LONG = 200;

/** A certificate's DER begins with a SEQUENCE that has two bytes of length: `MI` in base64. */
function describeCertificate(value: string): string | undefined {
  if (value.includes('-----BEGIN ')) return 'it looks like PEM: a whole certificate, not its digest';
  if (value.startsWith('LS0tLS1CRUdJTi'))
    return 'it looks like base64 of PEM: a whole certificate, not its digest';
  const isDer = value.length > LONG && value.startsWith('MI') && isBase64(value);
  return isDer ? 'it looks like base64 of DER: a whole certificate, not its digest' : undefined;
}

/** Digests by the number of their bytes. */
const DIGESTS: Readonly<Record<number, string>> = { 20: 'SHA-1', 32: 'SHA-256', 64: 'SHA-512' };

/** With colons and a name, as OpenSSL prints it, or without. */
function describeHex(value: string): string | undefined {
  const bare = value.replace(/^sha-?(?:1|256|512)(?: fingerprint)?[=:]/i, '').replaceAll(/[: ]/g, '');
  const digest = /^[\da-f]+$/i.test(bare) ? DIGESTS[bare.length / 2] : undefined;
  if (digest === undefined) return undefined;
  return `it looks like a ${digest} in hex${bare === value ? '' : ', as OpenSSL prints it'}`;
}

function describeBase64(value: string): string | undefined {
  if (value.length > LONG || !isBase64(value)) return undefined;
  const bytes = Buffer.from(value, 'base64url');
  if (describeHex(bytes.toString('latin1')) !== undefined) {
    return 'it looks like base64 of hex: of the text of a digest, not of its bytes';
  }
  if (bytes.length === 32) return describeSpelling(value);
  const digest = DIGESTS[bytes.length];
  return digest === undefined ? undefined : `it looks like a ${digest} in base64`;
}

/** Either alphabet, padded or not. */
function isBase64(value: string): boolean {
  return /^[\w+/-]+={0,2}$/.test(value);
}

/** The right number of bytes, but not spelt as asked for. */
function describeSpelling(value: string): string {
  const faults = [
    ...(value.endsWith('=') ? ['padded with ='] : []),
    ...(/[+/]/.test(value) ? ['in the alphabet with + and /'] : []),
  ];
  if (faults.length > 0) return `it looks like a SHA-256 in base64, but ${faults.join(' and ')}`;
  return 'its last character has bits that no SHA-256 has: it has been cut or changed';
}
