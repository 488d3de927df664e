import { expect, it } from 'vitest';
import { WAYS } from '../hostile/hostile-app.js';
import { describeDpopWay } from './describe-dpop-way.js';
import { DPOP_ROWS } from './dpop-rows.js';
import { IF_BOUND_ROWS } from './rows/if-bound.rows.js';

/** An unbound token as Bearer: `if-bound` admits it, and is to change nothing else. */
const UNBOUND = new Set(['RFC9449-4: unbound token as Bearer, a right proof beside']);

it('the rows left out are rows of the table', () => {
  expect(DPOP_ROWS.filter(({ name }) => UNBOUND.has(name))).toHaveLength(UNBOUND.size);
});

describeDpopWay(WAYS.ifBound, {
  rows: [...IF_BOUND_ROWS, ...DPOP_ROWS.filter(({ name }) => !UNBOUND.has(name))],
});
