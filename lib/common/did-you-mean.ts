/** The known name that a misspelled one probably stands for: at most two letters differ, or only case and separators. */
export function nearestOf(name: string, known: readonly string[]): string | undefined {
  const given = bare(name);
  const [nearest] = known
    .map((candidate) => ({ candidate, distance: distanceOf(given, bare(candidate)) }))
    .filter(({ candidate, distance }) => distance <= Math.min(2, candidate.length - 2))
    .toSorted((one, other) => one.distance - other.distance);
  return nearest?.candidate;
}

/** No name is longer; the work for a longer one is not worth it. */
const LONGEST = 64;

function bare(name: string): string {
  return name
    .slice(0, LONGEST)
    .toLowerCase()
    .replaceAll(/[^a-z0-9]/g, '');
}

/** How many letters must be added, left out or replaced (Levenshtein). */
function distanceOf(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (let index = 0; index < one.length; index++) {
    const next = [index + 1];
    for (let at = 0; at < other.length; at++) {
      const replaced = (row[at] ?? 0) + (one[index] === other[at] ? 0 : 1);
      next.push(Math.min(replaced, (row[at + 1] ?? 0) + 1, (next[at] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}
