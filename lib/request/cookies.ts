/**
 * The values of all cookies of a name, as they were sent (RFC 6265 §5.4): a request should have one, and may have several.
 * @param headers values of `Cookie`: HTTP/2 may split it (RFC 9113 §8.2.3)
 */
export function cookiesNamed(name: string, headers: readonly string[]): readonly string[] {
  return headers
    .filter((header) => header.includes(name))
    .flatMap((header) => header.split(';'))
    .map((pair) => splitAtFirst(pair).map((part) => part.replaceAll(/^[ \t]+|[ \t]+$/g, '')))
    .filter(([given]) => given === name)
    .map(([, value = '']) => value);
}

function splitAtFirst(pair: string): readonly string[] {
  const at = pair.indexOf('=');
  return at === -1 ? [pair] : [pair.slice(0, at), pair.slice(at + 1)];
}
