import { isIPv4 } from 'node:net';

/** `http:` or `https:`, an authority without userinfo and without percent-encoding, a path, and what is ignored: query and fragment. */
const TARGET_URI = /^https?:\/\/([\w\-.~!$&'()*+,;=:[\]]+)(?:\/[^\s"<>\\`{}?#]*)?(?:[?#][^\s"<>\\`{}]*)?$/i;
const PRINTABLE_ASCII = /^[\x21-\x7e]+$/;

/**
 * Normalises a target URI by its syntax and its scheme: case of scheme and host, default port, dot segments,
 * percent-encoding. Query and fragment are left out. The path keeps its case.
 * @returns `undefined` for what is no such URI: the parser of URLs would repair much that RFC 3986 forbids
 * @see RFC 9449 §4.3, RFC 3986 §6.2.2 and §6.2.3
 */
export function normalizeTargetUri(uri: string): string | undefined {
  const authority = PRINTABLE_ASCII.test(uri) ? TARGET_URI.exec(uri)?.[1] : undefined;
  if (authority === undefined || !URL.canParse(uri)) return undefined;
  const { origin, hostname, pathname } = new URL(uri);
  // `0x7f.1` is no address to RFC 3986, but a name.
  if (isIPv4(hostname) && !authority.startsWith(hostname)) return undefined;
  return origin + normalizePath(pathname);
}

/**
 * The target URI of a request, normalised.
 * @param base origin and path prefix as {@link normalizeBase} makes them
 * @param path as it was sent
 */
export function targetUriOf(base: string, path: string): string | undefined {
  return normalizeTargetUri(base + escapeIllegal(path));
}

/**
 * An origin and path prefix that a path can be appended to: no slash at its end.
 * @returns `undefined` for what is none: it needs `https:`, or `http:` and a loopback address, and no userinfo, query
 * or fragment
 */
export function normalizeBase(url: string): string | undefined {
  if (
    /[?#]/.test(url) ||
    !/^https:|^http:\/\/(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?:[:/]|$)/i.test(url)
  ) {
    return undefined;
  }
  return normalizeTargetUri(url)?.replace(/\/+$/, '');
}

/** Each octet that a path may not hold (RFC 3986 §3.3); Node gives the octets of a path as they came, as Latin-1. */
function escapeIllegal(path: string): string {
  return path.replaceAll(/[^\w\-.~%!$&'()*+,;=:@/]/g, escapeOctet);
}

function escapeOctet(octet: string): string {
  return `%${octet.charCodeAt(0).toString(16).padStart(2, '0')}`;
}

/** Decodes what need not be encoded, and writes the rest in capitals. */
function normalizePath(pathname: string): string {
  return escapeIllegal(pathname).replaceAll(/%[\da-f]{2}/gi, (encoded) => {
    const character = String.fromCharCode(Number.parseInt(encoded.slice(1), 16));
    return /[\w\-.~]/.test(character) ? character : encoded.toUpperCase();
  });
}
