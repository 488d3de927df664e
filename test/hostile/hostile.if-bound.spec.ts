import { expect, it } from 'vitest';
import { describeWay } from './describe-way.js';
import { WAYS } from './hostile-app.js';
import { HOSTILE_ROWS } from './hostile-rows.js';

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
]);

it('the rows left out are rows of the table', () => {
  expect(HOSTILE_ROWS.filter(({ name }) => UNBOUND.has(name))).toHaveLength(UNBOUND.size);
});

describeWay(WAYS.ifBound, { rows: HOSTILE_ROWS.filter(({ name }) => !UNBOUND.has(name)) });
