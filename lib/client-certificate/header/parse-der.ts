import { decodeCertificates } from './decode-certificates.js';
import { decodePercent } from './decode-percent.js';
import { headerParser, without } from './header-parser.js';
import { MalformedValue } from './malformed-value.js';

/**
 * Reads base64 of DER, one certificate or several joined by commas, the leaf first. Percent-encoding (Traefik 2),
 * RFC 9440's colons around a certificate and quotes around it (HAProxy may be told to write either) are taken away:
 * neither `%`, `:` nor `"` is a digit of base64, so that nothing can be read in two ways.
 */
export const parseDer = headerParser((value) => {
  const members = decodePercent(value).split(',');
  return decodeCertificates(members.map((member) => bare(member.trim())));
});

/** As {@link parseDer}, but one certificate: a comma may stand where something has joined two headers. */
export const parseSingleDer = headerParser((value) => {
  if (value.includes(',')) throw new MalformedValue('it has a comma: one certificate is expected');
  return decodeCertificates([bare(decodePercent(value).trim())]);
});

function bare(member: string): string {
  return without('"', without(':', member));
}
