import { describe, expect, test } from 'vitest';
import { PLATFORMS } from '../support/platforms.js';
import { describeWay } from './describe-way.js';
import { WAYS } from './hostile-app.js';
import { HostilePriming } from './hostile-priming.js';

const priming = new HostilePriming();

describeWay(WAYS.globalGuards, { priming });

/** Its token is older than any answer may be kept, so that it is verified each time. */
const VERIFIED_AGAIN = 'RFC8705-3: an opaque token, exp past within the tolerance';

describe('invariant 5: the rows met tokens that the apps knew', () => {
  const { record } = priming;
  const perPlatform = (like: Parameters<typeof record.count>[0]): number =>
    record.count(like) / PLATFORMS.length;

  test('their tokens had been accepted from somebody just before', () => {
    expect(perPlatform(({ primed }) => primed)).toBeGreaterThan(150);
  });

  test('they were found among those that the app knew, and refused all the same where that was right', () => {
    expect(perPlatform(({ hit, status }) => hit && status === 200)).toBeGreaterThan(40);
    expect(perPlatform(({ hit, status }) => hit && status !== 200)).toBeGreaterThan(80);
  });

  test('the authorization server was not asked about them again', () => {
    expect(record.askedAgain).toEqual([VERIFIED_AGAIN]);
  });
});
