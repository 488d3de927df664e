import { decodeCertificates } from './decode-certificates.js';
import { headerParser } from './header-parser.js';
import { MalformedValue } from './malformed-value.js';

/**
 * Reads `Client-Cert`: one byte sequence, the base64 of the leaf's DER between colons. It is a singleton: a list of
 * them is malformed. `Client-Cert-Chain` is a list, of which each member is read by itself.
 * @see RFC 9440 §2.2, RFC 8941 §3.3.5
 */
export const parseRfc9440 = headerParser((value) => {
  const base64 = byteSequence(value);
  if (base64 === undefined) throw new MalformedValue('it is not base64 between colons (RFC 9440)');
  return decodeCertificates([base64]);
});

/** What is between the colons of a byte sequence; `undefined` when it is none. */
export function byteSequence(value: string): string | undefined {
  return value.startsWith(':') && value.endsWith(':') ? value.slice(1, -1) : undefined;
}
