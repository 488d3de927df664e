import { decodeCertificates, type WholeCertificate } from './decode-certificates.js';
import { decodePercent } from './decode-percent.js';
import { headerParser } from './header-parser.js';
import { MalformedValue } from './malformed-value.js';

/**
 * Reads PEM, one certificate or several, the leaf first: percent-encoded in whole or in part, or raw, with line ends
 * that were turned to spaces or TABs or left out.
 * @see RFC 7468 §5
 */
export const parsePem = headerParser(readPem);

/** Line ends, and what proxies make of them. */
const SPACE = /^[ \t\r\n]*$/;
const SPACES = /[ \t\r\n]+/g;
const END = '-----END CERTIFICATE-----';
/** A block without its end. Nothing but spaces may stand in front of it: no other block, and no explanatory text. */
const BLOCK = /^[ \t\r\n]*-----BEGIN CERTIFICATE-----([^-]*)$/;

/** @throws MalformedValue */
export function readPem(value: string): WholeCertificate {
  const blocks = decodePercent(value).split(END);
  if (!SPACE.test(blocks.pop() ?? '')) throw notPem();
  return decodeCertificates(blocks.map(base64Of));
}

function base64Of(block: string): string {
  const base64 = BLOCK.exec(block)?.[1];
  if (base64 === undefined) throw notPem();
  return base64.replaceAll(SPACES, '');
}

function notPem(): MalformedValue {
  return new MalformedValue('it is not PEM of certificates and nothing else');
}
