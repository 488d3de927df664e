import { describe, expect, test } from 'vitest';
import { PLATFORMS } from '../support/platforms.js';
import { describeWay } from './describe-way.js';
import { FastPathRecord } from './fast-path.js';
import { WAYS } from './hostile-app.js';
import { CERTIFICATE_TABLE, DPOP_TABLE } from './tables.js';

/** Its token is older than any answer may be kept, so that it is verified each time. */
const VERIFIED_AGAIN = 'RFC8705-3: an opaque token, exp past within the tolerance';

const LEAST = [
  { table: CERTIFICATE_TABLE, primed: 150, found: 40, refused: 80, again: [VERIFIED_AGAIN] },
  { table: DPOP_TABLE, primed: 600, found: 130, refused: 480, again: [] },
];

for (const { table, primed, found, refused, again } of LEAST) {
  const record = new FastPathRecord();
  describeWay(WAYS.globalGuards, table, { record });

  describe(`INV5: of the hostile requests (${table.name}) whose tokens the apps knew`, () => {
    const perPlatform = (like: Parameters<typeof record.count>[0]): number =>
      record.count(like) / PLATFORMS.length;

    test('many had tokens that had been accepted from somebody just before', () => {
      expect(perPlatform((request) => request.primed)).toBeGreaterThan(primed);
    });

    test('many were found among the known tokens, and refused all the same where that was right', () => {
      expect(perPlatform(({ hit, status }) => hit && status === 200)).toBeGreaterThan(found);
      expect(perPlatform(({ hit, status }) => hit && status !== 200)).toBeGreaterThan(refused);
    });

    test('none made the app ask the authorization server about its token again', () => {
      expect(record.askedAgain).toEqual(again);
    });
  });
}
