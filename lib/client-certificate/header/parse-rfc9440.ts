import { decodeCertificates } from './decode-certificates.js';
import { headerParser, without } from './header-parser.js';
import { MalformedValue } from './malformed-value.js';

/**
 * Reads `Client-Cert`: one byte sequence, the base64 of the leaf's DER between colons. It is a singleton: a list of
 * them is malformed. `Client-Cert-Chain` is a list, of which each member is read by itself.
 * @see RFC 9440 §2.2, RFC 8941 §3.3.5
 */
export const parseRfc9440 = headerParser((value) => {
  const base64 = without(':', value);
  if (base64 === value) throw new MalformedValue('it is not base64 between colons (RFC 9440)');
  return decodeCertificates([base64]);
});
