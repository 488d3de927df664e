import { describe, expect, test } from 'vitest';
import { describeWay } from './describe-way.js';
import { startEdgeApp } from './edge-app.js';
import { FastPathRecord } from './fast-path.js';
import type { Way } from './hostile-app.js';
import { CERTIFICATE_TABLE, DPOP_TABLE, TABLES } from './tables.js';

const WAY: Way = {
  name: 'the backend of a proxy',
  globalGuards: true,
  protect: () => () => undefined,
  start: startEdgeApp,
};

/** A proxy asks before it reads a body: of a token in a form the backend knows nothing. */
const IN_FORM = /^RFC6750-4: header and form/;

for (const table of TABLES) {
  const rows = table.rows.filter(({ name }) => !IN_FORM.test(name));
  describeWay(WAY, table, { rows });
  const record = new FastPathRecord();
  describeWay(WAY, table, { rows, record });

  describe(`INV5: of the hostile requests (${table.name}) whose tokens the backend of a proxy knew`, () => {
    const known = record.requests;

    test('many were found among the known tokens, and refused all the same where that was right', () => {
      expect(known.filter(({ hit, status }) => hit && status === 200).length).toBeGreaterThan(50);
      expect(known.filter(({ hit, status }) => hit && status !== 200).length).toBeGreaterThan(100);
    });
  });
}

test('only the rows of a token in a form are left out', () => {
  const count = (table: typeof CERTIFICATE_TABLE): number =>
    table.rows.filter(({ name }) => IN_FORM.test(name)).length;
  expect([count(CERTIFICATE_TABLE), count(DPOP_TABLE)]).toEqual([4, 1]);
});
