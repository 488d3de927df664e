import { describe, expect, test } from 'vitest';
import { WAYS } from '../hostile/hostile-app.js';
import { PLATFORMS } from '../support/platforms.js';
import { describeDpopWay } from './describe-dpop-way.js';
import { DpopPriming } from './dpop-priming.js';

const priming = new DpopPriming();

describeDpopWay(WAYS.globalGuards, { priming });

describe('invariant 5: the rows met tokens that the apps knew', () => {
  const { record } = priming;
  const perPlatform = (like: Parameters<typeof record.count>[0]): number =>
    record.count(like) / PLATFORMS.length;

  test('their tokens had been accepted from somebody just before', () => {
    expect(perPlatform(({ primed }) => primed)).toBeGreaterThan(600);
  });

  test('they were found among those that the app knew, and refused all the same where that was right', () => {
    expect(perPlatform(({ hit, status }) => hit && status === 200)).toBeGreaterThan(130);
    expect(perPlatform(({ hit, status }) => hit && status !== 200)).toBeGreaterThan(480);
  });

  test('the authorization server was not asked about them again', () => {
    expect(record.askedAgain).toEqual([]);
  });
});
