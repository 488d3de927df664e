import { quotedList } from '../common/quoted.js';
import { normalizeBase, normalizeTargetUri } from '../dpop/target-uri.js';
import { ok, problem, type Seen } from './finding.js';

/**
 * Whether clients call what `dpop.publicUrl` says: their proofs are for what they call.
 * @param publicUrls as the options have them, where they have been checked
 */
export function seePublicUrl(url: URL, publicUrls: readonly string[]): Seen {
  const bases = publicUrls.map((each) => String(normalizeBase(each)));
  const target = String(normalizeTargetUri(url.origin + url.pathname));
  if (bases.some((base) => target === base || target.startsWith(`${base}/`)))
    return ok(`what was called is under publicUrl, ${quotedList(publicUrls)}`);
  return problem(
    `what was called is not under publicUrl, ${quotedList(publicUrls)}: proofs of clients would be refused`,
    'Set dpop.publicUrl to the origin, and the path prefix, that clients call, and not to what is behind a proxy.',
  );
}
