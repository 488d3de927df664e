import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CertificationAuthorities } from '../../lib/client-certificate/chain/certification-authorities.js';
import { listsProblem } from './lists.js';
import { opensslAccepts, readSuite, suiteFolder } from './suite.js';
import { REFUSED_BY_LISTS, REFUSED_PATHS } from './refused.js';

/** Its certificates are of 2010 to 2030. */
const AT = Date.UTC(2025, 0, 1);

interface Outcome {
  readonly name: string;
  readonly isValid: boolean;
  readonly byOpenssl: boolean;
  /** Why its path is refused; `undefined` where it is not. */
  readonly byPath: string | undefined;
  /** Why it is refused by path and lists. */
  readonly byAll: string | undefined;
}

let outcomes: readonly Outcome[];
const temporary = mkdtempSync(join(tmpdir(), 'pkits-'));
afterAll(() => rmSync(temporary, { recursive: true }));

beforeAll(async () => {
  const folder = suiteFolder();
  const root = new X509Certificate(readFileSync(join(folder, 'certs/TrustAnchorRootCertificate.crt')));
  const rootFile = join(temporary, 'root.pem');
  writeFileSync(rootFile, root.toString());
  outcomes = await Promise.all(
    readSuite(folder).map(async (pkits) => {
      const authorities = new CertificationAuthorities([root], pkits.others);
      const found = authorities.pathOf(pkits.leaf, [], AT);
      const byPath = found.kind === 'path' ? undefined : found.kind === 'none' ? 'no path' : found.error;
      const byLists =
        found.kind === 'path'
          ? await listsProblem({ ...authorities.verdictOf(found.path), kind: 'verified' }, pkits.lists, AT)
          : undefined;
      return {
        name: pkits.name,
        isValid: pkits.name.startsWith('Valid'),
        byOpenssl: opensslAccepts(pkits, rootFile, AT),
        byPath,
        byAll: byPath ?? byLists,
      };
    }),
  );
}, 300_000);

/** Names and reasons of valid tests that are refused. */
function refused(reason: (outcome: Outcome) => string | undefined): Readonly<Record<string, string>> {
  const valid = outcomes.filter(({ isValid }) => isValid);
  return Object.fromEntries(
    valid.flatMap((outcome) => {
      const why = reason(outcome);
      return why === undefined ? [] : [[outcome.name, why]];
    }),
  );
}

function containing(table: Readonly<Record<string, string>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(table).map(([name, why]) => [name, expect.stringContaining(why)]));
}

describe('RFC5280-6: paths are judged as NIST PKITS says', () => {
  test('All tests of the suite are there, and OpenSSL accepts 85 of the 88 valid ones and no invalid one', () => {
    expect(outcomes.length).toBeGreaterThan(220);
    expect(outcomes.filter(({ isValid }) => isValid)).toHaveLength(88);
    expect(outcomes.filter(({ isValid, byOpenssl }) => isValid && byOpenssl)).toHaveLength(85);
    expect(outcomes.filter(({ name, byOpenssl }) => byOpenssl && name.startsWith('Invalid'))).toEqual([]);
  });

  test('No invalid test is accepted by its path and lists', () => {
    const wrong = outcomes.filter(
      (outcome) => outcome.byAll === undefined && !outcome.isValid && !outcome.byOpenssl,
    );
    expect(wrong.map(({ name }) => name)).toEqual([]);
  });

  test('Of the 88 valid paths 83 are accepted, and each other one is refused for a reason of the table', () => {
    expect(refused(({ byPath }) => byPath)).toEqual(containing(REFUSED_PATHS));
  });

  test('With lists 81 of the 88 valid tests are accepted, and each other one is refused for a reason of the tables', () => {
    expect(refused(({ byAll }) => byAll)).toEqual(containing({ ...REFUSED_PATHS, ...REFUSED_BY_LISTS }));
  });
});
