/**
 * The known name that a misspelled one probably stands for: one letter in three differs at most, and never more than two,
 * or only case and separators do.
 */
export function nearestOf(name: string, known: readonly string[]): string | undefined {
  const given = bare(name);
  const [nearest] = known
    .map((candidate) => ({ candidate, distance: distanceOf(given, bare(candidate)) }))
    .filter(({ candidate, distance }) => distance <= Math.min(2, Math.floor(shorter(given, candidate) / 3)))
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

function shorter(one: string, other: string): number {
  return Math.min(one.length, other.length);
}

/** How many letters must be added, left out or replaced, or swapped with their neighbour (Damerau and Levenshtein). */
function distanceOf(one: string, other: string): number {
  let before: readonly number[] = [];
  let row: readonly number[] = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (let index = 0; index < one.length; index++) {
    const next = [index + 1];
    for (let at = 0; at < other.length; at++) {
      const replaced = (row[at] ?? 0) + (one[index] === other[at] ? 0 : 1);
      const areSwapped = index > 0 && at > 0 && one[index] === other[at - 1] && one[index - 1] === other[at];
      const swapped = areSwapped ? (before[at - 1] ?? 0) + 1 : Infinity;
      next.push(Math.min(replaced, swapped, (row[at + 1] ?? 0) + 1, (next[at] ?? 0) + 1));
    }
    [before, row] = [row, next];
  }
  return row.at(-1) ?? 0;
}
