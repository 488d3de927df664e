import type { CertificateFields } from './certificate-fields.js';
import { constrainedNamesOf } from './constrained-names.js';
import type { GeneralName } from './general-names.js';
import { isSelfIssued } from './may-issue.js';
import { type NameConstraints, nameConstraintsOf } from './name-constraints.js';
import { isWithin } from './within-subtree.js';

/** Comparisons of names at most for one path: more than any has, and soon done. */
const MOST_COMPARISONS = 20_000;

/**
 * The first certificate of a path whose names a CA above it does not permit (RFC 5280 §6.1.3 (b), (c)). That of a CA with a
 * new key has the CA's own name, which its constraints are not about.
 * @param path the client's certificate first, that of the trusted CA last, whose constraints count as well
 * @throws RangeError when names or constraints can't be read, or are too many
 */
export function findForbiddenName(path: readonly CertificateFields[]): CertificateFields | undefined {
  const constraints = path.map(({ extensions }, index) =>
    index === 0 ? undefined : nameConstraintsOf(extensions),
  );
  let comparisons = 0;
  return path.find((certificate, index) => {
    const above = constraints.slice(index + 1).filter((found) => found !== undefined);
    if (above.length === 0 || (index > 0 && isSelfIssued(certificate))) return false;
    const names = constrainedNamesOf(certificate, index === 0);
    comparisons +=
      names.length *
      above.reduce((sum, { permitted, excluded }) => sum + permitted.length + excluded.length, 0);
    if (comparisons > MOST_COMPARISONS)
      throw new RangeError('the chain has too many names and name constraints');
    return names.some((name) => above.some((constraint) => !isAllowed(name, constraint)));
  });
}

function isAllowed(name: GeneralName, { permitted, excluded }: NameConstraints): boolean {
  const isSame = ({ kind }: GeneralName): boolean => kind === name.kind;
  const allowed = permitted.filter(isSame);
  return (
    (allowed.length === 0 || allowed.some((base) => isWithin(name, base) === true)) &&
    excluded.filter(isSame).every((base) => isWithin(name, base) === false)
  );
}
