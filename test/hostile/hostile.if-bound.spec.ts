import { expect, it } from 'vitest';
import { describeWay } from './describe-way.js';
import { WAYS } from './hostile-app.js';
import type { HostileRow } from './hostile-row.js';
import { IF_BOUND_ROWS } from './rows/dpop/if-bound.rows.js';
import { CERTIFICATE_TABLE, DPOP_TABLE, TABLES } from './tables.js';

/** Tokens without any `cnf` where one belongs: `if-bound` admits them, and is to change nothing else. */
const UNBOUND = new Set([
  'RFC8705-1: CNF in upper case',
  'RFC8705-1: cnf in __proto__ of the claims',
  'RFC8705-1: cnf in the header, not among the claims',
  'RFC8705-1: cnf missing',
  'RFC8705-1: no certificate, unbound token',
  'RFC8705-1: scope wrong and token unbound',
  'RFC8705-1: x5t#S256 beside cnf, not in it',
  'RFC8705-3: introspection cnf missing',
  'RFC9449-4: unbound token as Bearer, a right proof beside',
]);

const isBound = ({ name }: HostileRow): boolean => !UNBOUND.has(name);

it('the rows that are left out under if-bound are rows of the tables', () => {
  const rows = TABLES.flatMap((table) => table.rows);
  expect(rows.filter((row) => !isBound(row))).toHaveLength(UNBOUND.size);
});

describeWay(WAYS.ifBound, CERTIFICATE_TABLE, { rows: CERTIFICATE_TABLE.rows.filter((row) => isBound(row)) });
describeWay(WAYS.ifBound, DPOP_TABLE, {
  rows: [...IF_BOUND_ROWS, ...DPOP_TABLE.rows.filter((row) => isBound(row))],
});
