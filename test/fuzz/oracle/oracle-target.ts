/** RFC 3986, appendix B. */
const URI = /^(?:([^:/?#]+):)?(?:\/\/([^/?#]*))?([^?#]*)/;

const DEFAULT_PORTS: ReadonlyMap<string, number> = new Map([
  ['http', 80],
  ['https', 443],
]);

/**
 * A target URI as RFC 3986 §6.2.2 and §6.2.3 normalise it, without query and fragment (RFC 9449 §4.3).
 * @returns `undefined` for what is no `http:` or `https:` URI
 */
export function normalTarget(uri: string): string | undefined {
  if (!/^[\x21-\x7e]*$/.test(uri)) return undefined;
  const [, scheme = '', authority = '', path = ''] = URI.exec(uri) ?? [];
  const lower = scheme.toLowerCase();
  const port = DEFAULT_PORTS.get(lower);
  if (port === undefined) return undefined;
  return `${lower}://${normalAuthority(authority, port)}${withoutDots(normalEscapes(path)) || '/'}`;
}

/** Case, and the port that the scheme implies, or that is empty. */
function normalAuthority(authority: string, implied: number): string {
  const [, host = '', port] = /^(.*?)(?::(\d*))?$/s.exec(normalEscapes(authority).toLowerCase()) ?? [];
  return port === undefined || port === '' || Number(port) === implied ? host : `${host}:${Number(port)}`;
}

/** §6.2.2.1 and §6.2.2.2: hexadecimal in capitals, and nothing encoded that need not be. */
export function normalEscapes(text: string): string {
  return text.replaceAll(/%[0-9a-f]{2}/gi, (escape) => {
    const character = String.fromCharCode(Number.parseInt(escape.slice(1), 16));
    return /^[A-Za-z0-9._~-]$/.test(character) ? character : escape.toUpperCase();
  });
}

/** §5.2.4. */
function withoutDots(path: string): string {
  const segments: string[] = [];
  const all = path.split('/').slice(1);
  for (const [index, segment] of all.entries()) {
    if (segment === '..') segments.pop();
    else if (segment !== '.') segments.push(segment);
    if (index === all.length - 1 && (segment === '.' || segment === '..')) segments.push('');
  }
  return path === '' ? '' : `/${segments.join('/')}`;
}
