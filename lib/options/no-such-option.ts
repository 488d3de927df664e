/** A mistake of typing may be so far from what was meant. */
const MOST_EDITS = 2;

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
  const near = nearest(name, here);
  if (near !== undefined) return `there is no such option: did you mean ${near}?`;
  const plain = plainOf(name);
  const paths = elsewhere.filter((path) => plainOf(path.slice(path.lastIndexOf('.') + 1)) === plain);
  return paths.length === 0
    ? 'there is no such option'
    : `there is no such option here: did you mean ${paths.join(' or ')}?`;
}

function nearest(name: string, names: readonly string[]): string | undefined {
  const plain = plainOf(name);
  const far = Math.min(MOST_EDITS, Math.round(plain.length / 3));
  const [best] = names
    .map((known) => ({ known, edits: editsBetween(plain, plainOf(known)) }))
    .filter(({ edits }) => edits <= far)
    .toSorted((one, other) => one.edits - other.edits);
  return best?.known;
}

/** As `jwks_uri`, `JwksUri` and `jwks-uri` are alike. */
function plainOf(name: string): string {
  return name.replaceAll(/[_\s-]/g, '').toLowerCase();
}

/** How many letters must be put in, left out or replaced to make one name of the other (Levenshtein). */
function editsBetween(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, column) => column);
  for (const [index, letter] of [...one].entries()) {
    const next = [index + 1];
    for (let column = 1; column <= other.length; column += 1) {
      const replaced = (row[column - 1] ?? 0) + (letter === other[column - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[column] ?? 0) + 1, (next[column - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[other.length] ?? 0;
}
