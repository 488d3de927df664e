import { nearestOf } from '../common/did-you-mean.js';

/**
 * What to do about an option that does not exist.
 * @param name as it was given
 * @param here the options that there are in its place
 * @param elsewhere the paths of all the others, as `authorizationServers[].jwt.jwksUri`
 */
export function noSuchOption(
  name: string,
  here: readonly string[],
  elsewhere: readonly string[] = [],
): string {
  const near = nearestOf(name, here);
  if (near !== undefined) return `there is no such option: did you mean ${near}?`;
  const plain = plainOf(name);
  const paths = elsewhere.filter((path) => plainOf(path.slice(path.lastIndexOf('.') + 1)) === plain);
  return paths.length === 0
    ? 'there is no such option'
    : `there is no such option here: did you mean ${paths.join(' or ')}?`;
}

/** As `jwks_uri`, `JwksUri` and `jwks-uri` are alike. */
function plainOf(name: string): string {
  return name.replaceAll(/[_\s-]/g, '').toLowerCase();
}
