const SPIFFE_ID = /^spiffe:\/\/[a-z\d._-]+(?:\/[\w.-]+)+$/;
/** As long as one may be, in bytes; all of them are ASCII. */
const LONGEST = 2048;

/** Whether a URI names a workload (SPIFFE-ID §2): a trust domain and a path, and nothing that could be read in two ways. */
export function isSpiffeId(uri: string): boolean {
  const isRelative = uri.split('/').some((segment, index) => index > 2 && /^\.\.?$/.test(segment));
  return uri.length <= LONGEST && SPIFFE_ID.test(uri) && !isRelative;
}

/** The SPIFFE id of a certificate: its only URI (X509-SVID §2); `undefined` where it has none, or other URIs too. */
export function spiffeIdOf(uris: readonly string[]): string | undefined {
  const [uri, ...others] = uris;
  return uri !== undefined && others.length === 0 && isSpiffeId(uri) ? uri : undefined;
}
